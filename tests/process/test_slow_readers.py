"""Clients that take large answers slowly keep no more than a part of the memory for bodies, also at the default settings; who
does not fit is told before the answer begins."""
import json
import re
import time
import unittest

import slow_clients
import support
import wire
from slow_clients import LARGE_BYTES, MIB, SLACK_BYTES, SlowClientsCase


class AtTheDefaultSettingsTest(SlowClientsCase):
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


class FullOfAnswersTest(SlowClientsCase):
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
            # An answer that the kernel takes at once needs no room: then nobody has to give way.
            support.wait_until(lambda: self.node.request("GET", "/large")[0] == 200 and self.lasting(reader) == 0,
                               "a slow reader that gives way to a large answer", 10)


if __name__ == "__main__":
    unittest.main()
