"""Tests what bench/run cold and bench/run functions make of their measurements."""
import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import cold  # noqa: E402
import functions  # noqa: E402


def printed(call, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        result = call(*arguments)
    return result, out.getvalue()


def refused(parse, *arguments):
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            parse(arguments)
        except SystemExit as stop:
            return stop.code
    return None


class ColdTest(unittest.TestCase):
    def results(self, with_stems):
        memory = {"idle": [{"pss_mb": 30.0, "rss_mb": 45.0}], "stem": [{"pss_mb": 20.0, "rss_mb": 40.0}]}
        return {"node": {"auto": {"ms": with_stems, **memory}, "off": {"ms": [80.0, 90.0, 100.0], **memory},
                         "process": {"ms": [40.0, 40.0, 50.0]}}}

    def test_quantiles_are_measured_values(self):
        values = [float(value) for value in range(1, 51)]
        self.assertEqual((cold.quantile(values, 50), cold.quantile(values, 99), cold.quantile([7.0], 99)),
                         (25.0, 50.0, 7.0))
        self.assertEqual(cold.quantile(list(range(1, 201)), 99), 198)

    def test_both_quantiles_are_held_against_the_budget(self):
        for values, held in (([14.0, 15.0, 50.0], True), ([16.0, 16.0, 16.0], False), ([10.0, 10.0, 51.0], False)):
            with self.subTest(values=values):
                result, text = printed(cold.print_starts, self.results(values))
                self.assertEqual(result, held)
                self.assertIn("held" if held else "EXCEEDED", text)

    def test_ratios_are_to_the_bare_process(self):
        _, text = printed(cold.print_starts, self.results([10.0, 10.0, 10.0]))
        rows = {line[:42].strip(): line[42:].split() for line in text.splitlines() if "," in line[:42]}
        self.assertEqual(rows["Node.js, stem cell"][4], "0.25")
        self.assertEqual(rows["Node.js, no stem cell"][:5], ["90.00", "100.00", "80.00", "100.00", "2.25"])

    def test_memory_is_of_an_instance_and_of_a_stem_cell(self):
        _, text = printed(cold.print_memory, self.results([1.0]))
        self.assertIn("idle instance", text)
        self.assertEqual([line.split()[-2:] for line in text.splitlines() if "stem cell" in line], [["20.0", "40.0"]])

    def test_memory_of_a_process_is_read(self):
        found = cold.memory_mb(os.getpid())
        self.assertGreater(found["rss_mb"], 5)
        self.assertLessEqual(found["pss_mb"], found["rss_mb"])

    def test_knows_its_arguments(self):
        self.assertEqual((cold.parse([]).tries, cold.parse(["--quick"]).tries), (50, 10))
        self.assertEqual(cold.parse(["--only", "python,node"]).only, ["node", "python"])
        for bad in (["--only", "ruby"], ["--tries", "1"], ["--tries", "x"], ["--fast"]):
            self.assertEqual(refused(cold.parse, *bad), 2, bad)


class FunctionsTest(unittest.TestCase):
    def results(self, *per_s):
        def side(values, resident, deploy_s):
            rounds = [{"requests_per_s": value, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 1e6 / value,
                       "resident_mb": 1.0} for value in values]
            return {"rounds": rounds, "resident_bytes": resident, "deploy_s": deploy_s}
        return {1: side([1000.0] * len(per_s), 20_000_000, [0.02]),
                1000: side(per_s, 29_990_000, [0.01] * 900 + [0.03] * 100)}

    def test_forms_ratios_round_by_round(self):
        self.assertEqual(functions.ratios(self.results(900.0, 1000.0), "requests_per_s"), [0.9, 1.0])

    def test_memory_is_shared_out_over_the_additional_functions(self):
        self.assertEqual(functions.bytes_per_function(self.results(1.0)), 10_000)

    def test_judges_the_median(self):
        for per_s, held in (((950.0, 960.0, 100.0), True), ((940.0, 940.0, 1000.0), False)):
            result, text = printed(functions.print_results, self.results(*per_s))
            self.assertEqual(result, held)
            self.assertIn("held" if held else "EXCEEDED", text)
            self.assertIn("the first 100 took 10.0 ms each, the last 30.0 ms", text)

    def test_knows_its_arguments(self):
        self.assertEqual((functions.parse([]).functions, functions.parse(["--quick"]).seconds), (1000, 2))
        for bad in (["--functions", "1"], ["--rounds", "0"], ["--connections", "0"], ["--only", "x"]):
            self.assertEqual(refused(functions.parse, *bad), 2, bad)


if __name__ == "__main__":
    unittest.main()
