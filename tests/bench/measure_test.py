"""Tests how bench/run reads wrk and processes, and how it goes through its rounds; measuring needs a quiet machine."""
import os
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock

import support
import measure
import rounds
import servers

WRK = """\
Running 3s test @ http://127.0.0.1:1/hello
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   767.00us  210.00us   4.78ms   97.50%
    Req/Sec    76.50k     2.10k   80.10k    66.67%
  Latency Distribution
     50%  741.00us
     75%  800.00us
     90%    0.95ms
     99%    1.20s
  228138 requests in 3.00s, 40.00MB read
Requests/sec:  76046.12
Transfer/sec:     13.33MB
"""


class MeasureTest(unittest.TestCase):
    def test_reads_what_wrk_prints(self):
        self.assertEqual(measure.read_wrk(WRK), (228138, 76046.12, 0.741, 1200.0))

    def test_refuses_a_run_with_failed_requests(self):
        for trouble in ("  Non-2xx or 3xx responses: 1\n", "  Socket errors: connect 0, read 1, write 0, timeout 0\n"):
            with self.assertRaises(servers.Failed):
                measure.read_wrk(WRK + trouble)

    def test_counts_the_cpu_time_of_a_process(self):
        before = measure.cpu_seconds([os.getpid()])
        while measure.cpu_seconds([os.getpid()]) < before + 0.05:
            pass
        ended = subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.1: pass"])
        self.assertEqual(ended.returncode, 0)
        self.assertGreaterEqual(measure.cpu_seconds([os.getpid()]), before + 0.12)  # with what has ended
        self.assertIn(os.getpid(), servers.process_tree(os.getppid()))
        self.assertGreater(measure.resident_bytes([os.getpid()]), 1_000_000)


class Fake(servers.Server):
    """A server without a process."""

    title = "fake"

    def start(self):
        """There is nothing."""

    def wait_for_answer(self):
        """There is none."""


class Absent(Fake):
    title = "absent"

    @classmethod
    def missing(cls):
        return "not installed"


class Broken(Fake):
    title = "broken"

    def start(self):
        raise servers.Failed("no answer")


class RoundsTest(unittest.TestCase):
    def setUp(self):
        self.asked, self.saved = [], []
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # Where servers make theirs: none may stay.
        patched = unittest.mock.patch.object(tempfile, "tempdir", folder.name)
        patched.start()
        self.addCleanup(patched.stop)
        self.addCleanup(lambda: self.assertEqual(os.listdir(folder.name), []))

    def measure_one(self, server, case, seconds):
        self.asked.append((server.name, case, seconds))
        return {"cpu_us": float(len(self.asked))}

    def measured(self, kinds, measure_one=None, **more):
        options = types.SimpleNamespace(loops=[1], connections=[1, 64], rounds=2, seconds=3)
        return support.quietly(rounds.interleaved, kinds, options, self.saved.append, measure_one or self.measure_one,
                               *more.values())[0]

    def test_neighbors_stay_neighbors_and_take_turns_in_going_first(self):
        found = self.measured({"a": Fake, "b": Fake})
        warm, first, second = self.asked[:4], self.asked[4:8], self.asked[8:]
        self.assertEqual(warm, [("a", 1, 1), ("a", 64, 1), ("b", 1, 1), ("b", 64, 1)])
        self.assertEqual(first, [("a", 1, 1), ("b", 1, 1), ("a", 64, 3), ("b", 64, 3)])
        self.assertEqual(second, [("b", 1, 1), ("a", 1, 1), ("b", 64, 3), ("a", 64, 3)])
        self.assertEqual([len(row["rounds"]) for row in found["rows"]], [2, 2, 2, 2])

    def test_each_round_is_saved(self):
        self.measured({"a": Fake})
        self.assertEqual([len(each["rows"]) for each in self.saved], [2, 2])

    def test_a_server_has_its_own_cases(self):
        self.measured({"a": Fake, "b": Fake}, None, cases=lambda name: [64] if name == "a" else [1])
        self.assertEqual({(name, case) for name, case, _ in self.asked}, {("a", 64), ("b", 1)})

    def test_what_is_missing_or_fails_is_named_and_the_others_go_on(self):
        def measure_one(server, case, seconds):
            if server.name == "c" and seconds == 3:
                raise servers.Failed("crashed")
            return self.measure_one(server, case, seconds)
        crashing = type("Crashing", (Fake,), {"title": "crashing"})
        found = self.measured({"a": Absent, "b": Broken, "c": crashing, "d": Fake}, measure_one)
        self.assertEqual(found["left_out"], {"absent": "not installed"})
        self.assertEqual(found["failed"], {"broken, 1 loop": "no answer", "crashing, 1 loop": "crashed"})
        self.assertEqual([len(row["rounds"]) for row in found["rows"] if row["server"] == "d"], [2, 2])


if __name__ == "__main__":
    unittest.main()
