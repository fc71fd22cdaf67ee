"""Timeout after timeout under load: each costs its own call and worker, nothing runs twice, nothing is left behind."""
import unittest

import load_rounds
import support


class TimeoutsUnderLoadTest(unittest.TestCase):
    def test_leave_nothing_behind(self):
        with support.TempDir() as folder, support.Node(loops=2) as node:
            load_rounds.Rounds(self, node, folder, lambda i: ("hang", "never")[i % 2], "function_timeout", 0.5).run()


if __name__ == "__main__":
    unittest.main()
