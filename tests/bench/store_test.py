"""Tests what `bench/run store` makes of its measurements and arguments; measuring needs a build and a quiet machine."""
import tempfile
import unittest

import support
import store
import store_servers
from support import refused


def text_of(*found):
    return support.blocks.as_text(found)


def round_of(per_s):
    return {"per_s": per_s, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 30.0}


class StoreTest(unittest.TestCase):
    def test_commits_are_compared_with_sqlite_in_the_same_round(self):
        results = {"SQLite alone": {"1": [round_of(100), round_of(200), round_of(400)], "64": [round_of(100)]},
                   "the store alone": {"1": [round_of(50), round_of(50), round_of(50)], "64": [round_of(90)]}}
        text = text_of(*store.commits(results))
        self.assertRegex(text, r"the store alone +1 +50 +0 +1\.00 +2\.00 +30\.0 +0\.25\n")
        self.assertRegex(text, r"the store alone +64 +90 +0 +1\.00 +2\.00 +30\.0 +0\.90$")

    def test_memory_is_that_of_the_records_alone(self):
        starts = {"empty": [(0.1, 10e6)], "full": [(0.3, 30e6)], "copy": [(0.3, 30e6)], "joins": [(0.9, 40e6)]}
        text = text_of(*store.starts({"starts": starts, "records": 5000}))
        self.assertRegex(text, r"alone, 5,000 records +300\.0 +300\.0 +300\.0 +30\.0\n")
        self.assertIn("for 10,000 records (functions with 39 routes): 40.0 MB", text)

    def test_the_longest_pause_of_any_move_is_judged(self):
        for pauses, word in (((0.1, 0.9), "held"), ((0.1, 1.1), "EXCEEDED")):
            found = store.moves({"moves": [(0.05, pause) for pause in pauses], "refused": 0})
            self.assertEqual([verdict.word for verdict in support.blocks.verdicts_of(found)], [word])

    def test_what_an_interrupted_run_has_is_shown(self):
        commits = {"SQLite alone": {"1": [round_of(100)], "64": [round_of(100)]}}
        self.assertIn("SQLite alone", text_of(*store.blocks_of({"commits": commits})))

    def test_a_pause_counts_where_it_reaches_into_the_move(self):
        answered = [(when, 204) for when in (0.0, 5.0, 5.1, 6.0, 6.1, 9.0)]
        self.assertAlmostEqual(store.longest_gap(answered, 5.05, 6.05), 0.9)
        self.assertAlmostEqual(store.longest_gap(answered, 4.0, 5.05), 5.0)

    def test_sqlite_counts_each_caller_of_a_transaction(self):
        with tempfile.TemporaryDirectory() as folder:
            bare = store_servers.Bare(folder)
            self.addCleanup(bare.stop)
            found = bare.measure(64, 0.05)
            rows = bare.database.execute("SELECT count(*) FROM history").fetchone()[0]
            self.assertEqual((rows % 64, bare.database.execute("SELECT count(*) FROM records").fetchone()), (0, (64,)))
            self.assertGreater(found["per_s"], 0)

    def test_arguments(self):
        options = store.parse(["--quick"])
        self.assertEqual((options.tries, options.rounds, store.parse([]).tries), (3, 2, 5))
        for wrong in (("--tries", "0"), ("--records", "39"), ("--rounds", "0")):
            self.assertEqual(refused(store.parse, *wrong), 2, wrong)


if __name__ == "__main__":
    unittest.main()
