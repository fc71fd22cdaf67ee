"""Those who use a store while something happens to it: writers of a few shared keys and claimers of a few resources, each
a thread that does one thing after the other and writes down what became of it.
"""
import contextlib
import random
import threading
import uuid

from history import History, now
from member import Gone, support
from replay import broken

KEYS = [f"test/key-{number}" for number in range(4)]
RESOURCES = [f"slot-{number}" for number in range(3)]
CALL_TIMEOUT_S = 1.5
# How much longer a client waits for a process that may have been stopped.
SILENCE_S = 0.5
# Answers that say for certain that nothing was changed.
NOTHING_HAPPENED = ("unavailable", "full", "too_big", "refused", "bad_usage")


class Load:
    """Clients at all members of a set-up, from `start` until the end of the block. `seed` decides what each of them tries,
    though not when. Loads that follow each other and share a history have different names."""

    def __init__(self, setup, seed, writers=4, claimers=2, history=None, name=""):
        self.setup = setup
        self.history = history or History()
        self.name = name
        self._stop = threading.Event()
        self.given_up = False
        self.failures = []
        clients = [Writer(self, number, random.Random(f"{seed}-w{number}")) for number in range(writers)]
        clients += [Claimer(self, member, number, random.Random(f"{seed}-{member.name}-c{number}"))
                    for member in setup.members for number in range(claimers)]
        self._threads = [threading.Thread(target=self._run, args=(client,), name=client.name) for client in clients]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.given_up = kind is not None
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if kind is None and self.failures:
            raise self.failures[0]

    @property
    def stopping(self):
        return self._stop.is_set()

    def pause(self, seconds):
        self._stop.wait(seconds)

    def _run(self, client):
        try:
            while not self.stopping:
                client.step()
                self.pause(client.random.uniform(0, 0.02))
            client.settle_all()
        except Exception as problem:  # pylint: disable=broad-except
            self.failures.append(problem)
            raise

    def wait_for(self, count, member=None, kinds=("commit",), timeout_s=support.PATIENCE_S):
        """Until so many more operations that begin from now on ended well, at that member or anywhere."""
        since = now()

        def enough():
            if self.failures:
                raise self.failures[0]
            return self.history.count(since, member and member.name, kinds) >= count
        support.wait_until(enough, f"{count} of {kinds} at {member.name if member else 'any member'}", timeout_s)


class Client:
    def __init__(self, load, name, rng):
        self.load = load
        self.history = load.history
        self.name = name
        self.random = rng
        self.unsettled = []

    def members(self):
        return self.load.setup.members

    def ask(self, member, what, **with_these):
        """The answer; `lost` when the process ended before, or says nothing."""
        try:
            return member.ask(what, CALL_TIMEOUT_S, SILENCE_S, **with_these)
        except Gone:
            return {"is": "lost"}

    def judge(self, operation, answer):
        """Notes the answer of a call. @returns whether what became of it is known."""
        end = now()
        if answer["is"] == "lost" or answer.get("code") == "unknown_outcome":
            self.unsettled.append(operation)
            return False
        if answer["is"] == "refused":
            if answer["code"] not in NOTHING_HAPPENED:
                raise AssertionError(f"{operation} was answered {answer}")
            operation.outcome = "failed"
        elif answer["is"] == "void":
            raise AssertionError(f"{operation} was answered {answer}, and nobody had settled it")
        else:
            operation.outcome = "ok"
        operation.answer = answer
        operation.end = end
        return True

    def settle_all(self):
        """At the end nothing may stay in doubt."""
        for operation in list(self.unsettled):
            support.wait_until(lambda one=operation: self.load.given_up
                               or self.settle(one, self.random.choice(self.members())), f"what became of {operation}")

    def settle(self, operation, member):
        """Asks what became of a commit. @returns whether that is known now."""
        answer = self.ask(member, "outcome", commit_id=operation.asked["commit_id"])
        if answer["is"] not in ("committed", "void"):
            return False
        operation.end = now()
        operation.outcome = "ok" if answer["is"] == "committed" else "failed"
        operation.answer = {**answer, "is": "settled", "settled": answer["is"]}
        self.unsettled.remove(operation)
        return True


