"""Hundreds of slow clients beside a fast one: it does not notice them, and what they make the node keep is bounded.

The fast client asks at a fixed rate for a function that waits; its times beside slow clients are compared with those of the
same client alone, in the same run.
"""
import json
import re
import time
import unittest

import load
import open_loop
import slow_clients
import support
import wire
from open_loop import OpenLoop

RATE, SECONDS = 200, 2
FAST = "exports.handler = () => new Promise((done) => setTimeout(() => done('done'), 20));"
LARGE_BYTES = 6_000_000
LARGE = f"const large = 'x'.repeat({LARGE_BYTES}); exports.handler = async () => large;"
MIB = 1 << 20
BODY_MEMORY_BYTES = 48 * MIB
# Beside the bodies themselves: connections, what is read at a time, and answers on their way through the node.
SLACK_BYTES = 32 * MIB


class NodeTest(unittest.TestCase):
    flags = ()
    loops = 2

    def setUp(self):
        self.node = self.enterContext(support.Node(*self.flags, loops=self.loops))
        self.node.deploy_files("fast", FAST, "--max-instances", "1", "--concurrency", "100")
        self.node.deploy_files("large", LARGE, "--max-instances", "1", "--timeout-s", "60")
        # What is made once is there before it is counted.
        for _ in range(3):
            self.assert_large_answer()

    def assert_large_answer(self):
        status, _, body = self.node.request("GET", "/large")
        self.assertEqual((status, len(body)), (200, LARGE_BYTES))

    def fast_s(self):
        """The p99 of the fast client, all of whose requests are answered."""
        with OpenLoop(self.node, wire.get("/fast")) as client:
            asked = client.run(RATE, SECONDS)
        self.assertEqual({(each.outcome, each.status) for each in asked}, {("answered", 200)})
        return open_loop.p99_s(asked)

    def resident(self):
        return load.resident_bytes(self.node.pid)

    def beside(self, slow, most_bytes, kept_bytes=SLACK_BYTES):
        """Measures the fast client without and with the slow ones. How many of those still had their connection then.
        `kept_bytes`: what the node may be larger afterwards; the allocator keeps some of what was free last."""
        before_s = self.fast_s()
        baseline = self.resident()
        with wire.Spending(self.node.pid) as spent:
            with slow:
                self.wait_until_they_hang(slow)
                beside_s = self.fast_s()
                left = self.lasting(slow)
        after_s = self.fast_s()
        told = (f"p99 {beside_s * 1000:.1f} ms beside them, {before_s * 1000:.1f} and {after_s * 1000:.1f} ms without; "
                f"{left} of {len(slow.sockets)} last; memory grew by {spent.peak_growth >> 20} MB")
        self.assertLess(beside_s, 2 * max(before_s, after_s), told)
        if not support.SANITIZED:
            self.assertLess(spent.peak_growth, most_bytes, told)
            support.wait_until(lambda: self.resident() < baseline + kept_bytes, "the memory from before", 10)
        print(f"{self.id()}: {told}; {max(0, self.resident() - baseline) >> 20} MB afterwards", flush=True)
        return left

    def wait_until_they_hang(self, slow):
        """Until the memory of the node does not grow any more: they have sent, or been sent, what goes at once."""
        last = [0, time.monotonic()]

        def still():
            now = self.resident()
            if now > last[0] + MIB:
                last[:] = now, time.monotonic()
            return time.monotonic() - last[1] > 1.5 * slow_clients.INTERVAL_S
        support.wait_until(still, "slow clients that hang")

    def lasting(self, slow):
        """How many of them the node has not ended."""
        held = wire.held_ports(self.node.port)
        return sum(each.fileno() >= 0 and each.getsockname()[1] in held for each in slow.sockets)


