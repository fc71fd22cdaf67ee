"""Slow and silent clients are told 408 or closed by their deadline, and nobody else notices them."""
import select
import socket
import threading
import time
import unittest

import support
import wire
from metrics import metrics_of, total

FAST = ("--set", "edge.header_timeout=300ms", "--set", "edge.body_progress_timeout=300ms",
        "--set", "edge.body_timeout=900ms", "--set", "edge.idle_timeout=400ms", "--set", "edge.write_timeout=400ms")
# The sweep comes every 100 ms; the rest is a loaded machine.
SLACK_S = 2.0


class DeadlineTest(wire.HelloNodeTest):
    flags = FAST

    def connect(self):
        client = self.node.connect()
        self.addCleanup(client.close)
        return client

    def assert_408_after(self, client, begun, at_least_s):
        responses = client.responses()
        took_s = time.monotonic() - begun
        self.assertEqual([response.status for response in responses], [408])
        self.assertEqual(responses[0].header("connection"), "close")
        self.assertGreater(took_s, at_least_s * 0.9)
        self.assertLess(took_s, at_least_s + SLACK_S)

    def drip(self, client, piece, interval_s):
        """Sends a piece now and then until there is something to read."""
        while not select.select([client.socket], [], [], interval_s)[0]:
            client.send(piece)

    def test_half_a_head(self):
        begun = time.monotonic()
        client = self.connect().send(b"GET /hello HTTP/1.1\r\nHo")
        self.assert_408_after(client, begun, 0.3)

    def test_a_head_that_drips_is_not_given_more_time(self):
        begun = time.monotonic()
        client = self.connect().send(b"GET /hello HTTP/1.1\r\nX: ")
        self.drip(client, b"x", 0.05)
        self.assert_408_after(client, begun, 0.3)

    def test_bt8_fields_that_drip(self):
        begun = time.monotonic()
        client = self.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\nA1: b\r\nA")
        self.drip(client, b"2: b\r\nA", 0.05)
        self.assert_408_after(client, begun, 0.3)

    def test_only_an_empty_line(self):
        begun = time.monotonic()
        self.assert_408_after(self.connect().send(b"\r\n"), begun, 0.3)

    def test_lines_that_end_with_lf_alone(self):
        begun = time.monotonic()
        client = self.connect().send(b"GET /hello HTTP/1.1\nHost: a\n\n")
        responses = client.responses()
        self.assertEqual(len(responses), 1)
        self.assertIn(responses[0].status, (400, 408))
        self.assertLess(time.monotonic() - begun, 0.3 + SLACK_S)

    def test_a_body_that_pauses(self):
        for head in (b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
                     b"POST /hello HTTP/1.1\r\nHost: a\r\n" + wire.CHUNKED + b"\r\n4\r\nhalf"):
            with self.subTest(head=head):
                begun = time.monotonic()
                self.assert_408_after(self.connect().send(head), begun, 0.3)

    def test_a_body_that_drips_has_its_time_in_all(self):
        for head, piece in ((b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"b"),
                            (b"POST /hello HTTP/1.1\r\nHost: a\r\n" + wire.CHUNKED + b"\r\n", b"1\r\nb\r\n")):
            with self.subTest(head=head):
                begun = time.monotonic()
                client = self.connect().send(head)
                self.drip(client, piece, 0.05)
                self.assert_408_after(client, begun, 0.9)

    def test_the_deadline_of_a_pipelined_head(self):
        begun = time.monotonic()
        client = self.connect().send(wire.get() + b"GET /hel")
        self.assertEqual(client.response().status, 200)
        self.assert_408_after(client, begun, 0.3)

    def test_silence_is_closed_without_a_word(self):
        fresh, used = self.connect(), self.connect()
        self.assertEqual(used.exchange(wire.get()).status, 200)
        begun = time.monotonic()
        self.assertTrue(fresh.is_closed())
        self.assertTrue(used.is_closed())
        self.assertGreater(time.monotonic() - begun, 0.3)
        self.assertLess(time.monotonic() - begun, 0.4 + SLACK_S)

    def test_use_begins_the_time_anew(self):
        client = self.connect()
        begun = time.monotonic()
        while time.monotonic() - begun < 1.0:
            self.assertEqual(client.exchange(wire.get()).status, 200)
            time.sleep(0.1)  # a client that uses its connection now and then: the time itself is the test

    def test_a_reader_that_stops_is_closed_and_disturbs_nobody(self):
        cut_off = lambda: total(metrics_of(self.node), "troupe_http_clients_turned_away_total", reason="slow_reader")
        before = cut_off()
        body = b"b" * 9_000_000
        slow = [self.narrow_client() for _ in range(3)]
        for client in slow:
            client.send(wire.post(body))

        # All of them hang in their answers now; the others are served.
        slowest_s = 0.0
        for _ in range(20):
            begun = time.monotonic()
            self.assertEqual(self.node.request("GET", "/hello")[0], 200)
            slowest_s = max(slowest_s, time.monotonic() - begun)
        self.assertLess(slowest_s, 0.5)

        support.wait_until(lambda: not any(map(wire.is_held, slow)), "close of those who do not read", 10)
        for client in slow:
            with self.assertRaises((EOFError, ConnectionError)):
                client.response()
        self.assertEqual(cut_off() - before, len(slow))

    def test_a_reader_that_is_slow_but_reads_gets_everything(self):
        client = self.narrow_client()
        client.send(wire.post(b"b" * 9_000_000))
        begun = time.monotonic()
        while time.monotonic() - begun < 1.2:  # thrice the time in which nothing may be taken
            client._more()
            time.sleep(0.01)
        answer = client.response()
        self.assertEqual((answer.status, len(answer.body)), (200, 9_000_000))

    def narrow_client(self):
        """A client whose kernel takes little of an answer that nobody reads."""
        client = support.RawClient.__new__(support.RawClient)
        client.socket = socket.socket()
        self.addCleanup(client.close)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.socket.settimeout(support.PATIENCE_S)
        client.socket.connect((self.node.host, self.node.port))
        client._kept = b""
        return client