class Writer(Client):
    """Reads, writes without a condition, writes under the condition that a key is as it was read, writes two keys at
    once; repeats what was left in doubt, and sometimes what was not."""

    def __init__(self, load, number, rng):
        super().__init__(load, f"{load.name}w{number}", rng)
        self.known = {}  # key -> (value, revision) as last read
        self.written = 0

    def step(self):
        member = self.random.choice(self.members())
        if self.unsettled and self.random.random() < 0.5:
            self.settle(self.random.choice(self.unsettled), member)
            return
        choice = self.random.random()
        key = self.random.choice(KEYS)
        if choice < 0.35:
            self.read(member, key)
        elif choice < 0.55:
            self.commit(member, [key], guarded=[])
        elif choice < 0.85:
            self.commit(member, [key], guarded=[key])
        else:
            both = self.random.sample(KEYS, 2)
            self.commit(member, both, guarded=both[:1])

    def read(self, member, key):
        operation = self.history.begin(self.name, "read", {"key": key}, member.name)
        answer = self.ask(member, "read", key=key)
        operation.end = now()
        if answer["is"] != "read":  # nothing was seen
            operation.outcome = "failed"
            operation.answer = answer
            return
        record = answer["record"]
        value = bytes.fromhex(record["value"]).decode() if record else None
        self.known[key] = (value, record["revision"] if record else 0)
        operation.answer = {**answer, "value": value}
        operation.outcome = "ok"

    def commit(self, member, keys, guarded):
        self.written += 1
        guarded = [key for key in guarded if key in self.known]
        erase = len(keys) == 1 and self.random.random() < 0.1
        value = None if erase else f"{self.name}-{self.written}"
        asked = {
            "commit_id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "writes": {key: value for key in keys},
            "expected": {key: self.known[key][0] for key in guarded},
            "guards": [{"key": key, "revision": self.known[key][1]} for key in guarded],
        }
        operation = self.history.begin(self.name, "commit", asked, member.name)
        answer = self.send(member, asked)
        if self.judge(operation, answer):
            self.learn(operation, keys, value)
            if operation.answer["is"] == "committed" and self.random.random() < 0.1:
                self.repeat(operation)
        elif self.random.random() < 0.5:
            self.repeat(operation)

    def send(self, member, asked):
        writes = [{"key": key, "erase": True} if value is None else {"key": key, "value": value}
                  for key, value in asked["writes"].items()]
        return self.ask(member, "commit", writes=writes, guards=asked["guards"], commit_id=asked["commit_id"])

    def learn(self, operation, keys, value):
        if operation.answer["is"] == "committed":
            for key in keys:
                self.known[key] = (value, operation.answer["cursor"] if value is not None else 0)
        elif operation.answer["is"] == "conflict":
            standing = {record["key"]: record for record in operation.answer["records"]}
            values = {}
            for key in operation.asked["expected"]:
                record = standing.get(key)
                values[key] = bytes.fromhex(record["value"]).decode() if record else None
                self.known[key] = (values[key], record["revision"] if record else 0)
            operation.kind = "conflict"
            operation.answer["values"] = values

    def repeat(self, operation):
        """The same commit under the same id, at any member: it is applied once, and both answers agree."""
        answer = self.send(self.random.choice(self.members()), operation.asked)
        if operation.outcome == "ok":
            self.agree(operation, answer)
        elif answer["is"] in ("committed", "void"):
            # A conflict says nothing: the first one may still be on its way.
            self.unsettled.remove(operation)
            operation.end = now()
            operation.outcome = "ok" if answer["is"] == "committed" else "failed"
            operation.answer = answer

    def agree(self, operation, answer):
        """A commit that was acknowledged is answered as before, unless a restored history does not have it."""
        other = answer["is"] in ("void", "conflict") or answer.get("cursor", operation.cursor) != operation.cursor
        if not other:
            return
        restored_at = self.load.setup.restored_at
        if restored_at is None or operation.end >= restored_at:
            broken("applied_once", f"{operation} was repeated and answered {answer}")
        if answer["is"] == "committed":
            operation.answer, operation.end = answer, now()


class Claimer(Client):
    """Claims resources for its member's session, holds them for a while, gives them to other members or back."""

    def __init__(self, load, member, number, rng):
        super().__init__(load, f"{load.name}c{number}@{member.name}", rng)
        self.member = member
        self.held = {}  # resource -> epoch

    def step(self):
        self.load.pause(self.random.uniform(0.02, 0.15))
        if self.unsettled and self.random.random() < 0.5:
            self.settle(self.random.choice(self.unsettled), self.random.choice(self.members()))
            return
        if self.held and self.random.random() < 0.5:
            self.give_away(*self.random.choice(sorted(self.held.items())))
        else:
            self.claim(self.random.choice(RESOURCES))

    def begin(self, kind, **asked):
        asked["commit_id"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return self.history.begin(self.name, kind, asked, self.member.name)

    def claim(self, resource):
        with contextlib.suppress(Gone):
            operation = self.begin("claim", resource=resource, session=self.member.session(SILENCE_S))
            if operation.asked["session"] is None:
                operation.outcome = "failed"
                return
            answer = self.ask(self.member, "claim", resource=resource, session=operation.asked["session"],
                              commit_id=operation.asked["commit_id"])
            if self.judge(operation, answer) and answer["is"] == "owned":
                self.held[resource] = answer["epoch"]

    def give_away(self, resource, epoch):
        del self.held[resource]
        to = None
        with contextlib.suppress(Gone):
            to = self.random.choice(self.members()).session(SILENCE_S)
        if to and self.random.random() < 0.5:
            operation = self.begin("transfer", resource=resource, epoch=epoch, to=to)
            answer = self.ask(self.member, "transfer", resource=resource, epoch=epoch, to=to,
                              commit_id=operation.asked["commit_id"])
        else:
            operation = self.begin("release", resource=resource, epoch=epoch)
            answer = self.ask(self.member, "release", resource=resource, epoch=epoch,
                              commit_id=operation.asked["commit_id"])
        self.judge(operation, answer)
