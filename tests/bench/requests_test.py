"""Tests what the groups that ask servers make of their measurements and arguments."""
import unittest

import support
import access_logs
import bodies
import costs
import functions
import idle
import small_requests
from support import refused, text_of, verdict_named


class SmallRequestsTest(unittest.TestCase):
    def test_functions_are_judged_against_their_peers(self):
        found = support.results(native=[9, 10, 12], lua=[10, 10, 10], node=[1, 8.1, 30], node_http=[10, 10, 10])
        verdicts = small_requests.verdicts(found)
        self.assertEqual([(round(each.value, 3), each.word) for each in verdicts], [(1.0, "held"), (0.81, "EXCEEDED")])

    def test_a_peer_that_was_not_measured_is_no_verdict(self):
        self.assertEqual(small_requests.verdicts(support.results(native=[9])), [])

    def test_knows_its_arguments(self):
        def options(*arguments):
            return small_requests.parse(arguments)
        self.assertEqual((options("--quick").rounds, options("--quick").seconds), (2, 1))
        self.assertEqual((options().rounds, options().seconds, options().loops, options().connections),
                         (5, 2, [1, 2], [1, 64]))
        self.assertEqual(options("--quick", "--rounds", "7").rounds, 7)
        self.assertEqual(options("--only", "lua,native").only, ["lua", "native"])
        for bad in (["--only", "iis"], ["--loops", "0"], ["--loops", "x"], ["--connections", "1,,2"],
                    ["--rounds", "-1"], ["--rounds", "0"], ["--seconds", "0"], ["--fast"]):
            self.assertEqual(refused(small_requests.parse, *bad), 2, bad)


class AccessLogsTest(unittest.TestCase):
    def test_who_logs_is_judged_against_who_logs(self):
        found = support.results(lua=[10], lua_log=[12], native=[9], native_log=[11])
        self.assertEqual([round(each.value, 3) for each in access_logs.verdicts(found)], [round(11 / 12, 3)])

    def test_a_line_costs_what_it_adds(self):
        found = support.results(lua=[10, 10, 10], lua_log=[12, 14, 13], native=[9], native_log=[11])
        self.assertEqual([(each.title, each.value) for each in access_logs.costs(found)],
                         [("lua, 1 loop", 3), ("native, 1 loop", 2)])


class CostsTest(unittest.TestCase):
    def test_each_feature_stands_beside_the_node_without(self):
        verdicts = costs.verdicts(support.results(plain=[10, 11, 12], log=[11, 13, 12], timed=[10, 11, 12.5]))
        self.assertEqual([(each.title, each.value) for each in verdicts], [("log", 1), ("timed", 0)])


class BodiesTest(unittest.TestCase):
    def test_more_bytes_are_better(self):
        found = support.results(case=bodies.CONNECTIONS, native=[100], lua=[100])
        for key, rate in ((("native", 1, 8), 900.0), (("lua", 1, 8), 1000.0)):
            found.rounds[key][0]["mb_per_s"] = rate
        verdict, = bodies.verdicts(found)
        self.assertEqual((verdict.value, verdict.at_least), (0.9, True))
        self.assertRegex(text_of(bodies, found.written()), r"native +1 +8 .* 900\.0\n")


class FunctionsTest(unittest.TestCase):
    def results(self, *per_s):
        def each(value, count, resident, last):
            return {"requests_per_s": value, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 1e6 / value, "resident_mb": 1.0,
                    "functions": count, "deployed_bytes": resident, "deploy_first_ms": 10.0, "deploy_last_ms": last}
        found = support.figures.Results()
        found.titles.update(one="1 function", many="1,000 functions")
        for value in per_s:
            found.add("one", 1, 64, each(1000.0, 1, 20_000_000, 10.0))
            found.add("many", 1, 64, each(value, 1000, 29_990_000, 30.0))
        return found

    def test_judges_the_median(self):
        for per_s, word in (((950.0, 960.0, 100.0), "held"), ((940.0, 940.0, 1000.0), "EXCEEDED")):
            verdict = verdict_named(functions.verdicts(self.results(*per_s)), "requests per second")
            self.assertEqual(verdict.word, word)

    def test_memory_is_shared_out_over_the_additional_functions(self):
        self.assertEqual(functions.deployments(self.results(1.0)).rows, [["1 loop", "10.0", "10.0", "30.0"]])

    def test_knows_its_arguments(self):
        self.assertEqual((functions.parse([]).functions, functions.parse(["--quick"]).functions), (1000, 100))
        for bad in (["--functions", "1"], ["--rounds", "0"], ["--only", "x"]):
            self.assertEqual(refused(functions.parse, *bad), 2, bad)


class IdleTest(unittest.TestCase):
    def results(self, *bytes_each):
        found = support.figures.Results()
        found.titles["native"] = "troupe"
        for value in bytes_each:
            found.add("native", 1, "10,000", {"connections": 10_000, "bytes_each": value, "resident_mb": 90.0,
                                              "idle_cpu_ms_per_s": 4.0, "connects_per_s": 5000.0})
        return found

    def test_the_median_of_the_rounds_is_judged(self):
        for values, word in (((8000, 8192, 9000), "held"), ((8000, 8200, 9000), "EXCEEDED")):
            verdict, = idle.verdicts(self.results(*values))
            self.assertEqual((verdict.word, verdict.title), (word, "troupe, 10,000 connections, 1 loop"))

    def test_a_limit_of_descriptors_that_is_too_low_is_named(self):
        with self.assertRaisesRegex(support.servers.Failed, "1000000000 connections need a limit of"):
            idle.allow_descriptors(1_000_000_000)


if __name__ == "__main__":
    unittest.main()
