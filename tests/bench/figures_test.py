"""Tests the statistics of bench/run, and how a verdict is reached and written."""
import json
import unittest

import support
import blocks
import figures


class FiguresTest(unittest.TestCase):
    def test_quantiles_are_measured_values(self):
        values = [float(value) for value in range(1, 51)]
        self.assertEqual([figures.quantile(values, 50), figures.quantile(values, 99), figures.quantile([7.0], 99)],
                         [25.0, 50.0, 7.0])
        self.assertEqual(figures.quantile(list(range(200, 0, -1)), 99), 198)

    def test_spread_is_half_the_range_over_the_median(self):
        self.assertAlmostEqual(figures.spread([9, 10, 12]), 15.0)

    def test_ratios_and_differences_are_formed_round_by_round(self):
        found = support.results(native=[9, 10, 12], lua=[10, 10, 10])
        self.assertEqual(found.ratios("native", "lua", 1, 64), [0.9, 1.0, 1.2])
        self.assertEqual(found.differences("native", "lua", 1, 64), [-1, 0, 2])
        self.assertEqual((found.ratios("native", "lua", 2, 64), found.ratios("native", "iis", 1, 64)), ([], []))

    def test_a_round_that_was_cut_short_pairs_nothing_with_another_round(self):
        found = support.results(native=[9, 10], lua=[10, 20, 10])
        self.assertEqual(found.ratios("native", "lua", 1, 64), [0.9, 0.5])

    def test_the_median_is_held_against_budget_and_goal(self):
        for values, word, held in (([1, 6.9, 30], "goal reached", True), ([1, 7.9, 30], "held", True),
                                   ([1, 8.1, 2], "held", True), ([8.1, 8.2, 1], "EXCEEDED", False)):
            verdict = figures.of_rounds("ratio", values, budget=8, goal=7 if values[0] == 1 and values[1] < 8 else None)
            self.assertEqual((verdict.word, verdict.held), (word, held), values)

    def test_what_is_to_be_large_is_held_from_below(self):
        low, high = (figures.of_rounds("throughput", [value], budget=0.95, at_least=True) for value in (0.94, 0.96))
        self.assertEqual((low.word, high.word), ("EXCEEDED", "held"))

    def test_without_a_budget_nothing_is_judged(self):
        verdict = figures.of_rounds("ratio", [5])
        self.assertEqual((verdict.word, verdict.held, blocks.limits(verdict)), ("", True, ("", "")))

    def test_results_come_back_from_a_file(self):
        found = support.results(native=[9, 10], lua=[10])
        found.left_out["workerd"] = "not installed"
        found.failed["nginx, 1 loop"] = "no answer"
        again = figures.read_results(json.loads(json.dumps(found.written())))
        self.assertEqual((again.rounds, again.titles, again.left_out, again.failed),
                         (found.rounds, found.titles, found.left_out, found.failed))


class BlocksTest(unittest.TestCase):
    def test_a_table_has_its_numbers_under_each_other(self):
        text = blocks.as_text([blocks.Table(["server", "us"], [["a", "10.5"], ["longer", "9"]])])
        self.assertEqual(text.splitlines(), ["server    us", "------------", "a       10.5", "longer     9"])

    def test_a_verdict_names_its_limits(self):
        verdict = figures.of_rounds("first", [2.0, 3.0, 4.0], budget=15, goal=10, unit=" ms")
        text = blocks.as_text([blocks.Verdicts("what", [verdict])])
        self.assertRegex(text, r"first +3\.00 ms +2\.00-4\.00 +at most 15 ms +10 +goal reached")

    def test_what_was_left_out_is_told_from_what_failed(self):
        found = support.results(native=[9])
        found.left_out["workerd"] = "not installed"
        found.failed["nginx, 1 loop"] = "no answer"
        self.assertEqual(blocks.as_text(blocks.left_out_of(found)),
                         "left out: workerd: not installed\n\nFAILED: nginx, 1 loop: no answer")

    def test_a_table_of_servers_has_medians_and_the_spread(self):
        table = blocks.table_of_requests(support.results(native=[8.0, 10.0, 11.0]))
        self.assertEqual(dict(zip(table.head, table.rows[0])),
                         {"server": "native", "loops": "1", "conns": "64", "req/s": "100,000", "p50 ms": "0.100",
                          "p99 ms": "0.200", "CPU us": "10.00", "+-%": "15.0", "RSS MB": "10.0"})


if __name__ == "__main__":
    unittest.main()
