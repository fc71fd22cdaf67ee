"""The checker itself: it accepts what could have happened one after the other and finds what could not."""
import random
import unittest

import models
from history import INFINITY, Operation
from linearizability import NotLinearizable, Step, Undecided, check

KEY = "test/key-0"


def commit(begin, end, value, expected=False, outcome="ok"):
    """`expected` False: without a condition."""
    return Operation("w", "commit", {"writes": {KEY: value}, "expected": {} if expected is False else {KEY: expected}},
                     begin, "m", end, outcome, {"is": "committed"})


def read(begin, end, value):
    return Operation("r", "read", {"key": KEY}, begin, "m", end, "ok", {"value": value})


def conflict(begin, end, standing):
    return Operation("w", "conflict", {"writes": {KEY: "x"}, "expected": {KEY: "y"}}, begin, "m", end, "ok",
                     {"values": {KEY: standing}})


class RegisterTest(unittest.TestCase):
    def accept(self, *operations):
        check(models.register_steps(operations, KEY), None)

    def refuse(self, *operations):
        with self.assertRaises(NotLinearizable):
            self.accept(*operations)

    def test_one_after_the_other(self):
        self.accept(read(0, 1, None), commit(2, 3, "a"), read(4, 5, "a"), commit(6, 7, None), read(8, 9, None))

    def test_reads_during_a_commit_see_it_or_not(self):
        self.accept(commit(0, 10, "a"), read(1, 2, None), read(3, 4, "a"))
        self.refuse(commit(0, 10, "a"), read(1, 2, "a"), read(3, 4, None))

    def test_a_lost_commit(self):
        self.refuse(commit(0, 1, "a"), read(2, 3, None))
        self.refuse(commit(0, 1, "a"), commit(2, 3, "b"), read(4, 5, "a"))

    def test_a_stale_read(self):
        self.refuse(commit(0, 1, "a"), commit(2, 3, "b"), read(4, 5, "b"), read(6, 7, "a"))

    def test_a_value_that_nobody_wrote(self):
        self.refuse(commit(0, 1, "a"), read(2, 3, "z"))

    def test_a_commit_under_a_condition_that_did_not_hold(self):
        self.refuse(commit(0, 1, "a"), commit(2, 3, "b"), commit(4, 5, "c", expected="a"))
        self.refuse(commit(0, 1, "a"), commit(2, 3, "b", expected=None))

    def test_two_commits_under_the_same_condition(self):
        self.refuse(commit(0, 1, "a"), commit(2, 5, "b", expected="a"), commit(2, 5, "c", expected="a"))

    def test_a_conflict_shows_what_stands(self):
        self.accept(commit(0, 1, "a"), conflict(2, 3, "a"))
        self.refuse(commit(0, 1, "a"), conflict(2, 3, None))

    def test_what_is_in_doubt_may_have_happened_or_not(self):
        doubt = commit(0, INFINITY, "a", outcome="unknown")
        self.accept(doubt, read(1, 2, None), read(3, 4, "a"))
        self.accept(doubt, read(1, 2, None), read(3, 4, None))
        self.refuse(doubt, read(1, 2, "a"), read(3, 4, None))

    def test_what_is_in_doubt_does_not_happen_before_it_was_asked(self):
        self.refuse(read(0, 1, "a"), commit(2, INFINITY, "a", outcome="unknown"))

    def test_what_failed_did_not_happen(self):
        self.refuse(commit(0, 1, "a", outcome="failed"), read(2, 3, "a"))

    def test_a_commit_applied_twice(self):
        self.refuse(commit(0, 1, "a"), commit(2, 3, "b"), read(4, 5, "b"), read(6, 7, "a"), read(8, 9, "b"))

    def test_long_histories_of_an_honest_register_are_accepted_and_one_changed_answer_is_found(self):
        rng = random.Random(7)
        for _ in range(20):
            operations = self.honest(rng)
            self.accept(*operations)
            reads = [each for each in operations if each.kind == "read"]
            rng.choice(reads).answer["value"] = "never written"
            self.refuse(*operations)

    def honest(self, rng):
        """400 operations, up to 8 at once, each taking effect at a random moment between its begin and its end."""
        moments = []
        for number in range(400):
            begin = number + rng.random()
            end = begin + rng.uniform(0.1, 8)
            moments.append((rng.uniform(begin, end), begin, end, number))
        operations, value = [], None
        for _, begin, end, number in sorted(moments):
            if rng.random() < 0.5:
                operations.append(read(begin, end, value))
            elif rng.random() < 0.2:
                operations.append(commit(begin, INFINITY, f"v{number}", outcome="unknown"))
                value = f"v{number}" if rng.random() < 0.5 else value
            else:
                expected = value if rng.random() < 0.5 else False
                operations.append(commit(begin, end, f"v{number}", expected=expected))
                value = f"v{number}"
        return operations

    def test_too_many_ways_are_no_verdict(self):
        free = [Step(0, INFINITY, lambda state, one=number: [state | 1 << one], True) for number in range(20)]
        impossible = Step(0, 1, lambda state: [])
        with self.assertRaises(Undecided):
            check([*free, impossible], 0, max_looked_at=1000)


