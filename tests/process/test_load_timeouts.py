"""Timeout after timeout under load: each costs its own call and worker, nothing runs twice, nothing is left behind."""
import os
import threading
import unittest

import load
import support


class TimeoutsUnderLoadTest(unittest.TestCase):
    def test_leave_nothing_behind(self):
        with support.TempDir() as folder, support.Node(loops=2) as node:
            ran, ran_beside = os.path.join(folder, "ran"), os.path.join(folder, "ran-beside")
            node.deploy_files("f", load.handler(ran), "--max-instances", "1", "--timeout-s", "0.3")
            node.deploy_files("beside", load.handler(ran_beside), "--max-instances", "1", "--timeout-s", "20")
            answers, beside = load.Answers(), load.Answers()
            for act in ("hang", "never", ""):
                answers.ask(node, "/f", act)
            before = load.rest(node, {"f": 1, "beside": 1})
            left = threading.Semaphore(load.COUNT)

            def hang(i):
                late = 0
                while left.acquire(blocking=False):
                    answer = answers.ask(node, "/f", ("hang", "never")[i])
                    if answer[2] == "function_timeout":
                        late += 1
                    else:
                        self.assertEqual(answer[1:3], (503, "overloaded"), answer)
                        left.release()
                return late
            with load.Clients(1, lambda: beside.ask(node, "/beside")):
                timed_out = sum(support.parallel(2, hang))

            self.assertEqual(timed_out, load.COUNT)
            load.assert_ran_at_most_once(self, answers, ran)
            load.assert_ran_at_most_once(self, beside, ran_beside)
            self.assertEqual({status for _, status, _, _ in beside.of("/beside")}, {200})
            self.assertEqual({status for _, status, cause, _ in answers.of("/f") if cause == "function_timeout"}, {500})
            answers.ask(node, "/f")
            load.assert_back(self, node, before, {"f": 1, "beside": 1})


if __name__ == "__main__":
    unittest.main()
