"""The relay between nodes does what tests of links believe of it."""
import socket
import time
import unittest

import support
from cluster import own_host
from relay import Relay

DIALER, TARGET, AT = (own_host(number) for number in (0, 1, 2))


class RelayTest(unittest.TestCase):
    def setUp(self):
        self.relay = self.enterContext(Relay())
        self.listener = self.enterContext(socket.create_server((TARGET, 0)))
        self.listener.settimeout(support.PATIENCE_S)
        self.port = self.listener.getsockname()[1]
        self.relay.listen((AT, self.port), (TARGET, self.port))

    def dial(self):
        """Both ends of a connection through the relay."""
        dialed = self.enterContext(socket.create_connection((AT, self.port), support.PATIENCE_S, (DIALER, 0)))
        accepted = self.enterContext(self.listener.accept()[0])
        accepted.settimeout(support.PATIENCE_S)
        return dialed, accepted

    def assert_through(self, one, other, bytes_there):
        one.sendall(bytes_there)
        came = b""
        while len(came) < len(bytes_there):
            came += other.recv(1 << 16)
        self.assertEqual(came, bytes_there)

    def test_passes_everything_both_ways_and_the_end(self):
        dialed, accepted = self.dial()
        self.assert_through(dialed, accepted, b"question")
        self.assert_through(accepted, dialed, b"answer" * 100000)
        dialed.shutdown(socket.SHUT_WR)
        self.assertEqual(accepted.recv(1), b"")
        self.assert_through(accepted, dialed, b"afterwards")
        self.assertEqual(self.relay.passed(DIALER, TARGET), len(b"question") + 600000 + len(b"afterwards"))

    def test_delays_each_direction(self):
        dialed, accepted = self.dial()
        self.relay.delay(DIALER, TARGET, 0.2)
        for one, other in ((dialed, accepted), (accepted, dialed)):
            began = time.monotonic()
            self.assert_through(one, other, b"late")
            self.assertGreaterEqual(time.monotonic() - began, 0.19)

    def test_a_frozen_link_stays_open_and_passes_nothing_until_it_thaws(self):
        dialed, accepted = self.dial()
        self.relay.freeze(DIALER, TARGET)
        dialed.sendall(b"kept")
        accepted.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            accepted.recv(1)
        accepted.settimeout(support.PATIENCE_S)
        self.relay.thaw(DIALER, TARGET)
        self.assertEqual(accepted.recv(16), b"kept")

    def test_a_reset_reaches_both_ends_and_later_dials(self):
        dialed, accepted = self.dial()
        self.assert_through(dialed, accepted, b"x")
        self.relay.reset(DIALER, TARGET, again="refused")
        for end in (dialed, accepted):
            with self.assertRaises(ConnectionResetError):
                end.recv(1)
        with self.assertRaises(ConnectionResetError):
            with socket.create_connection((AT, self.port), support.PATIENCE_S, (DIALER, 0)) as again:
                again.recv(1)
        self.relay.restore(DIALER, TARGET)
        self.assert_through(*self.dial(), b"back")

    def test_a_way_that_is_blocked_holds_back_one_direction_of_all_connections_until_it_heals(self):
        dialed, accepted = self.dial()
        self.relay.block((TARGET, DIALER))
        for one, other in ((dialed, accepted), self.dial()):
            self.assert_through(one, other, b"question")
            other.sendall(b"answer")
            one.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                one.recv(1)
            one.settimeout(support.PATIENCE_S)
        self.relay.heal()
        self.assertEqual(dialed.recv(16), b"answer")

    def test_a_port_may_be_told_later_and_anew(self):
        where = self.relay.listen((AT, 0), (TARGET, None))
        with self.assertRaises(ConnectionResetError):
            self.enterContext(socket.create_connection(where, support.PATIENCE_S, (DIALER, 0))).recv(1)
        self.relay.aim(TARGET, self.port)
        dialed = self.enterContext(socket.create_connection(where, support.PATIENCE_S, (DIALER, 0)))
        self.assert_through(dialed, self.enterContext(self.listener.accept()[0]), b"found")

    def test_links_of_other_dialers_are_left_alone(self):
        self.relay.freeze(AT, TARGET)
        self.assert_through(*self.dial(), b"through")


if __name__ == "__main__":
    unittest.main()
