"""Crash after crash under load: each takes its own calls only, nothing runs twice, nothing is left behind."""
import itertools
import os
import unittest

import load
import support

# A function that crashes again and again is started later and later; many functions, and new code, begin at once.
FUNCTIONS = 10
CRASHES_IN_A_ROW = 5


class CrashesUnderLoadTest(unittest.TestCase):
    def test_leave_nothing_behind(self):
        names = [f"f{i}" for i in range(FUNCTIONS)]
        everything = {name: 1 for name in [*names, "beside"]}
        with support.TempDir() as folder, support.Node(loops=2) as node:
            self.node, self.ran = node, os.path.join(folder, "ran")
            ran_beside = os.path.join(folder, "ran-beside")
            node.deploy_files("beside", load.handler(ran_beside), "--max-instances", "1", "--timeout-s", "20")
            self.answers, beside = load.Answers(), load.Answers()
            self.deploy(names, "first")
            for name, act in itertools.product(names, ("exit", "")):  # what is made once is there before it is counted
                self.answers.ask(node, "/" + name, act)
            before = load.rest(node, everything)

            turns = itertools.cycle(names)
            with load.Clients(2, lambda: self.answers.ask(node, "/" + next(turns))), \
                    load.Clients(1, lambda: beside.ask(node, "/beside")):
                for round_ in range(load.COUNT // (FUNCTIONS * CRASHES_IN_A_ROW)):
                    self.deploy(names, f"round {round_}")
                    support.parallel(FUNCTIONS, lambda i: self.crash_in_a_row(names[i]))

            load.assert_ran_at_most_once(self, self.answers, self.ran)
            load.assert_ran_at_most_once(self, beside, ran_beside)
            self.assertEqual({status for _, status, _, _ in beside.of("/beside")}, {200})
            self.assertLessEqual({(status, cause) for _, status, cause, _ in self.answers.by_id.values()},
                                 {(200, None), (500, "function_crashed"), (503, "overloaded")})
            for name in names:  # a start that waits for its back-off is over
                support.wait_until(lambda n=name: self.answers.ask(node, "/" + n)[1] == 200, f"{name} runs again", 30)
            load.assert_back(self, node, before, everything)

    def deploy(self, names, comment):
        for name in names:
            self.node.deploy_files(name, load.handler(self.ran, f"{name} {comment}"), "--max-instances", "1",
                                   "--timeout-s", "20")

    def crash_in_a_row(self, name):
        for i in range(CRASHES_IN_A_ROW):
            # Refused while the next start is waited for: then it did not run, and is asked again.
            answer = support.wait_until(lambda act=("exit", "kill")[i % 2]: self.crashed(name, act), "a crash", 30)
            self.assertEqual(answer[1:3], (500, "function_crashed"))

    def crashed(self, name, act):
        answer = self.answers.ask(self.node, "/" + name, act)
        return answer if answer[1] != 503 else None


if __name__ == "__main__":
    unittest.main()
