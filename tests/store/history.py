"""What clients of a store did and were answered, and what its members told: the material of checks.py.

All times are seconds of CLOCK_BOOTTIME, the clock by which members say until when they rely on their sessions.
"""
import dataclasses
import threading
import time

INFINITY = float("inf")


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclasses.dataclass
class Operation:
    """One commit, claim, release, transfer or read of a client.

    outcome  ok       it was answered: `answer` says what
             failed   it certainly changed nothing
             unknown  it may or may not have been applied, at any time after `begin`
    """
    client: str
    kind: str
    asked: dict
    begin: float
    member: str = ""
    end: float = INFINITY
    outcome: str = "unknown"
    answer: dict = dataclasses.field(default_factory=dict)

    @property
    def cursor(self):
        """Of a commit that was acknowledged, or of what a read saw."""
        return self.answer.get("cursor") if self.outcome == "ok" else None


class History:
    """Operations of many threads, in the order in which they began."""

    def __init__(self):
        self._lock = threading.Lock()
        self._operations = []

    def begin(self, client, kind, asked, member):
        operation = Operation(client, kind, asked, now(), member)
        with self._lock:
            self._operations.append(operation)
        return operation

    def all(self):
        with self._lock:
            return list(self._operations)

    def of(self, *kinds):
        return [each for each in self.all() if each.kind in kinds]

    def count(self, since=0.0, member=None, kinds=("commit",)):
        """How many began after `since`, at `member`, and were answered as they are when all is well."""
        return sum(1 for each in self.of(*kinds)
                   if each.begin >= since and member in (None, each.member) and each.outcome == "ok"
                   and each.answer["is"] != "no_session")


@dataclasses.dataclass
class Told:
    """What one process of a member told: its follower's lines in order, what it did as an owner, its sessions."""
    member: str
    node: str
    began: float
    follower: list = dataclasses.field(default_factory=list)  # (time, line)
    acts: list = dataclasses.field(default_factory=list)      # (at, resource, epoch)
    sessions: dict = dataclasses.field(default_factory=dict)  # session -> latest time until which it was relied on
    events: list = dataclasses.field(default_factory=list)    # (kind, text)
    ended: float = INFINITY

    def loads(self):
        return [line for _, line in self.follower if line["is"] == "loaded"]

    def generation(self):
        """Of the history that its follower saw last; None before it saw any."""
        return self.loads()[-1]["generation"] if self.loads() else None

    def cursor(self):
        """Where its follower is; None before it has loaded anything."""
        for _, line in reversed(self.follower):
            if line["is"] == "loaded":
                return line["cursor"]
            if line.get("commits"):
                return line["commits"][-1]["cursor"]
        return None