SESSIONS = {"s1": ("n1", INFINITY), "s2": ("n2", INFINITY)}


def owner(kind, begin, end, answer, outcome="ok", **asked):
    return Operation("c", kind, {"resource": "r", **asked}, begin, "m", end, outcome, answer)


def claim(begin, end, session, epoch, **more):
    return owner("claim", begin, end, {"is": "owned", "epoch": epoch}, session=session, **more)


def held(begin, end, session, by, epoch):
    return owner("claim", begin, end, {"is": "held", "owner": by, "epoch": epoch}, session=session)


def release(begin, end, epoch, **more):
    return owner("release", begin, end, {"is": "committed"}, epoch=epoch, **more)


def transfer(begin, end, epoch, to, new_epoch):
    return owner("transfer", begin, end, {"is": "owned", "epoch": new_epoch}, epoch=epoch, to=to)


class ClaimTest(unittest.TestCase):
    def accept(self, *operations, sessions=None):
        check(models.claim_steps(operations, "r", sessions or SESSIONS), models.NOBODY)

    def refuse(self, *operations, sessions=None):
        with self.assertRaises(NotLinearizable):
            self.accept(*operations, sessions=sessions)

    def test_one_owner_after_the_other(self):
        self.accept(claim(0, 1, "s1", 5), held(2, 3, "s2", "n1", 5), claim(4, 5, "s1", 5), release(6, 7, 5),
                    claim(8, 9, "s2", 9))

    def test_two_owners(self):
        self.refuse(claim(0, 1, "s1", 5), claim(2, 3, "s2", 6))
        self.refuse(claim(0, 1, "s1", 5), claim(2, 3, "s2", 5))

    def test_an_owner_whose_session_may_have_ended(self):
        self.accept(claim(0, 1, "s1", 5), claim(4, 5, "s2", 6), sessions={**SESSIONS, "s1": ("n1", 3)})
        self.refuse(claim(0, 1, "s1", 5), claim(2, 2.5, "s2", 6), sessions={**SESSIONS, "s1": ("n1", 3)})

    def test_epochs_that_do_not_rise(self):
        self.refuse(claim(0, 1, "s1", 5), release(2, 3, 5), claim(4, 5, "s2", 5))
        self.refuse(claim(0, 1, "s1", 5), release(2, 3, 5), claim(4, 5, "s2", 4))
        self.refuse(claim(0, 1, "s1", 5), transfer(2, 3, 5, "s2", 5))

    def test_a_transfer_needs_the_present_epoch(self):
        self.accept(claim(0, 1, "s1", 5), transfer(2, 3, 5, "s2", 7), held(4, 5, "s1", "n2", 7))
        self.refuse(claim(0, 1, "s1", 5), transfer(2, 3, 5, "s2", 7), transfer(4, 5, 5, "s1", 8))
        self.refuse(claim(0, 1, "s1", 5), release(2, 3, 4))

    def test_held_by_somebody_else_than_the_owner(self):
        self.refuse(claim(0, 1, "s1", 5), held(2, 3, "s2", "n2", 5))
        self.refuse(held(0, 1, "s2", "n1", 5))

    def test_a_claim_in_doubt(self):
        doubt = owner("claim", 0, INFINITY, {}, outcome="unknown", session="s1")
        self.accept(doubt, held(2, 3, "s2", "n1", 5), release(4, 5, 5))
        self.accept(doubt, claim(2, 3, "s2", 5))
        self.refuse(doubt, held(2, 3, "s2", "n1", 5), claim(4, 5, "s2", 6))
        self.refuse(doubt, held(2, 3, "s2", "n1", 5), held(4, 5, "s2", "n1", 6))

    def test_a_release_in_doubt(self):
        doubt = owner("release", 2, INFINITY, {}, outcome="unknown", epoch=5)
        self.accept(claim(0, 1, "s1", 5), doubt, held(3, 4, "s2", "n1", 5), claim(5, 6, "s2", 6))
        self.refuse(claim(0, 1, "s1", 5), doubt, claim(3, 4, "s2", 6), held(5, 6, "s2", "n1", 5))


if __name__ == "__main__":
    unittest.main()
