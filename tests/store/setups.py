"""The set-ups over which the suites run: what members there are, who decides, and how something goes wrong there. The
suites know no more of an engine than this; a further engine is a further class.
"""
import contextlib
import os
import subprocess
import unittest
import uuid

from history import now
from member import Gone, Member, small_disk, support
from relay import Relay  # of tests/process, as `support`

TTL_MS = 2000
DISK_BYTES = 12 << 20
why_no_mounts = ""  # of `small_disk.enter_own_mounts`


class Setup:
    """A running store, as a context manager. `members` are handles of processes that speak the store's interface."""

    def __init__(self, ttl_ms=TTL_MS, flags=()):
        self.ttl_ms = ttl_ms
        self.flags = list(flags)
        self._stack = contextlib.ExitStack()
        self.folder = self._stack.enter_context(support.TempDir())
        self.members = []
        #: when a member's copy was made the history that all follow
        self.restored_at = None
        self._disks = {}

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for member in self.members:
                print(f"--- {member.name} says: {[event for told in member.told for event in told.events][-20:]}\n"
                      f"{member.log()}", flush=True)
        self.close()

    def close(self):
        with self._stack:
            for member in self.members:
                self._stack.callback(member.close)

    def begin(self):
        """Starts all members and waits until each of them commits."""
        raise NotImplementedError

    def authority(self):
        """The member whose process decides now."""
        raise NotImplementedError

    def others(self):
        """All members but the one that decides."""
        decides = self.authority()
        return [member for member in self.members if member is not decides]

    def _add(self, name, **more):
        member = Member(name, os.path.join(self.folder, name), self.ttl_ms, flags=self.flags, **more)
        os.makedirs(member.data_dir)
        self.members.append(member)
        return member

    def disk_of_its_own(self, member):
        """Before the member is started: a disk that can be filled. Where none can be mounted the store of a member that
        founds it is on one in memory."""
        if not why_no_mounts:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", member.data_dir], check=True)
            self._disks[member.name] = member.data_dir
            self._stack.callback(subprocess.run, ["umount", "--lazy", member.data_dir], check=True)
        elif member is self.members[0]:
            member.flags += ["--disk", "memory"]
        else:
            raise unittest.SkipTest(why_no_mounts)

    @contextlib.contextmanager
    def full_disk(self, member):
        """Takes the last byte of the member's disk for as long as the block lasts."""
        if member.name in self._disks:
            with small_disk.full(self._disks[member.name]):
                yield
            return
        member.ask("fill_disk")
        try:
            yield
        finally:
            member.ask("free_disk")

    def wait_commits(self, members=None, timeout_s=support.PATIENCE_S):
        """Until each of them acknowledges a commit."""
        for member in members or self.members:
            member.ask_surely("commit", ("committed",), timeout_s, guards=[],
                              writes=[{"key": "test/heartbeat", "value": member.name}], commit_id=str(uuid.uuid4()))

    def wait_sessions(self, members=None):
        """Until each of them has a session that the store knows."""
        def has_session(member):
            with contextlib.suppress(Gone):
                return member.session()
            return None
        for member in members or self.members:
            support.wait_until(lambda one=member: has_session(one), f"a session of {member.name}")

    def wait_level(self):
        """Until all copies are equal at a cursor at which everything is that was committed before, and their followers
        have told of it. @returns that cursor."""
        tip = self.authority().ask_surely("barrier", ("reached",))["cursor"]

        def level():
            seen = [member.ask("status") for member in self.members]
            same = {(each["store_id"], each["generation"], each["cursor"], each["hash"]) for each in seen}
            at = seen[0]["cursor"]
            return at if len(same) == 1 and at >= tip and all(each["seen"] == at for each in seen) else None
        return support.wait_until(level, "equal copies")


class Lone(Setup):
    """A node alone."""

    def begin(self):
        self._add("n1")
        self.prepare()
        self.members[0].start()
        self.wait_commits()

    def prepare(self):
        """For what has to be done to directories before the start."""

    def authority(self):
        return self.members[0]


class Copies(Setup):
    """A primary with two copies. What one sends to another goes through a relay."""

    def begin(self):
        self.relay = self._stack.enter_context(Relay())
        for number in range(3):
            host = f"127.0.0.{number + 2}"
            member = self._add(f"n{number + 1}", host=host)
            reached_at, port = self.relay.listen(("127.0.0.1", 0), (host, None))
            member.advertised = f"{reached_at}:{port}"
            member.on_start = lambda at, one=member: self.relay.aim(one.host, at)
        first, *later = self.members
        for member in later:
            member.seeds = [first.advertised]
        self.prepare()
        first.start()
        support.parallel(len(later), lambda index: later[index].start())
        first.seeds = [later[0].advertised, later[1].advertised]
        self.wait_commits()

    def prepare(self):
        """For what has to be done to directories before the start."""

    def authority(self):
        ids = {member.id: member for member in self.members}
        return support.wait_until(lambda: ids.get(self._primary()), "a primary that somebody knows")

    def _primary(self):
        """As the member says that has come furthest: others may not have heard of a move."""
        best = None
        for member in self.members:
            if not member.runs():
                continue
            with contextlib.suppress(Gone):
                told = member.ask("status", 0.5, patience_s=0.5)
                if best is None or (told["generation"], told["cursor"]) > (best["generation"], best["cursor"]):
                    best = told
        return best and best["primary"]

    def try_move(self, asked, target):
        """Asks a member once to move the store. @returns its answer; `lost` when it ended before."""
        try:
            return asked.ask("move", 3.0, to=target.id, commit_id=str(uuid.uuid4()))
        except Gone:
            return {"is": "lost"}

    def move(self, asked, target):
        """Moves the store, with as many tries as it takes."""
        def moved():
            return self.try_move(asked, target)["is"] == "committed" or self.authority() is target
        support.wait_until(moved, f"a move of the store to {target.name}")
        # The answer comes with the last row of the old one, which the new one has to have on its disk first.
        support.wait_until(lambda: self.authority() is target, f"the store at {target.name}")

    def back_up(self, member):
        """@returns the file with what the member's copy has now."""
        path = os.path.join(self.folder, f"{uuid.uuid4()}.ndjson")
        member.ask_surely("backup", ("backed_up",), path=path)
        return path

    def restore(self, member, backup=None):
        """Makes a new history out of the copy of a member that does not run, or of a backup, and starts it."""
        if backup is None:
            member.restore_from_copy()
        else:
            member.restore_from_backup(backup)
        self.restored_at = now()
        member.start()
        self.wait_commits([each for each in self.members if each.runs()])

    def cut(self, one, other):
        """Nothing passes between the two any more, until `heal`."""
        self.relay.block((one.host, other.host), (other.host, one.host))

    def cut_one_way(self, sender, receiver):
        """What `sender` sends does not arrive at `receiver` any more, until `heal`."""
        self.relay.block((sender.host, receiver.host))

    def heal(self):
        self.relay.heal()
