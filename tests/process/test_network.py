"""The network of namespaces does what tests of partitions believe of it."""
import socket
import unittest

import network
import support


class NetworkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = network.Network(2)

    def setUp(self):
        self.addCleanup(self.network.heal)
        self.hosts = self.network.hosts
        self.ends = [self.end_at(host) for host in self.hosts]

    def end_at(self, host):
        with host.inside():
            made = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made.bind((host.address, 0))
        made.settimeout(support.PATIENCE_S)
        return made

    def arrives(self, sender, receiver):
        """Whether a datagram gets through: it comes before, or just behind, one that takes no way that is cut."""
        sender.sendto(b"cut?", receiver.getsockname())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.sendto(b"end", receiver.getsockname())
        if receiver.recv(16) == b"cut?":
            self.assertEqual(receiver.recv(16), b"end")
            return True
        receiver.settimeout(0.2)
        try:
            return receiver.recv(16) == b"cut?"
        except TimeoutError:
            return False
        finally:
            receiver.settimeout(support.PATIENCE_S)

    def ways(self):
        one, other = self.ends
        return self.arrives(one, other), self.arrives(other, one)

    def test_hosts_reach_each_other_until_they_are_cut(self):
        one, other = self.hosts
        self.assertEqual(self.ways(), (True, True))
        self.network.cut(one, other)
        self.assertEqual(self.ways(), (False, True))
        self.network.cut(other, one)
        self.assertEqual(self.ways(), (False, False))
        self.network.heal()
        self.assertEqual(self.ways(), (True, True))

    def test_a_dial_through_a_cut_waits_in_silence(self):
        one, other = self.hosts
        with other.inside():
            listener = self.enterContext(socket.create_server((other.address, 0)))
        self.network.part([one], [other])
        with one.inside():
            dials = self.enterContext(socket.socket())
        dials.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            dials.connect(listener.getsockname())

    def test_the_loopback_of_a_host_is_its_own(self):
        with self.hosts[0].inside():
            listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
            socket.create_connection(listener.getsockname(), 5).close()
        for other in (self.hosts[1].inside(), support.contextlib.nullcontext()):
            with other, self.assertRaises(ConnectionRefusedError):
                socket.create_connection(listener.getsockname(), 5)


if __name__ == "__main__":
    network.run_tests()
