"""Clusters of real nodes on loopback, and a load on them that remembers what became of every request.

The nodes of a test program have addresses of their own below 127/8, one for each process of the machine, with fixed
ports: a node that starts again is where it was, and one that is not started yet can be named as a seed.
"""
import collections
import contextlib
import itertools
import json
import os
import signal
import time

import load
import support

_ports = itertools.count(7000, 4)


def own_host(number=0):
    """An address that no other process of this machine uses; each has four of them, 0 to 3."""
    place = os.getpid() << 2 | number
    return f"127.{place >> 16}.{place >> 8 & 255}.{place & 255}"


class Member(support.Node):
    """A node of a cluster. `seeds` are the addresses for `--join`, none for a founder; may be changed between starts.
    `host` is where it listens, this process's first address if not given; `admin_host` must be on loopback."""

    def __init__(self, name, seeds=(), flags=(), host=None, admin_host=None, **more):
        host, port = host or own_host(), next(_ports)
        self.name = name
        self.seeds = list(seeds)
        self.cluster_address = f"{host}:{port}"
        ttl = [] if any(flag.startswith("store.session_ttl=") for flag in flags) else ["--set", "store.session_ttl=2s"]
        # Clients that ask again at once, and are more than the instances, want their turn.
        shedding = [] if any(flag.startswith("queue.shedding=") for flag in flags) else ["--set", "queue.shedding=off"]
        # An admin port that is another's while this node is down would have its callers talk to that one.
        super().__init__("--name", name, "--cluster", self.cluster_address, "--http", f"{host}:{port + 2}",
                         "--admin", f"{admin_host or host}:{port + 3}", *ttl, *shedding, *flags,
                         start=False, **more)
        self.host, self.port = host, port + 2

    def command(self):
        return super().command() + [word for seed in self.seeds for word in ("--join", seed)]

    def nodes(self):
        """What it says of the nodes of its cluster: {name: view}."""
        status, _, body = self.admin("GET", "/v1/nodes")
        if status != 200:
            raise AssertionError(f"/v1/nodes of {self.name}: {status} {body!r}")
        return {view["name"]: view for view in json.loads(body)}

    def events(self):
        """(kind, text) of its own journal, without those of other nodes."""
        told = json.loads(self.admin("GET", "/v1/events")[2])["events"]
        return [(event["kind"], event["text"]) for event in told if event["node"] == self.name]

    def readiness(self):
        """Status and text of /readyz."""
        status, _, body = self.admin("GET", "/readyz")
        return status, body.decode().strip()

    def stop(self, with_workers=False):
        """SIGSTOP to the node alone, whose workers wait for it, or to them as well, as a machine that hangs."""
        support.freeze(*(self.pids() if with_workers else [self.pid]))

    def resume(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def left_behind(self):
        """Of the processes that it had started when it was killed, those that still run: none after a moment."""
        return [pid for pid in self._descendants if support.is_alive(pid)]


class Cluster:
    """`count` nodes n1, n2, ... of which n1 founds and the others join: a context manager over running nodes."""

    def __init__(self, count=3, flags=(), start=True, **more):
        self.nodes = []
        for number in range(count):
            seeds = [self.nodes[0].cluster_address] if number else []
            self.nodes.append(self.make(number, seeds, flags, **more))
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def make(self, number, seeds, flags, **more):
        """The node of that number, not started; numbers begin at 0."""
        return Member(f"n{number + 1}", seeds, flags, **more)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, _):
        if kind is not None:
            for node in self.nodes:
                if node.process is not None:
                    print(f"--- log of {node.name}\n{node.log()[-6000:]}", flush=True)
        self.close()

    def __getitem__(self, index):
        return self.nodes[index]

    def close(self):
        with contextlib.ExitStack() as stack:  # all of them, also when one has something to say
            for node in reversed(self.nodes):
                stack.callback(node.close)
                if node.process is not None and node.process.poll() is None:
                    stack.callback(node.resume)

    def start(self):
        """Starts all that do not run, at the same time, and waits until they are one cluster."""
        stopped = [node for node in self.nodes if node.process is None or node.process.poll() is not None]
        if stopped:
            support.parallel(len(stopped), lambda index: stopped[index].start())
        self.wait_together()
        return self

    def running(self):
        return [node for node in self.nodes if node.process is not None and node.process.poll() is None]

    def wait_together(self, nodes=None):
        """Until each of the running nodes says of all of them that they are ready."""
        nodes = nodes or self.running()
        names = {node.name for node in nodes}

        def agreed():
            for node in nodes:
                seen = node.nodes()
                # Ready, and heard of since: an age is what a node tells of itself.
                if any(name not in seen or seen[name]["state"] != "ready" or seen[name]["age_ms"] is None
                       for name in names):
                    return False
            return True
        support.wait_until(agreed, f"{sorted(names)} know each other")

    def wait_for_state(self, name, states, at):
        """Until each node of `at` says that the node called `name` is in one of `states`."""
        support.wait_until(lambda: all(node.nodes()[name]["state"] in states for node in at),
                           f"{name} is one of {states}")

    def wait_level(self, nodes=None):
        """Until all copies of the store are equal; then their one digest."""
        nodes = nodes or self.running()

        def level():
            stores = [node.nodes()[node.name]["store"] for node in nodes]
            marks = {(store["cursor"], store["digest"]) for store in stores}
            return marks if len(marks) == 1 else None
        return support.wait_until(level, "equal copies of the store", 20).pop()

    def wait_known(self, function, at, by=None):
        """Until the nodes `by` (all that run) know that the nodes `at` have ready instances of the function."""
        by = by or self.running()
        support.wait_until(lambda: all(function in node.nodes()[owner.name]["functions"]
                                       for node in by for owner in at),
                           f"instances of {function} at {[node.name for node in at]}")

    def wait_known_anywhere(self, function):
        """Until all running nodes know of an instance of the function, at whichever node."""
        support.wait_until(lambda: all(any(function in view["functions"] for view in node.nodes().values())
                                       for node in self.running()), f"an instance of {function}")

    def deploy(self, name, files, *arguments, at):
        """Deploys the same code through each of the nodes `at`, which gives each of them the code and an instance, until
        all running nodes pass calls on to instances."""
        for node in at:
            node.deploy_files(name, files, *arguments)
        if "--max-instances" in arguments:
            self.wait_known_anywhere(name)  # its home has the room, wherever it is deployed
        else:
            self.wait_known(name, at)
        for node in self.running():
            support.wait_until(lambda one=node: one.request("GET", f"/{name}")[1].get("x-troupe-error") != "init_failed",
                               f"a call of {name} at {node.name}")