class SlowLorisTest(unittest.TestCase):
    def test_bt15_five_hundred_slow_heads_and_a_good_client(self):
        with support.Node("--set", "edge.header_timeout=1500ms", "--set", "edge.max_connections=2000") as node:
            wire.deploy_hello(node)
            alone_s = self.p99(node)
            slow = [node.connect() for _ in range(500)]
            stop = threading.Event()

            def drip():
                """One byte each per quarter of a second."""
                text = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 10_000
                at = 0
                while not stop.wait(0.25):
                    for client in slow:
                        client.send(text[at:at + 1])  # behind a refusal, too: the node takes them for a while
                    at += 1
                    if at * 0.25 > 2.5:
                        return

            thread = threading.Thread(target=drip)
            thread.start()
            try:
                beside_s = self.p99(node)
                answers = [client.responses() for client in slow]
            finally:
                stop.set()
                thread.join()
                for client in slow:
                    client.close()

            self.assertEqual({tuple(answer.status for answer in each) for each in answers}, {(408,)})
            # Head-of-line blocking would show as seconds. The rest allows for a machine that runs other tests.
            self.assertLess(beside_s, 10 * alone_s + 0.1)
            self.assertEqual(node.request("GET", "/hello")[0], 200)

    @staticmethod
    def p99(node):
        """Of a client that asks for a second, in seconds."""
        took = []
        with node.connect() as client:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                begun = time.monotonic()
                if client.exchange(wire.get()).status != 200:
                    raise AssertionError("the good client was refused")
                took.append(time.monotonic() - begun)
        return sorted(took)[len(took) * 99 // 100]


if __name__ == "__main__":
    unittest.main()
