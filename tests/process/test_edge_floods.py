"""The proof bytes that are long: endless extensions, trailers, fields and bodies cost neither memory nor the node."""
import threading
import time
import unittest

import support
import wire
from wire import CHUNKED, HEAD

MIB = 1024 * 1024
# "A few MiB": kernel and allocator round up; the inputs are ten times as long and more.
FEW_MIB = 4 * MIB


class FloodTest(wire.HelloNodeTest):
    def refused(self, statuses, head, block, count, growth=FEW_MIB):
        """Floods to warm up, then measured: one refusal, a clean end, bounded memory, and the node serves on."""
        small = max(1, min(count, MIB // max(1, len(block))))
        wire.flood(self.node, head, block, small)
        with wire.Spending(self.node.pid) as spent:
            responses, answered_s = wire.flood(self.node, head, block, count)

        self.assertEqual(len(responses), 1, responses)
        self.assertIn(responses[0].status, statuses)
        self.assertEqual(responses[0].header("connection"), "close")
        if not support.SANITIZED:
            self.assertLess(spent.peak_growth, growth)
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)
        return answered_s, spent

    def test_bt6_an_endless_chunk_extension(self):
        self.refused((400, 413), HEAD + CHUNKED + b"\r\n1;", b"x" * MIB, 10)

    def test_bt6_long_extensions_on_short_chunks(self):
        self.refused((400, 413), HEAD + CHUNKED + b"\r\n", b"1;" + b"x" * 8000 + b"\r\nX\r\n", 10_000)

    def test_bt6_endless_zeros_as_a_chunk_size(self):
        self.refused((400, 413), HEAD + CHUNKED + b"\r\n", b"0" * MIB, 10)

    def test_bt7_a_million_trailers(self):
        self.refused((400, 431), HEAD + CHUNKED + b"\r\n0\r\n", b"T1: v\r\n" * 10_000, 100)

    def test_bt8_fields_cut_behind_their_first_byte(self):
        # Each piece in a read of its own, as in the defect; the pauses of the original are what the fence stands for.
        fence = wire.Fence(self.node)
        self.addCleanup(fence.close)

        with wire.Spending(self.node.pid) as spent, self.node.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nA1: b\r\nA")
            pieces = 0
            while not wire.is_readable(client):
                fence.wait()
                client.send(b"2: b\r\nA")
                pieces += 1
            responses = client.responses()

        self.assertEqual([response.status for response in responses], [431])
        self.assertLess(pieces, 10_240 / 6)
        if not support.SANITIZED:
            self.assertLess(spent.peak_growth, FEW_MIB)

    def test_bt16_a_trailer_beyond_64_kib(self):
        for trailer in (b"A: " + b"b" * 65_534 + b"\r\n\r\n", b"a" * 65_534 + b": b\r\n\r\n"):
            with self.subTest(trailer=trailer[:4]):
                self.refused((400, 431), HEAD + CHUNKED + b"\r\n0\r\n" + trailer, b"", 0)

    def test_bt17_short_fields_laid_out_around_512_bytes(self):
        # Every multiple of 512 lies one byte into a field: the start is padded to 513 - 8.
        start = b"GET / HTTP/1.1\r\nHost: a\r\n"
        start += b"P: " + b"p" * (505 - len(start) - 5) + b"\r\n"
        self.assertEqual((len(start) + 8) % 512, 1)

        answered_s, _ = self.refused((431,), start, b"A2: bb\r\n" * (MIB // 8), 16, growth=MIB)

        self.assertLess(answered_s, 5)

    def test_bt18_an_unterminated_quote(self):
        head = HEAD + CHUNKED + b'\r\n1;a="'
        for line_end in (b"\r\n", b""):
            with self.subTest(line_end=line_end):
                answered_s, spent = self.refused((400,), head + line_end, b"x" * MIB, 20)

                self.assertLess(answered_s, 5)
                self.assertLess(spent.cpu_s, 1)

    def test_bt22_80_mb_of_extensions_around_10_kb_of_body(self):
        answered_s, _ = self.refused((400, 413), HEAD + CHUNKED + b"\r\n", b"1;a=" + b"x" * 7998 + b"\r\nX\r\n", 10_000)

        self.assertLess(answered_s, 5)

    def test_bt22_extensions_within_their_limit_that_outweigh_the_body(self):
        self.refused((400, 413), HEAD + CHUNKED + b"\r\n", (b"1;" + b"x" * 60 + b"\r\nX\r\n") * 1000, 20)

    def test_a_million_chunks_of_one_byte_are_served(self):
        body = b"1\r\nX\r\n" * 1_000_000 + b"0\r\n\r\n"

        with self.node.connect() as client:
            answer = client.exchange(b"POST /hello HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n", body)

        self.assertEqual((answer.status, len(answer.body)), (200, 1_000_000))


class EndlessBodyTest(unittest.TestCase):
    """A valid body that comes faster than the node reads it."""

    def setUp(self):
        self.node = support.Node("--set", "edge.body_timeout=1s", "--set", "edge.max_body_bytes=1024MiB")
        self.addCleanup(self.node.close)

    def pour(self, chunks_per_write, meanwhile):
        """Pours until `meanwhile(client)` returns, whose result is returned."""
        stop = threading.Event()
        with self.node.connect(timeout_s=10) as client:
            def keep_pouring():
                block = b"1\r\nX\r\n" * chunks_per_write
                try:
                    while not stop.is_set():
                        client.send(block)
                except (BrokenPipeError, TimeoutError):
                    pass  # the node takes bytes behind a refusal for a bounded time only; the answer says what counts

            client.send(HEAD + CHUNKED + b"\r\n")
            sender = threading.Thread(target=keep_pouring)
            sender.start()
            try:
                return meanwhile(client)
            finally:
                stop.set()
                sender.join()

    def test_bt20_its_deadline_cuts_it(self):
        for chunks_per_write in (200, 20_000):
            with self.subTest(chunks_per_write=chunks_per_write):
                begun = time.monotonic()

                answer, clean_end = self.pour(chunks_per_write,
                                              lambda client: (client.response(), client.rest() == b""))

                took_s = time.monotonic() - begun
                self.assertEqual(answer.status, 408)
                self.assertTrue(clean_end)
                self.assertGreater(took_s, 0.9)
                self.assertLess(took_s, 3)

    def test_others_are_served_meanwhile(self):
        def ask_often(_):
            slowest_s = 0.0
            for _ in range(20):
                begun = time.monotonic()
                self.assertEqual(self.node.request("GET", "/unknown")[0], 404)
                slowest_s = max(slowest_s, time.monotonic() - begun)
            return slowest_s

        self.assertLess(self.pour(200, ask_often), 0.5)


if __name__ == "__main__":
    unittest.main()
