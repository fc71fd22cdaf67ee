"""Tests what `bench/run cluster` makes of its measurements and arguments; measuring needs the peers."""
import unittest

import support
import cluster
from support import refused, verdict_named


def results(measured, loops=1):
    """{(server, case): (p50 of each round, CPU of each round)}"""
    found = support.figures.Results()
    for (name, case), (p50s, costs) in measured.items():
        found.titles[name] = name
        for p50, cost in zip(p50s, costs):
            found.add(name, loops, case, {"requests_per_s": 1000.0, "p50_ms": p50, "p99_ms": 2 * p50, "cpu_us": cost,
                                          "resident_mb": 9.0})
    return found


class ClusterTest(unittest.TestCase):
    def test_a_hop_is_judged_against_the_proxy_of_the_same_round(self):
        verdicts = cluster.verdicts(results({("proxy", 64): ([1, 1, 1], [40, 50, 60]), ("proxy", 1): ([0.2], [60]),
                                             ("native", 64): ([1, 1, 1], [20, 30, 48]), ("native", 1): ([0.1], [50])}))
        load = verdict_named(verdicts, "CPU per request, native, 64 connections, to proxy, 1 loop")
        self.assertEqual((load.value, load.least, load.most, load.budget, load.word), (0.6, 0.5, 0.8, 0.6, "held"))
        alone = verdict_named(verdicts, "p50 of a lone request, native, to proxy")
        self.assertEqual((alone.value, alone.budget, alone.word), (0.5, 1.0, "held"))

    def test_what_exceeds_its_budget_is_named(self):
        for measured in ({("proxy", 64): ([1], [40]), ("native", 64): ([1], [25])},
                         {("proxy", 1): ([0.2], [40]), ("native", 1): ([0.3], [10])}):
            self.assertEqual([verdict.word for verdict in cluster.verdicts(results(measured))], ["EXCEEDED"])

    def test_a_ratio_without_a_budget_is_shown_and_not_judged(self):
        verdict, = cluster.verdicts(results({("proxy", 64): ([1], [40]), ("node", 64): ([1], [80])}))
        self.assertEqual((verdict.value, verdict.word, verdict.held), (2.0, "", True))

    def test_a_hop_is_set_beside_the_same_call_over_basp(self):
        verdict, = cluster.verdicts(results({("basp", 64): ([1], [80]), ("native", 64): ([1], [20])}))
        self.assertEqual(verdict.title, "CPU per request, native, 64 connections, to basp, 1 loop")
        self.assertEqual(verdict.value, 0.25)

    def test_more_loops_than_a_budget_knows_are_judged_by_its_last(self):
        found = results({("proxy", 64): ([1], [100.0]), ("native", 64): ([1], [69.0])}, loops=4)
        self.assertEqual([verdict.budget for verdict in cluster.verdicts(found)], [0.7])

    def test_large_bodies_are_asked_only_of_those_that_send_them_back(self):
        asked = cluster.parse(["--connections", "64"])
        self.assertEqual(cluster.cases_of(asked, "proxy"), [64, cluster.LARGE])
        self.assertEqual(cluster.cases_of(asked, "node"), [64])
        self.assertEqual(cluster.cases_of(cluster.parse(["--no-large"]), "proxy"), [1, 64])

    def test_arguments(self):
        self.assertEqual(cluster.parse([]).only, ["proxy", "basp", "native", "node", "three", "five"])
        for wrong in (("--only", "iis"), ("--loops", "0"), ("--rounds", "0"), ("--seconds", "0")):
            self.assertEqual(refused(cluster.parse, *wrong), 2, wrong)


if __name__ == "__main__":
    unittest.main()
