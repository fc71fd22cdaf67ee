"""Hundreds of slow clients beside a fast one: it does not notice them, and what they make the node keep is bounded.

The fast client asks at a fixed rate for a function that waits; its times beside slow clients are compared with those of the
same client alone, in the same run.
"""
import time
import unittest

import slow_clients
import support
import wire
from metrics import metrics_of, values
from slow_clients import LARGE_BYTES, MIB, SLACK_BYTES, SlowClientsCase

BODY_MEMORY_BYTES = 48 * MIB


class SlowClientsTest(SlowClientsCase):
    flags = ("--set", f"edge.max_body_memory={BODY_MEMORY_BYTES}")

    def beside(self, slow, most_bytes, kept_bytes=SLACK_BYTES, all_stay=False):
        """Measures the fast client without and with the slow ones. How many of those still had their connection then.
        `kept_bytes`: what the node may be larger afterwards; the allocator keeps some of what was free last."""
        before_s = self.fast_s()
        baseline = self.resident()
        with wire.Spending(self.node.pid) as spent:
            with slow:
                self.wait_until_they_hang(slow)
                beside_s = self.fast_s()
                # What other programs take from the machine comes and goes; what slow clients that stay do to the node does not.
                for _ in range(2 if all_stay else 0):
                    if beside_s >= 2 * before_s:
                        beside_s = min(beside_s, self.fast_s())
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

    def assert_turned_away(self, how_many):
        """By the metric: how many gave way to others for want of memory."""
        seen = values(metrics_of(self.node), "troupe_http_clients_turned_away_total", "reason")
        self.assertEqual(set(seen), {"memory"})
        self.assertIn(seen["memory"], how_many)

    def test_heads(self):
        self.assertEqual(self.beside(slow_clients.slow_heads(self.node, 400), SLACK_BYTES, all_stay=True), 400)

    def test_bodies(self):
        self.assertEqual(self.beside(slow_clients.slow_bodies(self.node, 400), SLACK_BYTES, all_stay=True), 400)

    def test_bodies_that_are_large_give_way_to_each_other(self):
        slow = slow_clients.slow_bodies(self.node, 100, at_once=3_000_000, announced=3_200_000)
        # The allocator keeps what was given up for the next ones, each loop its own; without a bound it is 300 MB.
        left = self.beside(slow, 4 * BODY_MEMORY_BYTES + SLACK_BYTES, kept_bytes=2 * BODY_MEMORY_BYTES)
        self.assertIn(left, range(1, BODY_MEMORY_BYTES // 3_000_000 + 1))
        self.assertEqual(self.node.log().count("slow_clients_turned_away"), 1)
        self.assert_turned_away(range(100 - left, 101))

    def test_readers_of_large_answers(self):
        # Without a bound: more than a gigabyte.
        left = self.beside(slow_clients.slow_readers(self.node, 200), 2 * BODY_MEMORY_BYTES + SLACK_BYTES,
                           kept_bytes=2 * BODY_MEMORY_BYTES)
        self.assertIn(left, range(1, BODY_MEMORY_BYTES // LARGE_BYTES + 1))
        self.assertEqual(self.node.log().count("slow_clients_turned_away"), 1)
        self.assert_turned_away(range(1, 201))

    def test_a_reader_that_is_not_slow_has_its_large_answer_beside_them(self):
        with slow_clients.slow_readers(self.node, 100) as slow:
            self.wait_until_they_hang(slow)
            # The last of each loop have a second before their pace is judged; until then all hold what they have.
            support.wait_until(lambda: all(self.node.request("GET", "/large")[0] == 200 for _ in range(10)),
                               "slow ones that are known as such")
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

if __name__ == "__main__":
    unittest.main()
