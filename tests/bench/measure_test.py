"""Tests what bench/run makes of its measurements; the measuring itself needs the peers and a quiet machine."""
import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import measure  # noqa: E402
import servers  # noqa: E402

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


def results(**cpu_us):
    found = measure.Results()
    for name, rounds in cpu_us.items():
        for value in rounds:
            found.add(name.replace("_", "-"), 1, 64, {"cpu_us": value})
    return found


def options(*arguments):
    with contextlib.redirect_stderr(io.StringIO()):
        return measure.parse(arguments)


class MeasureTest(unittest.TestCase):
    def test_reads_what_wrk_prints(self):
        self.assertEqual(measure.read_wrk(WRK), (228138, 76046.12, 0.741, 1200.0))

    def test_refuses_a_run_with_failed_requests(self):
        for trouble in ("  Non-2xx or 3xx responses: 1\n", "  Socket errors: connect 0, read 1, write 0, timeout 0\n"):
            with self.assertRaises(servers.Failed):
                measure.read_wrk(WRK + trouble)

    def test_forms_ratios_round_by_round(self):
        found = results(native=[9, 10, 12], lua=[10, 10, 10])

        self.assertEqual(found.ratios("native", "lua", 1, 64), [0.9, 1.0, 1.2])
        self.assertEqual(found.ratios("native", "lua", 2, 64), [])
        self.assertEqual(found.ratios("node", "node-http", 1, 64), [])

    def test_judges_the_median_against_budget_and_goal(self):
        for node, verdict, held in ((6.9, "goal reached", True), (7.9, "held", True), (8.1, "EXCEEDED", False)):
            with self.subTest(node=node), contextlib.redirect_stdout(io.StringIO()) as printed:
                found = results(node=[1, node, 30], node_http=[10, 10, 10])
                self.assertEqual(measure.print_ratios(options("--loops", "1"), found), held)
            self.assertIn(verdict, printed.getvalue())

    def test_spread_is_half_the_range_over_the_median(self):
        self.assertAlmostEqual(measure.spread([9, 10, 12]), 15.0)

    def test_counts_the_cpu_time_of_a_process(self):
        before = measure.cpu_seconds([os.getpid()])
        while measure.cpu_seconds([os.getpid()]) < before + 0.05:
            pass
        self.assertIn(os.getpid(), servers.process_tree(os.getppid()))
        self.assertGreater(measure.resident_bytes([os.getpid()]), 1_000_000)

    def test_knows_its_arguments(self):
        self.assertEqual((options("--quick").rounds, options("--quick").seconds), (3, 2))
        self.assertEqual((options().rounds, options().seconds), (5, 3))
        self.assertEqual(options("--quick", "--rounds", "7").rounds, 7)
        self.assertEqual(options("--only", "lua,native").only, ["lua", "native"])
        for bad in (["--only", "iis"], ["--loops", "0"], ["--loops", "x"], ["--connections", "1,,2"],
                    ["--rounds", "-1"], ["--rounds", "0"], ["--fast"]):
            with self.subTest(bad=bad), self.assertRaises(SystemExit) as stop:
                options(*bad)
            self.assertEqual(stop.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
