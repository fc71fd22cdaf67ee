"""What the interface of the store promises of sessions and ownership (cluster/cluster_store.hpp), row by row, over each
set-up. Nothing goes wrong here but what a row is about."""
import time
import unittest

import setups
from member import support
from rows import LONG_S, TTL_MS, Rows, new_id, put


class Ownership(Rows):
    # session

    def test_session_is_granted_and_shows_who_lives(self):
        session = self.session()
        live = self.read_live(self.one)
        self.assertEqual(live["session"], session)
        renewed = self.one.ask("renew", session=session)
        self.assertEqual((renewed["is"], renewed["ttl_ms"]), ("granted", TTL_MS))

    def read_live(self, member):
        return self.other.ask("read", LONG_S, key=f"live/{member.id}")["record"]

    def wait_end(self, session, member=None):
        member = member or self.one
        return support.wait_until(lambda: (self.read_live(member) or {"session": None})["session"] != session,
                                  "the end of a session")

    def test_session_lives_as_long_as_it_is_renewed(self):
        session = self.session(ttl_ms=2 * TTL_MS)
        renewed = time.monotonic()
        end = renewed + 5 * TTL_MS / 1000
        while time.monotonic() < end:
            answer = self.one.ask("renew", session=session)
            if time.monotonic() - renewed > TTL_MS / 1000:  # not the store's fault
                self.skipTest("the machine is too slow to renew a session in time")
            renewed = time.monotonic()
            self.assertEqual(answer["is"], "granted")
        self.assertEqual(self.read_live(self.one)["session"], session)

    def test_session_that_is_not_renewed_ends_after_its_time_and_no_earlier(self):
        began = time.monotonic()
        session = self.session()
        self.claimed(session)
        self.wait_end(session)
        self.assertGreaterEqual(time.monotonic() - began, TTL_MS / 1000)
        gone = self.one.ask("renew", session=session)
        self.assertEqual(gone["is"], "no_session")
        self.assertEqual(self.claim(session)["is"], "no_session")

    def test_session_takes_what_is_bound_to_it_along(self):
        session = self.session()
        self.committed([put(self.key + "/bound", bound=session), put(self.key + "/free")])
        self.assertEqual(self.read(self.key + "/bound")[0], "1")
        self.wait_end(session)
        self.assertIsNone(self.read(self.key + "/bound"))
        self.assertEqual(self.read(self.key + "/free")[0], "1")
        self.assertEqual(self.commit([put(self.key + "/bound", bound=session)])["is"], "refused")

    def test_session_of_a_later_start_ends_the_older_one_at_once(self):
        support.wait_until(lambda: self.read_live(self.one) is None, "the end of other tests' sessions")
        # Nobody answers there.
        older = self.session(ttl_ms=60_000, incarnation=new_id(), address="127.0.0.1:1")
        self.claimed(older)
        newer = self.session()
        self.assertEqual(self.one.ask("claim", resource=self.key, session=older, commit_id=new_id())["is"], "no_session")
        self.assertEqual(self.claim(newer)["is"], "owned")
        self.assertEqual(self.read_live(self.one)["session"], newer)

    def test_session_asked_for_again_is_the_same_one(self):
        session = self.session()
        again = self.one.ask("open_session", session=session, ttl_ms=TTL_MS)
        self.assertEqual(again["is"], "granted")
        epoch = self.claimed(session)
        self.assertEqual(self.claimed(session), epoch)

    def test_session_out_of_bounds_is_refused(self):
        for ttl_ms in (0, 999, 300_001):
            answer = self.one.ask("open_session", session=new_id(), ttl_ms=ttl_ms)
            self.assert_refused(answer, "bad_usage")

    def test_session_has_its_full_time_again_after_a_start_of_the_authority(self):
        decides = self.store.authority()
        session = self.session(ttl_ms=2000)
        epoch = self.claimed(session)
        decides.kill()
        decides.start()
        self.store.wait_commits()
        self.assertEqual(self.one.ask_surely("renew", ("granted", "no_session"), session=session)["is"], "granted")
        self.assertEqual(self.claimed(session), epoch)

    # claim

    def test_claim_gives_one_owner(self):
        session = self.session()
        epoch = self.claimed(session)
        self.assertEqual(self.claimed(session), epoch, "held by oneself is owned")
        record = self.other.ask("read", LONG_S, key=f"owner/{self.key}")["record"]
        self.assertEqual((record["session"], record["node"]), (session, self.one.id))

    def test_claim_without_a_session(self):
        self.assertEqual(self.claim(new_id())["is"], "no_session")

    def test_claim_writes_with_it_or_not_at_all(self):
        session = self.session()
        refused = self.claim(session, guards=[{"key": self.key, "revision": 7}], writes=[put(self.key)])
        self.assertEqual(refused["is"], "conflict")
        self.assertIsNone(self.read(f"owner/{self.key}"))
        self.claimed(session, guards=[{"key": self.key, "revision": 0}], writes=[put(self.key)])
        self.assertEqual(self.read(self.key)[0], "1")

    def test_epochs_rise_over_releases_ends_of_sessions_and_restarts(self):
        epochs = []
        for _ in range(2):
            session = self.session()
            epochs.append(self.claimed(session))
            self.one.ask("release", resource=self.key, epoch=epochs[-1], commit_id=new_id())
            epochs.append(self.claimed(session))
            self.wait_end(session)
            for member in self.store.members:
                member.kill()
            support.parallel(len(self.store.members), lambda index: self.store.members[index].start())
            self.store.wait_commits()
        epochs.append(self.claimed(self.session()))
        self.assertEqual(epochs, sorted(set(epochs)))

    # transfer and release

    def test_release_under_another_epoch_changes_nothing(self):
        session = self.session()
        epoch = self.claimed(session)
        answer = self.one.ask("release", resource=self.key, epoch=epoch + 1, commit_id=new_id())
        self.assertEqual((answer["is"], answer["owner"], answer["epoch"]), ("held", self.one.id, epoch))
        done = self.one.ask("release", resource=self.key, epoch=epoch, commit_id=new_id())
        self.assertEqual(done["is"], "committed")
        free = self.one.ask("release", resource=self.key, epoch=epoch, commit_id=new_id())
        self.assertEqual((free["is"], free["epoch"]), ("held", 0))

    def test_transfer_to_a_session_that_is_gone_changes_nothing(self):
        session = self.session()
        epoch = self.claimed(session)
        answer = self.one.ask("transfer", resource=self.key, epoch=epoch, to=new_id(), commit_id=new_id())
        self.assertEqual(answer["is"], "no_session")
        self.assertEqual(self.claimed(session), epoch)

    def test_release_again_under_its_id(self):
        session = self.session()
        epoch = self.claimed(session)
        commit_id = new_id()
        first = self.one.ask("release", resource=self.key, epoch=epoch, commit_id=commit_id)
        later = self.claimed(session)
        again = self.other.ask("release", resource=self.key, epoch=epoch, commit_id=commit_id)
        self.assertEqual((again["is"], again["cursor"]), ("committed", first["cursor"]))
        self.assertEqual(self.claimed(session), later)


