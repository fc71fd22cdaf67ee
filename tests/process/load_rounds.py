"""Rounds of trouble over many functions, for the tests of crashes and timeouts under load.

A function whose workers end again and again is started later and later (100 ms, doubling): ten functions take turns,
and new code begins with no history.
"""
import itertools
import os

import load
import support

FUNCTIONS = 10
IN_A_ROW = 5


class Rounds:
    """`act(i)` is what the i-th call of a row asks for, `cause` the x-troupe-error of its answer."""

    def __init__(self, test, node, folder, act, cause, timeout_s):
        self.test, self.node, self.act, self.cause, self.timeout_s = test, node, act, cause, timeout_s
        self.ran, self.ran_beside = os.path.join(folder, "ran"), os.path.join(folder, "ran-beside")
        self.names = [f"f{i}" for i in range(FUNCTIONS)]
        self.everything = {name: 1 for name in [*self.names, "beside"]}
        self.answers, self.beside = load.Answers(), load.Answers()

    def run(self):
        self.node.deploy_files("beside", load.handler(self.ran_beside), "--max-instances", "1", "--timeout-s", "20")
        self.deploy("first")
        for name, i in itertools.product(self.names, range(2)):  # what is made once is there before it is counted
            self.until_troubled(name, i)
        self.until_all_answer()
        before = load.rest(self.node, self.everything)

        turns = itertools.cycle(self.names)
        with load.Clients(2, lambda: self.answers.ask(self.node, "/" + next(turns))), \
                load.Clients(1, lambda: self.beside.ask(self.node, "/beside")):
            for number in range(load.COUNT // (FUNCTIONS * IN_A_ROW)):
                self.deploy(f"round {number}")
                support.parallel(FUNCTIONS, lambda i: self.in_a_row(self.names[i]))
        self.until_all_answer()
        self.check(before)

    def deploy(self, comment):
        for name in self.names:
            self.node.deploy_files(name, load.handler(self.ran, f"{name} {comment}"), "--max-instances", "1",
                                   "--timeout-s", str(self.timeout_s))

    def in_a_row(self, name):
        for i in range(IN_A_ROW):
            self.until_troubled(name, i)

    def until_troubled(self, name, i):
        """Asks for the trouble again while it is refused, which is no execution: the next start may be waited for."""
        def troubled():
            answer = self.answers.ask(self.node, "/" + name, self.act(i))
            return answer if answer[1] != 503 else None
        answer = support.wait_until(troubled, f"{self.cause} of {name}", 30)
        self.test.assertEqual(answer[1:3], (500, self.cause))

    def until_all_answer(self):
        for name in self.names:
            support.wait_until(lambda n=name: self.answers.ask(self.node, "/" + n)[1] == 200, f"{name} runs again", 30)

    def check(self, before):
        test = self.test
        load.assert_ran_at_most_once(test, self.answers, self.ran)
        load.assert_ran_at_most_once(test, self.beside, self.ran_beside)
        test.assertEqual({status for _, status, _, _ in self.beside.of("/beside")}, {200})
        test.assertLessEqual({(status, cause) for _, status, cause, _ in self.answers.by_id.values()},
                             {(200, None), (500, self.cause), (503, "overloaded")})
        happened = [answer for answer in self.answers.by_id.values() if answer[2] == self.cause]
        test.assertGreaterEqual(len(happened), load.COUNT)
        load.assert_back(test, self.node, before, self.everything)
