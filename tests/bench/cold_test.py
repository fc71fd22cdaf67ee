"""Tests what bench/run cold makes of its measurements."""
import os
import unittest

import support
import cold
from support import refused


class ColdTest(unittest.TestCase):
    def measured(self, with_stems):
        memory = {"idle": [{"pss_mb": 30.0, "rss_mb": 45.0}], "stem": [{"pss_mb": 20.0, "rss_mb": 40.0}]}
        return {"node": {"auto": {"ms": with_stems, **memory}, "off": {"ms": [80.0, 90.0, 100.0], **memory},
                         "process": {"ms": [40.0, 40.0, 50.0]}}}

    def test_both_quantiles_are_held_against_the_budget(self):
        for values, words in (([14.0, 15.0, 50.0], ["held", "held"]), ([16.0, 16.0, 16.0], ["EXCEEDED", "held"]),
                              ([10.0, 10.0, 51.0], ["held", "EXCEEDED"])):
            self.assertEqual([each.word for each in cold.verdicts(self.measured(values))], words)

    def test_ratios_are_to_the_bare_process(self):
        rows = {row[0]: row[1:] for row in cold.starts(self.measured([10.0, 10.0, 10.0]))[1].rows}
        self.assertEqual(rows["Node.js, stem cell"][4], "0.25")
        self.assertEqual(rows["Node.js, no stem cell"], ["90.00", "100.00", "80.00", "100.00", "2.25"])
        self.assertEqual(rows["node -e 0"][4], "1.00")

    def test_memory_is_of_an_instance_and_of_a_stem_cell(self):
        self.assertEqual(cold.memory(self.measured([1.0])).rows,
                         [["Node.js, idle instance", "30.0", "45.0"], ["Node.js, stem cell", "20.0", "40.0"]])

    def test_memory_of_a_process_is_read(self):
        found = cold.memory_mb(os.getpid())
        self.assertGreater(found["rss_mb"], 5)
        self.assertLessEqual(found["pss_mb"], found["rss_mb"])

    def test_knows_its_arguments(self):
        self.assertEqual((cold.parse([]).tries, cold.parse(["--quick"]).tries), (50, 10))
        self.assertEqual(cold.parse(["--only", "python,node"]).only, ["node", "python"])
        for bad in (["--only", "ruby"], ["--tries", "1"], ["--tries", "x"], ["--fast"]):
            self.assertEqual(refused(cold.parse, *bad), 2, bad)


if __name__ == "__main__":
    unittest.main()
