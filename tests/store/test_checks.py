"""The checks themselves: a good history passes, and each way in which a store may break its word is found."""
import copy
import types
import unittest

from checks import check_all
from history import History, Operation, Told
from replay import Violation

KEY = "test/key-0"


def record(key, value, revision, **more):
    return {"key": key, "value": value.encode().hex(), "revision": revision, **more}


def line(cursor, *puts, erased=()):
    return {"is": "batch", "commits": [{"cursor": cursor, "puts": list(puts), "erased": list(erased)}]}


def owner(cursor, session, node):
    return line(cursor, record("owner/r", session, cursor, session=session, node=node))


class CheckTest(unittest.TestCase):
    """Two members whose followers saw: n1 opens s1; a is written; n1 claims r (epoch 3); it gives r to s2 of n2 (epoch 4);
    a is overwritten; s1 ends."""

    def setUp(self):
        self.lines = [
            {"is": "loaded", "cursor": 0, "records": [], "generation": 0, "store_id": "s", "parent_cursor": 0},
            line(1, record("live/n1", "s1", 1, session="s1", node="n1")),
            line(2, record(KEY, "a", 2)),
            owner(3, "s1", "n1"),
            owner(4, "s2", "n2"),
            line(5, record(KEY, "b", 5)),
            line(6, erased=["live/n1"]),
        ]
        self.told = [Told("n1", "n1", 0.0), Told("n2", "n2", 0.0)]
        for each in self.told:
            each.follower = [(30.0, told) for told in copy.deepcopy(self.lines)]
        # n1 relied on s1 until 4 of a ttl of 5 s: the store may have ended it at 5.
        self.told[0].sessions = {"s1": 4.0}
        self.told[1].sessions = {"s2": 100.0}
        self.told[0].acts = [(1.0, "r", 3), (1.9, "r", 3)]
        self.told[1].acts = [(2.5, "r", 4)]
        self.first = self.commit(0.1, 0.2, "a", 2)
        self.second = self.commit(3.0, 3.1, "b", 5, expected={KEY: "a"})
        self.claim = Operation("c", "claim", {"resource": "r", "session": "s1"}, 0.4, "n1", 0.5, "ok",
                               {"is": "owned", "epoch": 3})
        self.transfer = Operation("c", "transfer", {"resource": "r", "epoch": 3, "to": "s2"}, 2.0, "n1", 2.1, "ok",
                                  {"is": "owned", "epoch": 4})
        self.read = Operation("r", "read", {"key": KEY}, 0.3, "n2", 0.35, "ok", {"is": "read", "cursor": 2, "value": "a"})
        self.operations = [self.first, self.read, self.claim, self.transfer, self.second]

    def commit(self, begin, end, value, cursor, expected=None):
        return Operation("w", "commit", {"writes": {KEY: value}, "expected": expected or {}}, begin, "n1", end, "ok",
                         {"is": "committed", "cursor": cursor})

    def check(self, restored_at=None):
        history = History()
        history._operations = self.operations
        members = [types.SimpleNamespace(told=[each], ttl_ms=5000) for each in self.told]
        check_all(history, members, [KEY], ["r"], restored_at)

    def found(self, promise, restored_at=None):
        with self.assertRaises(Violation) as caught:
            self.check(restored_at)
        self.assertEqual(str(caught.exception).split(":")[0], promise, caught.exception)

    def both(self, place, commits):
        for each in self.told:
            each.follower[place] = (30.0, copy.deepcopy(commits))

    def test_a_good_history(self):
        self.check()

    def test_an_operation_in_doubt(self):
        self.second.outcome = "unknown"
        self.found("settled")

    def test_a_commit_that_a_follower_did_not_see(self):
        del self.told[0].follower[4]
        self.found("total_order")

    def test_a_commit_that_a_follower_saw_twice(self):
        self.told[1].follower.insert(3, self.told[1].follower[2])
        self.found("total_order")

    def test_a_commit_that_differs_between_followers(self):
        self.told[1].follower[2] = (30.0, line(2, record(KEY, "other", 2)))
        self.found("total_order")

    def test_a_commit_of_which_a_follower_saw_only_a_part(self):
        whole = line(2, record(KEY, "a", 2), record("test/x", "a", 2))
        self.both(2, whole)
        self.check()
        self.told[0].follower[2] = (30.0, line(2, record(KEY, "a", 2)))
        self.found("total_order")

    def test_a_load_that_is_not_what_the_commits_make(self):
        loaded = {**self.lines[0], "cursor": 2, "records": [record(KEY, "a", 2)]}
        self.told[0].follower.append((30.0, loaded))  # without live/n1
        self.found("total_order")

    def test_an_acknowledged_commit_that_is_nowhere(self):
        for each in self.told:
            del each.follower[5]
        self.found("acknowledged_is_kept")

    def test_an_acknowledged_commit_that_is_another_one(self):
        self.both(5, line(5, record(KEY, "c", 5)))
        self.found("acknowledged_is_kept")

    def test_a_commit_applied_twice(self):
        self.both(4, line(4, record(KEY, "a", 4)))
        self.found("applied_once")

    def test_a_refused_commit_that_was_applied(self):
        self.operations.append(Operation("w", "commit", {"writes": {KEY: "b"}, "expected": {}}, 0.6, "n1", 0.7, "failed",
                                         {"is": "refused", "code": "full"}))
        self.found("refused_means_not_applied")

    def test_a_commit_under_a_guard_that_did_not_hold(self):
        self.second.asked["expected"] = {KEY: None}
        self.found("guards_hold")

    def test_commits_in_another_order_than_they_were_made(self):
        self.first.begin, self.first.end = 4.0, 4.1
        self.found("real_time_order")

    def test_a_read_behind_what_was_acknowledged(self):
        self.read.begin, self.read.end = 5.0, 5.1
        self.found("real_time_order")

    def test_a_read_of_something_else(self):
        self.read.answer["value"] = "b"
        self.found("total_order")

    def test_an_answer_that_no_order_explains(self):
        self.operations.append(Operation("w", "conflict", {"writes": {KEY: "x"}, "expected": {KEY: "a"}}, 3.5, "n1", 3.6,
                                         "ok", {"is": "conflict", "values": {KEY: "a"}}))
        self.found("commits_are_linearizable")

    def test_a_claim_while_another_owns(self):
        self.operations.append(Operation("c", "claim", {"resource": "r", "session": "s1"}, 3.2, "n1", 3.3, "ok",
                                         {"is": "owned", "epoch": 9}))
        self.found("claims_are_linearizable")

    def test_an_epoch_given_twice(self):
        self.transfer.answer["epoch"] = 3
        with self.assertRaises(Violation):
            self.check()

    def test_two_who_act(self):
        self.told[0].acts.append((2.6, "r", 3))
        self.found("one_acting_owner")

    def test_somebody_who_acts_under_anothers_epoch(self):
        self.told[0].acts.append((2.4, "r", 4))
        self.found("one_acting_owner")

    def test_somebody_who_acts_and_was_never_given_it(self):
        self.told[1].acts.append((2.7, "r", 6))
        self.found("one_acting_owner")

    def test_a_session_that_ends_early(self):
        self.told[0].follower[6] = (4.9, self.told[0].follower[6][1])
        self.found("session_freed_early")

    def restore(self, cut, *records):
        """A history that was made out of a copy at `cut` at the time 10, followed by both members."""
        loaded = {"is": "loaded", "cursor": cut + 1, "records": list(records), "generation": 1, "store_id": "t",
                  "parent_cursor": cut}
        for each in self.told:
            each.follower += [(30.0, copy.deepcopy(told)) for told in (loaded, line(cut + 2, record(KEY, "c", cut + 2)))]
        self.operations.append(self.commit(11.0, 11.1, "c", cut + 2))

    def test_a_restored_history(self):
        self.restore(6, record(KEY, "b", 5))
        self.check(restored_at=10.0)

    def test_a_restored_history_without_the_last_commits(self):
        self.restore(2, record(KEY, "a", 2))
        self.check(restored_at=10.0)
        self.operations.append(Operation("r", "read", {"key": KEY}, 12.0, "n2", 12.1, "ok",
                                         {"is": "read", "cursor": 4, "value": "b"}))
        self.found("total_order", 10.0)

    def test_a_restored_history_without_a_commit_that_its_copy_had(self):
        self.restore(6, record(KEY, "a", 2))
        self.found("history_is_kept", 10.0)

    def test_a_history_that_begins_anew_without_a_restore(self):
        self.restore(6, record(KEY, "b", 5))
        self.found("total_order")


if __name__ == "__main__":
    unittest.main()
