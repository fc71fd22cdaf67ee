"""What the interface of the store promises of records and commits (cluster/catalog_store.hpp and, of the whole store,
cluster/cluster_store.hpp), row by row, over each set-up. Nothing goes wrong here but what a row is about."""
import time
import unittest

import setups
from member import support
from rows import NIL, Rows, erase, new_id, put


class Records(Rows):
    # open

    def test_open_says_the_same_at_all_members_and_after_a_restart(self):
        before = self.one.ask("open")
        self.assertEqual(before["is"], "open")
        self.assertNotEqual(before["store_id"], NIL)
        self.assertEqual((before["parent_store"], before["parent_cursor"]), (NIL, 0))
        self.one.kill()
        self.one.start()
        for member in self.store.members:
            self.assertEqual({**member.ask_surely("open", ("open",)), "id": 0}, {**before, "id": 0})
        self.store.wait_commits()

    # load

    def test_load_is_one_moment_of_the_history(self):
        first = self.committed([put(self.key + "/a"), put(self.key + "/b")])
        self.read(self.key + "/a")
        loaded = self.other.ask("load")
        self.assertGreaterEqual(loaded["cursor"], first)
        there = {record["key"]: record["revision"] for record in loaded["records"]}
        self.assertEqual((there[self.key + "/a"], there[self.key + "/b"]), (first, first))
        self.assertEqual(sorted(there), [record["key"] for record in loaded["records"]], "by key")
        self.assertLessEqual(max(there.values()), loaded["cursor"])

    # follow

    def test_follow_tells_every_commit_once_in_order_and_whole(self):
        begin = self.other.ask("load")["cursor"]
        wanted = [self.committed([put(f"{self.key}/{number}"), put(f"{self.key}/all", str(number))])
                  for number in range(20)]
        told, at = [], begin
        while at < wanted[-1]:
            for commit in self.follow(at)["commits"]:
                self.assertGreater(commit["cursor"], at)
                at = commit["cursor"]
                told.append(commit)
        ours = [commit for commit in told if any(each["key"].startswith(self.key) for each in commit["puts"])]
        self.assertEqual([commit["cursor"] for commit in ours], wanted)
        for number, commit in enumerate(ours):
            self.assertEqual({each["key"]: (bytes.fromhex(each["value"]), each["revision"]) for each in commit["puts"]},
                             {f"{self.key}/{number}": (b"1", wanted[number]),
                              f"{self.key}/all": (str(number).encode(), wanted[number])})

    def test_follow_tells_what_was_erased(self):
        begin = self.committed([put(self.key)])
        end = self.committed([erase(self.key)])
        self.read(self.key)
        commits = {commit["cursor"]: commit for commit in self.follow(begin)["commits"]}
        self.assertEqual(commits[end], {"cursor": end, "puts": [], "erased": [self.key]})

    def test_follow_without_news_answers_an_empty_batch_at_the_deadline(self):
        def quiet():
            """Unless the store itself had something to write, as the end of another test's session."""
            tip = self.store.wait_level()
            began = time.monotonic()
            answer = self.follow(tip, 0.3)
            self.assertEqual(answer["is"], "batch")
            if not answer["commits"]:
                self.assertGreaterEqual(time.monotonic() - began, 0.25)
            return not answer["commits"]
        support.wait_until(quiet, "a follower that is told nothing")

    def test_follow_from_before_the_log_is_a_gap(self):
        begin = self.committed([put(self.key)])
        for _ in range(510):
            last = self.committed([put(self.key)])
        self.read(self.key)
        for member in self.store.members:
            self.assertEqual(self.follow(begin, member=member)["is"], "gap", member.name)
            self.assertEqual(self.follow(last - 1, member=member)["is"], "batch", member.name)

    def test_what_a_follower_was_told_is_durable(self):
        """Killed the moment it is told, the store still has it."""
        decides = self.store.authority()
        for number in range(3):
            begin = decides.ask("load")["cursor"]
            written = self.committed([put(self.key, str(number))], member=decides)
            self.assertIn(written, [commit["cursor"] for commit in self.follow(begin, member=decides)["commits"]])
            decides.kill()
            decides.start()
            self.store.wait_commits()
            self.assertEqual(self.read(self.key), (str(number), written))

    # commit

    def test_commit_answers_a_cursor_that_rises(self):
        cursors = [self.committed([put(self.key, str(number))], member=member)
                   for number in range(5) for member in self.store.members]
        self.assertEqual(cursors, sorted(set(cursors)))
        self.assertEqual(self.read(self.key), ("4", cursors[-1]))

    def test_commit_under_a_revision(self):
        revision = self.committed([put(self.key)])
        second = self.committed([put(self.key, "2")], [{"key": self.key, "revision": revision}], member=self.other)
        conflict = self.commit([put(self.key, "3")], [{"key": self.key, "revision": revision}])
        self.assertEqual(conflict["is"], "conflict")
        self.assertEqual([(each["key"], bytes.fromhex(each["value"]), each["revision"]) for each in conflict["records"]],
                         [(self.key, b"2", second)])
        self.assertEqual(self.read(self.key), ("2", second))

    def test_commit_under_absence(self):
        absent = [{"key": self.key, "revision": 0}]
        first = self.committed([put(self.key)], absent)
        self.assertEqual(self.commit([put(self.key, "2")], absent, self.other)["is"], "conflict")
        self.committed([erase(self.key)], [{"key": self.key, "revision": first}])
        gone = self.commit([put(self.key, "3")], [{"key": self.key, "revision": first}])
        self.assertEqual((gone["is"], gone["records"]), ("conflict", []))
        self.committed([put(self.key, "4")], absent)
        self.assertEqual(self.read(self.key)[0], "4")

    def test_commit_under_an_owners_epoch(self):
        session = self.session()
        epoch = self.claimed(session)
        guard = [{"key": self.key, "epoch": epoch}]
        self.committed([put(self.key + "/data")], guard, self.other)
        self.assertEqual(self.commit([put(self.key + "/data", "2")], [{"key": self.key, "epoch": epoch + 1}])["is"],
                         "conflict")
        self.one.ask("release", resource=self.key, epoch=epoch, commit_id=new_id())
        self.assertEqual(self.commit([put(self.key + "/data", "3")], guard)["is"], "conflict")
        self.assertGreater(self.claimed(session), epoch)
        self.assertEqual(self.commit([put(self.key + "/data", "4")], guard)["is"], "conflict")
        self.assertEqual(self.read(self.key + "/data")[0], "1")

    def test_commit_applies_all_or_nothing(self):
        revision = self.committed([put(self.key + "/a")])
        writes = [put(self.key + "/a", "2"), put(self.key + "/b", "2"), put(self.key + "/c", "2")]
        self.assertEqual(self.commit(writes, [{"key": self.key + "/a", "revision": revision},
                                              {"key": self.key + "/b", "revision": 7}])["is"], "conflict")
        self.assertEqual([self.read(self.key + end) for end in ("/a", "/b", "/c")], [("1", revision), None, None])
        second = self.committed(writes, [{"key": self.key + "/a", "revision": revision}])
        self.assertEqual([self.read(self.key + end) for end in ("/a", "/b", "/c")], [("2", second)] * 3)

    def test_commit_again_under_its_id_is_applied_once(self):
        commit_id = new_id()
        first = self.committed([put(self.key)], commit_id=commit_id)
        later = self.committed([put(self.key, "2")])
        for member in self.store.members:
            self.assertEqual(self.committed([put(self.key)], member=member, commit_id=commit_id), first)
        self.assertEqual(self.read(self.key), ("2", later))

    def test_commit_again_after_a_restart_of_all(self):
        commit_id = new_id()
        first = self.committed([put(self.key)], commit_id=commit_id)
        for member in self.store.members:
            member.kill()
        support.parallel(len(self.store.members), lambda index: self.store.members[index].start())
        self.store.wait_commits()
        self.assertEqual(self.committed([put(self.key)], commit_id=commit_id), first)

    def test_commit_of_too_much_is_refused(self):
        many = [put(f"{self.key}/{number}") for number in range(101)]
        self.assert_refused(self.commit(many), "too_big")
        self.committed(many[:100])
        self.assert_refused(self.commit(many[:99], [{"key": self.key, "revision": 0}] * 2), "too_big")
        self.committed([put(self.key, "x" * 65536)])
        self.assert_refused(self.commit([put(self.key, "x" * 65537)]), "too_big")
        self.assert_refused(self.commit([put(f"{self.key}/{number}", "x" * 65000) for number in range(16)]), "too_big")
        self.assertEqual(len(self.read(self.key)[0]), 65536)

    def test_commit_of_the_stores_own_records_is_refused(self):
        for key in ("owner/x", "live/x", "node/x", "meta/x"):
            self.assertEqual(self.commit([put(key)])["is"], "refused", key)

    def test_commit_whose_time_is_over_does_nothing(self):
        self.assert_refused(self.one.ask("commit", -0.1, writes=[put(self.key)], commit_id=new_id()), "unavailable")
        self.assertIsNone(self.read(self.key))

    # outcome

    def test_outcome_of_a_commit(self):
        commit_id = new_id()
        cursor = self.committed([put(self.key)], commit_id=commit_id)
        for member in self.store.members:
            answer = member.ask("outcome", commit_id=commit_id)
            self.assertEqual((answer["is"], answer["cursor"]), ("committed", cursor))

    def test_outcome_of_an_unknown_id_makes_it_void_for_good(self):
        commit_id = new_id()
        for member in self.store.members:
            self.assertEqual(member.ask("outcome", commit_id=commit_id)["is"], "void")
        for member in self.store.members:
            self.assertEqual(self.commit([put(self.key)], member=member, commit_id=commit_id)["is"], "void")
        self.assertIsNone(self.read(self.key))
        for member in self.store.members:
            member.kill()
        support.parallel(len(self.store.members), lambda index: self.store.members[index].start())
        self.store.wait_commits()
        self.assertEqual(self.commit([put(self.key)], commit_id=commit_id)["is"], "void")

    def test_outcome_of_a_conflict_is_void(self):
        commit_id = new_id()
        self.assertEqual(self.commit([put(self.key)], [{"key": self.key, "revision": 7}], commit_id=commit_id)["is"],
                         "conflict")
        self.assertEqual(self.other.ask("outcome", commit_id=commit_id)["is"], "void")

    # barrier

    def test_barrier_is_at_or_above_everything_committed_before(self):
        for writer in self.store.members:
            for reader in self.store.members:
                cursor = self.committed([put(self.key, writer.name)], member=writer)
                self.assertGreaterEqual(reader.ask("barrier")["cursor"], cursor)
                self.assertEqual(self.read(self.key, reader), (writer.name, cursor))

    # spread

    def test_spread_names_nobody_when_every_copy_is_there(self):
        cursor = self.committed([put(self.key)])
        answer = self.one.ask("spread", cursor=cursor)
        self.assertEqual((answer["is"], answer["laggards"]), ("spread", []), answer)
        for member in self.store.members:
            self.assertGreaterEqual(member.ask("status")["cursor"], cursor)

    # health

    def test_health_is_answered_at_once(self):
        self.committed([put(self.key)])
        decides = self.store.authority()
        for member in self.store.members:
            health = member.ask("health")
            self.assertEqual((health["in_reach"], health["halted"], health["out_of_reach_ms"]), (True, "", 0))
            self.assertEqual(health["role"], "authority" if member is decides else "copy")
            self.assertGreater(health["size_bytes"], 0)


