"""What goes wrong under load, over each set-up: afterwards every promise of the store holds in what clients were answered
and followers were told (checks.py), and everything goes on.

  TROUPE_STORE_SEED    what clients try and where faults strike; 1 without
  TROUPE_STORE_ROUNDS  how often each fault strikes; 1 without
"""
import contextlib
import os
import random
import time
import unittest
import uuid

import setups
from checks import check_all
from clients import KEYS, RESOURCES, Load
from history import History, now
from member import small_disk, support

SEED = int(os.environ.get("TROUPE_STORE_SEED", "1"))
ROUNDS = int(os.environ.get("TROUPE_STORE_ROUNDS", "1"))
BEYOND_TTL_S = 3.0
CLOSED_AFTER_RESTORE_S = 7
SMALL_LOG = ["--log-commits", "100"]


class ScenariosUnderLoad:
    """What all scenarios share."""

    setup_class = None

    def setUp(self):
        self.random = random.Random(f"{self.id()}-{SEED}")

    @contextlib.contextmanager
    def under_load(self, prepare=None, flags=()):
        """A set-up with clients; at the end of the block nothing is wrong any more."""
        setup = self.setup_class(flags=flags)
        if prepare:
            setup.prepare = lambda: prepare(setup)
        with setup:
            setup.wait_sessions()
            with Load(setup, f"{self.id()}-{SEED}") as load:
                load.wait_for(30)
                load.wait_for(3, kinds=("claim",))
                yield setup, load
                self.wait_well(setup, load)
            self.judge(setup, load.history)

    def wait_well(self, setup, load):
        """Until everybody has done everything once more."""
        setup.wait_sessions()
        for member in setup.members:
            load.wait_for(5, member)
            load.wait_for(1, member, kinds=("claim", "transfer", "release"))

    def judge(self, setup, history):
        setup.wait_level()
        for member in setup.members:
            member.tell_the_rest()
        log = check_all(history, setup.members, KEYS, RESOURCES, setup.restored_at)
        acts = sum(len(told.acts) for member in setup.members for told in member.told)
        self.assertGreater(acts, 0, "nobody has acted for what it owns")
        print(f"{self.id()}: {len(history.all())} operations, {len(log.commits)} commits, {acts} acts of owners")

    def rounds(self):
        return range(ROUNDS)

    def wait_refused(self, load, code, since=0):
        """Until somebody who began after so many operations was refused for that reason."""
        support.wait_until(lambda: any(each.answer.get("code") == code for each in load.history.all()[since:]),
                           f"an operation refused as {code}")


