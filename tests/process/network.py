"""A network of the test's own: a namespace for each node, and a router between them that loses what it is told to.

The test program is the router and sees all gateways, whatever is cut between nodes. A program that uses this calls
`enter` first and skips its tests when that gives a reason.
"""
import contextlib
import ctypes
import os
import subprocess
import unittest

import namespaces
from cluster import Cluster, Member

_CLONE_NEWNET = 0x40000000
_FOLDER = "/run/netns"
_ROUTER = (f"mount -t tmpfs none /run && mkdir {_FOLDER} && ip link set lo up && "
           "echo 1 > /proc/sys/net/ipv4/ip_forward")
_libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """namespaces.enter with all that a Network needs."""
    why_not = namespaces.enter("--net", "--mount", probe=f"{_ROUTER} && ip netns add probe && "
                               "ip link add probe type veth peer name eth0 netns probe && "
                               "ip rule add iif probe to 10.0.0.1/32 blackhole")
    if not why_not:
        subprocess.run(["sh", "-c", _ROUTER], check=True)
    return why_not


def _ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Host:
    """A namespace with one interface besides loopback. Number 1 to 250."""

    def __init__(self, number):
        self.number = number
        self.name = f"h{number}"
        self.wire = f"wire{number}"
        self.address = f"10.77.{number}.2"
        router = f"10.77.{number}.1"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("address", "add", router + "/24", "dev", self.wire)
        _ip("link", "set", self.wire, "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", self.address + "/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["route", "add", "default", "via", router]):
            _ip("-n", self.name, *words)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the namespace meanwhile; sockets and processes made there stay in it."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(os.path.join(_FOLDER, self.name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set_namespace(there)
            yield
        finally:
            _set_namespace(before)
            os.close(before)
            os.close(there)


    def slow(self, rate):
        """From now on it sends and gets so much in all, such as `1mbit`, with little room for what waits."""
        limit = ["root", "tbf", "rate", rate, "burst", "32kbit", "latency", "400ms"]
        for context, wire in ((contextlib.nullcontext(), self.wire), (self.inside(), "eth0")):
            with context:
                done = subprocess.run(["tc", "qdisc", "add", "dev", wire, *limit], capture_output=True, text=True)
            if done.returncode != 0:
                raise unittest.SkipTest(f"no slow lines: {done.stderr.strip()}")


def _set_namespace(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """`count` hosts that reach each other and the test program, which has one such network at a time."""

    def __init__(self, count):
        self.hosts = [Host(number + 1) for number in range(count)]
        self._cuts = set()

    def close(self):
        """Once no node runs in it any more."""
        self.heal()
        for host in self.hosts:
            _ip("link", "delete", host.wire)
            _ip("netns", "delete", host.name)

    def cut(self, one, other):
        """Nothing that host `one` sends reaches `other` any more; the way back stays."""
        if (one, other) not in self._cuts:
            self._cuts.add((one, other))
            _ip("rule", "add", *self._rule(one, other))

    def part(self, side, others):
        """Cuts every link between two sets of hosts, both ways."""
        for one in side:
            for other in others:
                self.cut(one, other)
                self.cut(other, one)

    def heal(self):
        """Ends all cuts."""
        for one, other in self._cuts:
            _ip("rule", "delete", *self._rule(one, other))
        self._cuts.clear()

    @staticmethod
    def _rule(one, other):
        return ["iif", one.wire, "to", other.address + "/32", "blackhole"]


class HostedMember(Member):
    """A node at a host of its own, with the certificate that an `authority` issues to it, or none. Its admin port is on
    loopback there: what asks it goes inside."""

    def __init__(self, name, host, seeds=(), flags=(), authority=None, **more):
        self.at = host
        if authority:
            authority.issue(name, host.address)
        trust = authority.flags(name) if authority else ["--insecure-cluster"]
        super().__init__(name, seeds, [*trust, *flags], host=host.address,
                         admin_host="127.0.0.1", **more)

    def launch(self):
        with self.at.inside():
            return super().launch()

    def admin(self, *words, **more):
        with self.at.inside():
            return super().admin(*words, **more)

    def connect_admin(self, *words, **more):
        with self.at.inside():
            return super().connect_admin(*words, **more)

    def run(self, *words, **more):
        with self.at.inside():
            return super().run(*words, **more)


class HostedCluster(Cluster):
    """A Cluster whose nodes are on hosts of a Network, one each."""

    def __init__(self, hosts, **more):
        self.hosts = hosts
        super().__init__(len(hosts), **more)

    def make(self, number, seeds, flags, **more):
        return HostedMember(f"n{number + 1}", self.hosts[number], seeds, flags, **more)


def run_tests():
    """unittest.main for a program whose tests need a Network: all are skipped where the machine forbids it."""
    why_not = enter()
    if why_not:
        def skip(*_):
            raise unittest.SkipTest(why_not)
        Network.__init__ = skip
    unittest.main()