class Lone(Records, unittest.TestCase):
    setup_class = setups.Lone


class Copies(Records, unittest.TestCase):
    setup_class = setups.Copies

    def test_commit_without_the_authority_is_refused_and_copies_are_read(self):
        self.read(self.key)
        decides = self.store.authority()
        decides.kill()
        for member in self.store.members:
            if member is decides:
                continue
            answer = member.ask_surely("commit", ("refused",), writes=[put(self.key)], commit_id=new_id())
            self.assertIn(answer["code"], ("unavailable", "unknown_outcome"))
            support.wait_until(lambda one=member: not one.ask("health")["in_reach"], "word that the authority is away")
            self.assert_refused(self.commit([put(self.key)], member=member), "unavailable")
            self.assertEqual(member.ask("load")["is"], "loaded")
        decides.start()
        self.store.wait_commits()

    def test_commit_whose_answer_is_cut_off_is_unknown_and_can_be_settled(self):
        decides, copy = self.store.authority(), self.store.others()[0]
        commit_id = new_id()
        self.store.cut_one_way(decides, copy)
        answer = copy.ask("commit", 0.5, writes=[put(self.key)], commit_id=commit_id)
        self.assert_refused(answer, "unknown_outcome")
        self.store.heal()
        settled = copy.ask_surely("outcome", ("committed", "void"), commit_id=commit_id)
        value = self.read(self.key, copy)
        self.assertEqual(value is not None, settled["is"] == "committed")

    def test_spread_names_who_is_late(self):
        decides, late = self.store.authority(), self.store.others()[0]
        late.pause()
        cursor = self.committed([put(self.key)], member=decides)
        answer = decides.ask("spread", cursor=cursor)
        late.resume()
        self.assertEqual((answer["is"], answer["laggards"]), ("spread", [late.name]))

    def test_a_move_is_seen_by_all_and_nothing_is_lost(self):
        before = self.committed([put(self.key)])
        target = self.store.others()[0]
        identity = {**self.one.ask("open"), "id": 0}
        self.store.move(self.one, target)
        self.store.wait_commits()
        for member in self.store.members:
            self.assertEqual({**member.ask("open"), "id": 0}, identity)
            self.assertEqual(self.read(self.key, member), ("1", before))


if __name__ == "__main__":
    unittest.main()
