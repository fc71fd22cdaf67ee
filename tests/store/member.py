"""A member of a store: a process of the program store_member (store_member.hpp says what it speaks)."""
import concurrent.futures
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "process"))
import small_disk  # noqa: E402,F401
import support  # noqa: E402
from history import Told, now  # noqa: E402

STORE_MEMBER = os.environ.get("TROUPE_STORE_MEMBER") or os.path.join(support.BINARY_DIR, "tests", "store", "store_member")


class Gone(Exception):
    """The member's process ended before it answered: what it was asked may or may not have happened."""


class Member:
    """Started, ended and started again with the same identity and directory.

    host   the address that it listens at and dials from; None: a node alone
    flags  further ones of store_member
    """

    def __init__(self, name, data_dir, ttl_ms, host=None, flags=(), seeds=()):
        self.name = name
        self.id = str(uuid.uuid4())
        self.data_dir = data_dir
        self.host = host
        self.ttl_ms = ttl_ms
        self.flags = list(flags)
        self.seeds = list(seeds)
        self.advertised = None
        self.on_start = lambda port: None
        self.told = []
        self.process = None
        self.log_path = data_dir.rstrip("/") + ".log"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting = {}
        self._reader = None

    def command(self):
        words = [STORE_MEMBER, "--name", self.name, "--id", self.id, "--data-dir", self.data_dir,
                 "--ttl-ms", str(self.ttl_ms), *self.flags]
        if self.host:
            words += ["--listen", f"{self.host}:0", "--advertise", self.advertised]
            words += [word for seed in self.seeds for word in ("--join", seed)]
        return words

    def start(self):
        self._end()
        os.makedirs(self.data_dir, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.told.append(Told(self.name, self.id, now()))
        self._started = concurrent.futures.Future()
        self._reader = threading.Thread(target=self._read, args=(self.process, self.told[-1], self._started),
                                        name=f"reads {self.name}")
        self._reader.start()
        try:
            port = self._started.result(support.PATIENCE_S)
        except concurrent.futures.TimeoutError:
            raise AssertionError(f"{self.name} did not start:\n{self.log()}") from None
        except Gone:
            raise AssertionError(f"{self.name} ended with {self.process.wait()} while starting:\n{self.log()}") from None
        self.on_start(port)
        return self

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        with contextlib.suppress(OSError):
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read()[-6000:]
        return ""

    def kill(self):
        """SIGKILL; returns when it is gone."""
        self.process.kill()
        self._end()

    def restore_from_copy(self):
        """Makes a new history out of its copy while it does not run; it is the primary from its next start on."""
        subprocess.run([STORE_MEMBER, "restore-from-copy", self.data_dir, self.id], check=True)

    def restore_from_backup(self, path):
        """The same out of a backup, in place of what it has."""
        subprocess.run([STORE_MEMBER, "restore-from-backup", self.data_dir, self.id, path], check=True)

    def lose_disk(self):
        """While it does not run: what comes back is another node of the same name."""
        shutil.rmtree(self.data_dir)
        self.id = str(uuid.uuid4())

    def pause(self):
        support.freeze(self.process.pid)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends it as one that is told to, and expects it to do so."""
        code = 0
        if self.runs():
            self.resume()
            self.process.stdin.close()
            try:
                code = self.process.wait(support.PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                code = self.process.wait()
        self._end()
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.log()}")

    def _end(self):
        if self.process is None:
            return
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self.process = None

    def ask(self, what, timeout_s=5.0, patience_s=support.PATIENCE_S, **with_these):
        """The answer of one call; raises Gone when the process ended first, or says nothing for `patience_s` after the
        call's own time is over."""
        future = concurrent.futures.Future()
        with self._lock:
            process = self.process
            if process is None:
                raise Gone(self.name)
            number = next(self._numbers)
            self._waiting[number] = future
            line = {"id": number, "do": what, "timeout_ms": int(timeout_s * 1000), **with_these}
            try:
                process.stdin.write(json.dumps(line).encode() + b"\n")
                process.stdin.flush()
            except (OSError, ValueError):
                self._waiting.pop(number, None)
                raise Gone(self.name) from None
        try:
            # Every call is answered by its deadline, or when a disk or a stopped process lets it.
            return future.result(timeout_s + patience_s)
        except concurrent.futures.TimeoutError:
            with self._lock:
                self._waiting.pop(number, None)
            raise Gone(f"{self.name} says nothing") from None

    def _read(self, process, told, started):
        for line in process.stdout:
            try:
                self._take(json.loads(line), told, started)
            except ValueError:  # the last one of a process that was killed
                continue
        told.ended = now()
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(Gone(self.name))
        if not started.done():
            started.set_exception(Gone(self.name))

    def _take(self, line, told, started):
        if "id" in line:
            with self._lock:
                future = self._waiting.pop(line["id"], None)
            if future:
                future.set_result(line)
        elif line.get("is") in ("loaded", "batch", "gap"):
            told.follower.append((now(), line))
        elif "act" in line:
            told.acts.append((line["at_ms"] / 1000, line["act"], line["epoch"]))
        elif "session" in line:
            told.sessions[line["session"]] = line["valid_until_ms"] / 1000
        elif "started" in line:
            started.set_result(line["port"])
        else:
            told.events.append((line.get("event"), line.get("text")))

    def tell_the_rest(self):
        """What its earlier processes were not told any more when they died, their followers are told now."""
        for before, after in zip(self.told, self.told[1:]):
            if before.generation() is None or not after.loads():
                continue
            first = after.loads()[0]
            end = first["cursor"] if first["generation"] == before.generation() else first["parent_cursor"]
            while before.cursor() < end:
                answer = self.ask("follow", **{"from": before.cursor()})
                commits = [commit for commit in answer.get("commits", ()) if commit["cursor"] <= end]
                if not commits:  # the log does not reach back that far
                    break
                before.follower.append((now(), {"is": "batch", "commits": commits}))

    # What nearly every test asks.

    def ask_surely(self, what, wanted, timeout_s=support.PATIENCE_S, **with_these):
        """Asks again and again until the answer is one of `wanted`; for calls that may be repeated."""
        answer = {}

        def good():
            nonlocal answer
            try:
                answer = self.ask(what, **with_these)
            except Gone:
                return None
            return answer if answer["is"] in wanted else None
        try:
            return support.wait_until(good, f"{wanted} of {what} at {self.name}", timeout_s)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; last: {answer}") from None

    def put(self, key, value, commit_id=None, guards=(), **more):
        return self.ask("commit", writes=[{"key": key, "value": value}], guards=list(guards),
                        commit_id=commit_id or str(uuid.uuid4()), **more)

    def session(self, patience_s=support.PATIENCE_S):
        """The id of its open session; None without."""
        session = self.ask("status", 1.0, patience_s)["session"]
        return None if session == str(uuid.UUID(int=0)) else session
