"""Update after update under load: not one request fails, none runs twice, no worker of an old version stays."""
import os
import unittest

import load
import support


class UpdatesUnderLoadTest(unittest.TestCase):
    def test_lose_no_request_and_leave_nothing_behind(self):
        with support.TempDir() as folder, support.Node(loops=2) as node:
            ran = os.path.join(folder, "ran")
            flags = ("--concurrency", "4", "--max-instances", "1", "--timeout-s", "20")
            node.deploy_files("f", load.handler(ran, "first"), *flags)
            answers = load.Answers()
            for version in ("a", "b"):
                node.deploy_files("f", load.handler(ran, version), *flags)
                answers.ask(node, "/f")
            before = load.rest(node, {"f": 1})

            with load.Clients(3, lambda: answers.ask(node, "/f", ms="5")):
                for version in range(load.COUNT):
                    node.deploy_files("f", load.handler(ran, version), *flags)

            self.assertEqual([answer for answer in answers.of("/f") if answer[1] != 200], [])
            self.assertGreater(len(answers.of("/f")), load.COUNT, "no load worth the name")
            load.assert_ran_at_most_once(self, answers, ran)
            load.assert_back(self, node, before, {"f": 1})


if __name__ == "__main__":
    unittest.main()