class Scenarios(ScenariosUnderLoad):
    """Those that make sense over every set-up."""

    def test_kill_of_the_authority(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                load.wait_for(10)
                decides = setup.authority()
                decides.kill()
                for other in setup.members:
                    if other is not decides:
                        self.assertEqual(other.ask("load")["is"], "loaded", "copies are read from whatever happens")
                load.pause(self.random.uniform(0, 1))
                decides.start()
                setup.wait_commits()

    def test_kills_in_a_row(self):
        with self.under_load() as (setup, load):
            for _ in range(4 * ROUNDS):
                load.wait_for(5)
                member = self.random.choice(setup.members)
                member.kill()
                member.start()
                load.pause(self.random.uniform(0, 0.3))
            setup.wait_commits()

    def test_kill_of_all(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                load.wait_for(10)
                for member in self.random.sample(setup.members, len(setup.members)):
                    member.kill()
                support.parallel(len(setup.members), lambda index: setup.members[index].start())
                setup.wait_commits()

    def test_pause_of_the_authority(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                decides = setup.authority()
                decides.pause()
                load.pause(self.random.uniform(0.5, 1.5))
                decides.resume()
                setup.wait_commits()

    def test_pause_of_the_authority_beyond_all_sessions(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                decides = setup.authority()
                decides.pause()
                load.pause(BEYOND_TTL_S)
                decides.resume()
                setup.wait_commits()

    def test_full_disk_of_the_authority(self):
        with self.under_load(lambda setup: setup.disk_of_its_own(setup.members[0])) as (setup, load):
            for _ in self.rounds():
                before = len(load.history.all())
                with setup.full_disk(setup.members[0]):
                    self.wait_refused(load, "full", before)
                    load.wait_for(5, kinds=("read",))
                setup.wait_commits()

    def test_kill_on_a_full_disk(self):
        if setups.why_no_mounts:
            self.skipTest(setups.why_no_mounts)
        with self.under_load(lambda setup: setup.disk_of_its_own(setup.members[0])) as (setup, load):
            for _ in self.rounds():
                before = len(load.history.all())
                with setup.full_disk(setup.members[0]):
                    self.wait_refused(load, "full", before)
                    setup.members[0].kill()
                setup.members[0].start()
                setup.wait_commits()

    def test_compaction(self):
        """A follower that is further behind than the log is told so, and loads again."""
        with self.under_load(flags=SMALL_LOG) as (setup, load):
            for _ in self.rounds():
                behind = setup.authority().ask("barrier")["cursor"]
                late = setup.others()[0] if len(setup.members) > 1 else None
                if late:
                    late.kill()
                self.fill_log(setup.authority())
                if late:
                    late.start()
                    setup.wait_commits([late])
                for member in setup.members:
                    self.assertEqual(member.ask("follow", **{"from": behind})["is"], "gap", member.name)

    def fill_log(self, member):
        for number in range(120):
            member.ask_surely("commit", ("committed",), commit_id=str(uuid.uuid4()),
                              writes=[{"key": f"test/fill-{number % 7}", "value": str(number)}])


class ScenariosOfMany(Scenarios):
    """Those that need several members, and links between them."""

    def test_kill_of_a_copy(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                copy = self.random.choice(setup.others())
                copy.kill()
                load.wait_for(20)
                load.pause(self.random.uniform(0, BEYOND_TTL_S))
                copy.start()
                setup.wait_commits()

    def test_pause_of_a_copy_beyond_its_session(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                copy = self.random.choice(setup.others())
                copy.pause()
                load.pause(BEYOND_TTL_S)
                load.wait_for(5, setup.authority())
                copy.resume()
                setup.wait_commits()

    def cut_for(self, setup, load, cut, length_s):
        cut()
        load.pause(length_s)
        setup.heal()
        setup.wait_commits()

    def test_cut_of_the_authority(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                decides = setup.authority()
                self.cut_for(setup, load, lambda: [setup.cut(decides, other) for other in setup.others()],
                             self.random.uniform(1, BEYOND_TTL_S))

    def test_cut_of_a_copy(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                copy = self.random.choice(setup.others())
                for other in setup.members:
                    if other is not copy:
                        setup.cut(copy, other)
                load.pause(BEYOND_TTL_S)
                load.wait_for(5, setup.authority())
                setup.heal()
                setup.wait_commits()

    def test_one_way_cut_from_the_authority(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                decides, others = setup.authority(), setup.others()
                self.cut_for(setup, load, lambda: [setup.cut_one_way(decides, each) for each in others], BEYOND_TTL_S)

    def test_one_way_cut_to_the_authority(self):
        with self.under_load() as (setup, load):
            for _ in self.rounds():
                decides, others = setup.authority(), setup.others()
                self.cut_for(setup, load, lambda: [setup.cut_one_way(each, decides) for each in others], BEYOND_TTL_S)

    def test_full_disk_of_a_copy(self):
        with self.under_load(lambda setup: setup.disk_of_its_own(setup.members[1])) as (setup, load):
            for _ in self.rounds():
                with setup.full_disk(setup.members[1]):
                    load.wait_for(10, setup.authority())
                setup.wait_commits()


class Lone(Scenarios, unittest.TestCase):
    setup_class = setups.Lone


class Copies(ScenariosOfMany, unittest.TestCase):
    setup_class = setups.Copies

    def test_restore_from_a_copy(self):
        """The primary's disk is lost. What its acknowledged commits lose is what the copy had not got, and nothing else."""
        with self.under_load() as (setup, load):
            lost, restored = setup.authority(), self.random.choice(setup.others())
            if self.random.random() < 0.5:
                setup.cut(lost, restored)
                load.wait_for(5, lost)
            lost.kill()
            restored.kill()
            setup.heal()
            before = restored.told[-1].generation()
            setup.restore(restored)
            self.assertIs(setup.authority(), restored)
            gone = lost.id
            restored.ask_surely("remove_node", ("committed",), node=gone, commit_id=str(uuid.uuid4()))
            lost.lose_disk()
            lost.seeds = [restored.advertised]
            lost.start()
            setup.wait_commits()
            self.assertGreater(restored.ask("open")["generation"], before)
            load.wait_for(1, kinds=("claim",))
            self.assertGreaterEqual(now() - setup.restored_at, setup.ttl_ms / 1000 + CLOSED_AFTER_RESTORE_S,
                                    "claims stay closed after a restore")

    def test_restore_from_a_backup(self):
        """The primary goes back to a backup of some member. A backup has no ids of commits, so that whoever repeats one of
        before cannot be told what became of it: clients come to rest before it is made, and before it is restored."""
        history = History()
        with self.setup_class() as setup:
            def load(name):
                return Load(setup, f"{self.id()}-{SEED}-{name}", history=history, name=name)
            setup.wait_sessions()
            with load("first-") as before:
                before.wait_for(30)
                before.wait_for(3, kinds=("claim",))
            backup = setup.back_up(self.random.choice(setup.members))
            with load("lost-") as lost:
                lost.wait_for(20)
            decides = setup.authority()
            decides.kill()
            generation = decides.told[-1].generation()
            setup.restore(decides, backup)
            self.assertIs(setup.authority(), decides)
            self.assertGreater(decides.ask("open")["generation"], generation)
            with load("last-") as after:
                after.wait_for(1, kinds=("claim",))
                self.assertGreaterEqual(now() - setup.restored_at, setup.ttl_ms / 1000 + CLOSED_AFTER_RESTORE_S,
                                        "claims stay closed after a restore")
                self.wait_well(setup, after)
            self.judge(setup, history)

    def test_moves_of_the_store(self):
        with self.under_load() as (setup, load):
            for _ in range(4 * ROUNDS):
                target = self.random.choice(setup.others())
                setup.move(self.random.choice(setup.members), target)
                setup.wait_commits()

    def test_moves_of_the_store_with_cuts(self):
        """Whatever became of a move, afterwards one of the two decides, and everybody goes on."""
        with self.under_load() as (setup, load):
            for _ in range(4 * ROUNDS):
                load.wait_for(5)
                decides, target = setup.authority(), self.random.choice(setup.others())
                other = self.random.choice([each for each in setup.members if each is not target])
                asked = support.parallel(2, lambda index: (
                    setup.try_move(decides, target) if index == 0 else self.cut_soon(setup, target, other)))[0]
                load.pause(self.random.uniform(0, 1))
                setup.heal()
                setup.wait_commits()
                if asked["is"] == "committed":
                    self.assertIs(setup.authority(), target)

    def test_moves_of_the_store_with_kills(self):
        with self.under_load() as (setup, load):
            for _ in range(3 * ROUNDS):
                load.wait_for(5)
                decides, target = setup.authority(), self.random.choice(setup.others())
                dies = self.random.choice([decides, target])
                asked = support.parallel(2, lambda index: (
                    setup.try_move(decides, target) if index == 0 else self.kill_soon(dies)))[0]
                dies.start()
                setup.wait_commits()
                if asked["is"] == "committed":
                    self.assertIs(setup.authority(), target)

    def cut_soon(self, setup, one, other):
        time.sleep(self.random.uniform(0, 0.03))
        setup.cut(one, other)

    def kill_soon(self, member):
        time.sleep(self.random.uniform(0, 0.03))
        member.kill()


if __name__ == "__main__":
    setups.why_no_mounts = small_disk.enter_own_mounts()
    unittest.main()