class OwnershipOfMany(Ownership):
    """What needs several members."""

    def test_claim_of_what_another_holds_names_the_owner(self):
        mine, theirs = self.session(self.one), self.session(self.other)
        epoch = self.claimed(mine)
        answer = self.claim(theirs, member=self.other)
        self.assertEqual((answer["is"], answer["owner"], answer["epoch"]), ("held", self.one.id, epoch))

    def test_claim_of_what_an_ended_session_held(self):
        mine, theirs = self.session(self.one), self.session(self.other, ttl_ms=20_000)
        epoch = self.claimed(mine)
        self.wait_end(mine)
        self.assertGreater(self.claimed(theirs, member=self.other), epoch)

    def test_transfer_gives_it_to_another_node(self):
        mine, theirs = self.session(self.one), self.session(self.other)
        epoch = self.claimed(mine)
        commit_id = new_id()
        handed = self.one.ask("transfer", resource=self.key, epoch=epoch, to=theirs, commit_id=commit_id,
                              writes=[put(self.key, "moved")])
        self.assertEqual(handed["is"], "owned")
        self.assertGreater(handed["epoch"], epoch)
        self.assertEqual(self.read(self.key)[0], "moved")
        again = self.other.ask("transfer", resource=self.key, epoch=epoch, to=theirs, commit_id=commit_id,
                               writes=[put(self.key, "moved")])
        self.assertEqual((again["is"], again["epoch"]), ("owned", handed["epoch"]))
        stale = self.one.ask("transfer", resource=self.key, epoch=epoch, to=mine, commit_id=new_id())
        self.assertEqual((stale["is"], stale["owner"], stale["epoch"]), ("held", self.other.id, handed["epoch"]))

    def test_session_of_a_node_whose_older_start_answers_is_refused(self):
        # An address of the older start at which that start is.
        older = self.session(ttl_ms=60_000)
        answer = self.one.ask("open_session", LONG_S, session=new_id(), ttl_ms=TTL_MS, incarnation=new_id())
        self.assertEqual(answer["is"], "incarnation_alive", answer)
        self.assertEqual(self.one.ask("renew", session=older)["is"], "granted")

    def test_sessions_outlive_a_pause_of_the_authority(self):
        decides = self.store.authority()
        copy = self.store.others()[0]
        session = self.session(copy, ttl_ms=1500)
        epoch = self.claimed(session, member=copy)
        decides.pause()
        time.sleep(2.5)  # beyond the session: what the authority slept does not count
        decides.resume()
        answer = copy.ask_surely("renew", ("granted", "no_session"), session=session)
        self.assertEqual(answer["is"], "granted")
        self.assertEqual(self.claimed(session, member=copy), epoch)

    def test_a_node_is_removed_once_it_has_no_session(self):
        gone = self.store.others()[-1]
        session = self.session(gone)
        live = self.store.authority().ask("remove_node", node=gone.id, commit_id=new_id())
        self.assert_refused(live, "refused")
        self.wait_end(session, gone)
        gone.kill()
        self.assertEqual(self.store.authority().ask("remove_node", node=gone.id, commit_id=new_id())["is"], "committed")
        self.assertIsNone(self.read(f"node/{gone.id}", self.store.authority()))
        gone.start()  # and registers itself anew
        self.store.wait_commits()


class Lone(Ownership, unittest.TestCase):
    setup_class = setups.Lone


class Copies(OwnershipOfMany, unittest.TestCase):
    setup_class = setups.Copies


if __name__ == "__main__":
    unittest.main()
