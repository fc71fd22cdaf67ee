"""Tests what `bench/run cluster` makes of its measurements and arguments; measuring needs the peers and a quiet machine."""
import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import cluster  # noqa: E402
import measure  # noqa: E402
import servers  # noqa: E402


def results(figures):
    """{(server, connections): (p50 of each round, CPU of each round)}, with one loop."""
    found = measure.Results()
    for (name, connections), (p50s, costs) in figures.items():
        for p50, cost in zip(p50s, costs):
            found.add(name, 1, connections, {"requests_per_s": 1000.0, "p50_ms": p50, "p99_ms": 2 * p50, "cpu_us": cost})
    return found


def options(*arguments):
    with contextlib.redirect_stderr(io.StringIO()):
        return cluster.parse(arguments)


def reported(figures):
    """Whether every budget holds, and what was printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        held = cluster.report(options("--loops", "1"), results(figures))
    return held, printed.getvalue()


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, servers.Node, "program", servers.Node.program)

    def test_a_hop_is_judged_against_the_proxy_of_the_same_round(self):
        held, text = reported({("proxy", 64): ([1, 1, 1], [40, 50, 60]), ("native", 64): ([1, 1, 1], [20, 30, 48]),
                               ("proxy", 1): ([0.2], [60]), ("native", 1): ([0.1], [50])})
        self.assertTrue(held, text)
        self.assertRegex(text, r"CPU per request, native, 64 connections +nginx -> nginx +1 +0\.60 +0\.50-0\.80 +0\.6  held")
        self.assertRegex(text, r"p50 of a lone request, native +nginx -> nginx +1 +0\.50 +0\.50-0\.50 +1\.0  held")

    def test_what_exceeds_its_budget_is_named(self):
        for figures in ({("proxy", 64): ([1], [40]), ("native", 64): ([1], [25])},
                        {("proxy", 1): ([0.2], [40]), ("native", 1): ([0.3], [10])}):
            held, text = reported(figures)
            self.assertFalse(held)
            self.assertEqual(text.count("EXCEEDED"), 1, text)

    def test_a_ratio_without_a_budget_is_shown_and_not_judged(self):
        held, text = reported({("proxy", 64): ([1], [40]), ("node", 64): ([1], [80])})
        self.assertTrue(held)
        self.assertRegex(text, r"Node\.js, 64 connections +nginx -> nginx +1 +2\.00 +2\.00-2\.00\n")

    def test_a_hop_is_set_beside_the_same_call_over_basp(self):
        held, text = reported({("basp", 64): ([1], [80]), ("native", 64): ([1], [20])})
        self.assertTrue(held)
        self.assertRegex(text, r"native, 64 connections +the same over BASP +1 +0\.25 +0\.25-0\.25\n")

    def test_more_loops_than_a_budget_knows_are_judged_by_its_last(self):
        found = measure.Results()
        for name, cost in (("proxy", 100.0), ("native", 69.0)):
            found.add(name, 4, 64, {"p50_ms": 1.0, "cpu_us": cost})
        self.assertEqual([most for _, _, _, most in cluster.verdicts(found, 4)], [0.7])

    def test_large_bodies_are_asked_only_of_those_that_send_them_back(self):
        asked = options("--connections", "64")
        self.assertEqual(cluster.cases_of(asked, "proxy"), [64, cluster.LARGE])
        self.assertEqual(cluster.cases_of(asked, "node"), [64])
        self.assertEqual(cluster.cases_of(options("--no-large"), "proxy"), [1, 64])

    def test_arguments(self):
        self.assertEqual((options("--quick").rounds, options("--quick").seconds, options().only),
                         (3, 2, ["proxy", "basp", "native", "node", "three", "five"]))
        options("--program", "/x/troupe")
        self.assertEqual(servers.Node.program, "/x/troupe")
        for wrong in (("--only", "iis"), ("--loops", "0"), ("--rounds", "0"), ("--seconds", "0")):
            with self.subTest(wrong=wrong), self.assertRaises(SystemExit) as end:
                options(*wrong)
            self.assertEqual(end.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
