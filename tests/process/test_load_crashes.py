"""Crash after crash under load: each takes its own calls only, nothing runs twice, nothing is left behind."""
import unittest

import load_rounds
import support


class CrashesUnderLoadTest(unittest.TestCase):
    def test_leave_nothing_behind(self):
        with support.TempDir() as folder, support.Node(loops=2) as node:
            load_rounds.Rounds(self, node, folder, lambda i: ("exit", "kill")[i % 2], "function_crashed", 20).run()


if __name__ == "__main__":
    unittest.main()