Asked = collections.namedtuple("Asked", "number node began ended outcome status cause body")


class Load:
    """Threads that send requests to nodes in turn until the block ends. Each request has an id of its own and ends as

    ok        an answer 200
    failed    another answer
    unknown   the connection broke, or ended without an answer, after the request was on its way
    refused   no connection came about: nothing was sent
    silent    nothing came within PATIENCE_S, which is longer than a node may take
    repeated  more than one answer
    """

    def __init__(self, path, nodes, threads=4, ms="", method="GET", pause_s=0.002):
        self.path = path
        self.nodes = nodes
        self.method = method
        self.ms = ms
        self.asked = []
        self._numbers = itertools.count(1)
        self._clients = load.Clients(threads, self.ask, pause_s)

    def __enter__(self):
        self._clients.__enter__()
        return self

    def __exit__(self, *why):
        return self._clients.__exit__(*why)

    def ask(self):
        number = next(self._numbers)
        node = self.nodes[number % len(self.nodes)]
        # The ids of loads that follow each other in one file must differ.
        name = f"{id(self)}-{number}"
        began = time.monotonic()
        outcome, status, cause, body = self._exchange(node, f"{self.path}?id={name}&ms={self.ms}")
        self.asked.append(Asked(name, node.name, began, time.monotonic(), outcome, status, cause, body))

    def _exchange(self, node, target):
        try:
            client = node.connect()
        except OSError as problem:
            return "refused", None, str(problem), ""
        with client:
            try:
                client.send(f"{self.method} {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n"
                            "connection: close\r\n\r\n")
                answers = client.responses()
            except TimeoutError as problem:
                return "silent", None, repr(problem), ""
            except (OSError, EOFError) as problem:
                return "unknown", None, repr(problem), ""
        if not answers:
            return "unknown", None, "closed without an answer", ""
        answer = answers[0]
        outcome = "repeated" if len(answers) > 1 else "ok" if answer.status == 200 else "failed"
        return outcome, answer.status, answer.header("x-troupe-error"), answer.body.decode(errors="replace")

    def wait_for(self, count, since=0.0, outcome="ok", timeout_s=support.PATIENCE_S):
        """Until so many requests that began after `since` have ended so."""
        support.wait_until(
            lambda: sum(1 for each in list(self.asked) if each.began >= since and each.outcome == outcome) >= count,
            f"{count} requests that end as {outcome}", timeout_s)

    def of(self, *outcomes):
        return [each for each in list(self.asked) if each.outcome in outcomes]


def assert_run_at_most_once(test, ran_path, *loads, slept=False):
    """Nothing ran twice; what was answered 200 ran once and says its own id; what was refused did not run. The calls of a
    node that `slept` may have reached their timeouts."""
    ran = load.executions(ran_path)
    test.assertEqual({number: times for number, times in ran.items() if times > 1}, {}, "ran more than once")
    for each in (asked for run in loads for asked in run.asked):
        test.assertNotIn(each.outcome, ("silent", "repeated"), each)
        if each.outcome == "ok":
            test.assertEqual((each.body, ran[each.number]), (each.number, 1))
        elif each.outcome == "refused":
            test.assertEqual(ran[each.number], 0, each)
        elif each.outcome == "failed":
            test.assertTrue(each.body, each)
            if not (slept and each.cause == "function_timeout"):
                test.assertIn(each.status, (502, 503), each)
            if each.cause in ("overloaded", "no_capacity", "not_ready", "draining"):
                test.assertEqual(ran[each.number], 0, each)