class SlowClientsTest(NodeTest):
    flags = ("--set", f"edge.max_body_memory={BODY_MEMORY_BYTES}")

    def test_heads(self):
        self.assertEqual(self.beside(slow_clients.slow_heads(self.node, 400), SLACK_BYTES), 400)

    def test_bodies(self):
        self.assertEqual(self.beside(slow_clients.slow_bodies(self.node, 400), SLACK_BYTES), 400)

    def test_bodies_that_are_large_give_way_to_each_other(self):
        slow = slow_clients.slow_bodies(self.node, 100, at_once=3_000_000, announced=3_200_000)
        # The allocator keeps what was given up for the next ones, each loop its own; without a bound it is 300 MB.
        left = self.beside(slow, 4 * BODY_MEMORY_BYTES + SLACK_BYTES, kept_bytes=2 * BODY_MEMORY_BYTES)
        self.assertIn(left, range(1, BODY_MEMORY_BYTES // 3_000_000 + 1))
        self.assertEqual(self.node.log().count("slow_clients_turned_away"), 1)

    def test_readers_of_large_answers(self):
        # Without a bound: more than a gigabyte.
        left = self.beside(slow_clients.slow_readers(self.node, 200), 2 * BODY_MEMORY_BYTES + SLACK_BYTES,
                           kept_bytes=2 * BODY_MEMORY_BYTES)
        self.assertIn(left, range(1, BODY_MEMORY_BYTES // LARGE_BYTES + 1))
        self.assertEqual(self.node.log().count("slow_clients_turned_away"), 1)

    def test_a_reader_that_is_not_slow_has_its_large_answer_beside_them(self):
        with slow_clients.slow_readers(self.node, 100) as slow:
            self.wait_until_they_hang(slow)
            for _ in range(10):
                self.assert_large_answer()

    def test_a_body_is_turned_away_with_an_answer_and_a_fast_one_is_not(self):
        with slow_clients.slow_bodies(self.node, 40, at_once=3_000_000) as slow:
            self.wait_until_they_hang(slow)
            for _ in range(5):
                self.assertEqual(self.node.request("POST", "/fast", b"b" * 3_000_000)[0], 200)
            answers = [self.answer_of(each) for each in slow.sockets]
        told = [answer for answer in answers if answer]
        self.assertGreater(len(told), 20)
        for answer in told:
            self.assertIn(b"HTTP/1.1 503 ", answer)
            self.assertIn(b"\r\nx-troupe-error: overloaded\r\n", answer)
            self.assertIn(b"\r\nretry-after: 1\r\n", answer)
            self.assertIn(b"\r\nconnection: close\r\n", answer)

    @staticmethod
    def answer_of(client):
        try:
            return client.recv(65536)
        except BlockingIOError:
            return b""


class AtTheDefaultSettingsTest(NodeTest):
    def test_readers_of_large_answers(self):
        bound = self.body_memory_bytes()
        with wire.Spending(self.node.pid) as spent:
            baseline = self.resident()
            with slow_clients.slow_readers(self.node, 150) as slow:
                # Long before any of them has paused for edge.write_timeout.
                support.wait_until(lambda: self.lasting(slow) * LARGE_BYTES <= bound // 4, "slow readers that are cut off", 20)
                self.assertGreater(self.lasting(slow), 0)
                if not support.SANITIZED:
                    support.wait_until(lambda: self.resident() < baseline + bound // 4 + 2 * SLACK_BYTES,
                                       "memory that was given back", 10)
                self.assert_large_answer()
                before_s = self.fast_s()
        told = f"memory grew by {spent.peak_growth >> 20} MB, then was {(self.resident() - baseline) >> 20} MB more"
        if not support.SANITIZED:
            self.assertLess(spent.peak_growth, bound + 2 * SLACK_BYTES, told)
        self.assertLess(before_s, 2 * self.fast_s(), told)
        print(f"{self.id()}: {told}", flush=True)

    def body_memory_bytes(self):
        shown = json.loads(self.node.run("config", "show", "--json", check=True).stdout)["settings"]
        text = next(each["effective"] for each in shown if each["key"] == "edge.max_body_memory")
        number, unit = re.fullmatch(r"(\d+)([KMG])iB", text).groups()
        bound = int(number) << {"K": 10, "M": 20, "G": 30}[unit]
        self.assertLessEqual(bound, 512 * MIB)
        return bound


class FullOfAnswersTest(NodeTest):
    """Room for one large answer."""
    flags = ("--set", f"edge.max_body_memory={10 * MIB}")
    loops = 1

    def test_where_nobody_is_slow_a_large_answer_is_refused_and_a_small_one_is_not(self):
        for _ in range(10):
            begun = time.monotonic()
            with slow_clients.slow_readers(self.node, 1) as reader:
                status, fields, _ = self.node.request("GET", "/large")
                small = self.node.request("GET", "/fast")[0]
                if time.monotonic() - begun < 1:  # from then on the one before could be called slow
                    self.assertEqual((status, fields["x-troupe-error"], fields["retry-after"]), (503, "overloaded", "1"))
                    self.assertEqual((small, self.lasting(reader)), (200, 1))
                    self.assertIn("large_answers_refused", self.node.log())
                    return
        self.skipTest("the machine was too slow to ask within a second")

    def test_a_slow_reader_gives_way(self):
        with slow_clients.slow_readers(self.node, 1) as reader:
            support.wait_until(lambda: self.node.request("GET", "/large")[0] == 200, "room for a large answer", 5)
            self.assertEqual(self.lasting(reader), 0)
            with self.assertRaises(ConnectionResetError):
                support.wait_until(lambda: not reader.sockets[0].recv(65536), "the end of the answer", 5)


if __name__ == "__main__":
    unittest.main()
