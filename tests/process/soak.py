"""A node, or a cluster, under everything at once for a while: full load, crashes, updates, slow clients; and what it keeps.

Load is open: it comes whether or not the node keeps up, and is a little more than the function of it can take.
"""
import collections
import contextlib
import json
import os
import random
import signal
import threading
import time

import load
import slow_clients
import support
from open_loop import OpenLoop

RUN_MS, CONCURRENCY = 50, 10
CAPACITY = CONCURRENCY * 1000 / RUN_MS
SLOW_EACH = 60
LARGE = "const large = 'x'.repeat(6000000); exports.handler = async () => large;"
# What may be told to a client, by path, when nothing is wrong with the node. `killed` loses what runs in a killed worker.
EXPECTED = {
    "/busy": {(200, None), (503, "overloaded")},
    "/killed": {(200, None), (503, "overloaded"), (500, "function_crashed")},
    "/updated": {(200, None), (503, "overloaded")},
}


class Trouble:
    """Calls `act` again and again on a thread of its own within the block; what it raises is raised at the end. `times` is
    how often that was something: `act` returns False when it found nothing to do."""

    def __init__(self, act, pause_s):
        self._act, self._pause_s = act, pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.times = 0
        self._problem = None

    def _run(self):
        try:
            while not self._stop.wait(self._pause_s):
                if self._act() is not False:
                    self.times += 1
        except BaseException as problem:  # raised again where the test sees it
            self._problem = problem

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join()
        if self._problem is not None and kind is None:
            raise self._problem


class Stream:
    """One open loop of requests for a path, each with an id of its own, as long as the block lasts."""

    def __init__(self, node, path, per_s, query=""):
        self.name, self.path = f"{path.strip('/')}-{id(self)}", path
        self._client = OpenLoop(node, lambda number: (
            f"GET {path}?id={self.name}-{number}&act=&ms={query} HTTP/1.1\r\nHost: a\r\n\r\n").encode())
        self._per_s = per_s
        self._problem = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self._client.run(self._per_s, 24 * 3600)
        except BaseException as problem:  # raised again where the test sees it
            self._problem = problem

    def __enter__(self):
        self._client.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._client.stop()
        self._thread.join()
        self._client.__exit__()
        if self._problem is not None and kind is None:
            raise self._problem

    @property
    def asked(self):
        return self._client.asked

    def counts(self):
        """{(outcome, status, cause): how often}."""
        found = {}
        for each in self.asked:
            key = (each.outcome, each.status, each.cause)
            found[key] = found.get(key, 0) + 1
        return found


class Samples:
    """What the nodes keep, looked at now and then: (time, {node: figures})."""

    FIGURES = ("resident_kb", "descriptors", "processes", "actors", "threads")

    def __init__(self, nodes):
        self._nodes = nodes
        self.taken = []

    def take(self):
        self.taken.append((time.monotonic(), {node.pid: self._figures(node) for node in self._nodes}))

    @staticmethod
    def _figures(node):
        view = json.loads(node.admin("GET", "/v1/node")[2])
        return {"resident_kb": load.resident_bytes(node.pid) >> 10,
                "descriptors": len(os.listdir(f"/proc/{node.pid}/fd")),
                "processes": len(support.descendants(node.pid)),
                "actors": view["actors"],
                "threads": len(os.listdir(f"/proc/{node.pid}/task"))}

    def mean(self, pid, begin, end):
        """Of each figure between two instants."""
        within = self._within(pid, begin, end)
        return {name: sum(each[name] for each in within) / len(within) for name in self.FIGURES}

    def least(self, pid, begin, end):
        within = self._within(pid, begin, end)
        return {name: min(each[name] for each in within) for name in self.FIGURES}

    def _within(self, pid, begin, end):
        found = [figures[pid] for at, figures in self.taken if begin <= at <= end]
        if not found:
            raise AssertionError(f"no sample between {begin} and {end}")
        return found


class Soak:
    """All of it on `nodes` within the block; files of the handlers lie in `folder`."""

    def __init__(self, nodes, folder, deploy):
        self.nodes, self.deploy = nodes, deploy
        self.ran = {path: os.path.join(folder, "ran-" + path.strip("/")) for path in EXPECTED}
        self._random = random.Random(1)
        self._versions = 0
        self._stack = contextlib.ExitStack()
        self.samples = Samples(nodes)
        self.streams, self.troubles = [], {}
        self.instances = {}

    def install(self):
        flags = ("--concurrency", str(CONCURRENCY), "--timeout-s", "20", "--max-instances", "1")
        self.deploy("busy", load.handler(self.ran["/busy"]), *flags)
        # In one at a time a kill takes one call and leaves the others to wait.
        self.deploy("killed", load.handler(self.ran["/killed"]), "--timeout-s", "20", "--max-instances", "2")
        self.deploy("updated", load.handler(self.ran["/updated"]), *flags)
        self.deploy("large", LARGE, "--timeout-s", "60", "--max-instances", "1")

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self):
        self._began = time.monotonic()
        enter = self._stack.enter_context
        for node in self.nodes:
            share = 1 / len(self.nodes)
            self.streams += [enter(Stream(node, "/busy", 1.5 * CAPACITY * share, RUN_MS)),
                             enter(Stream(node, "/killed", 20 * share, 20)),
                             enter(Stream(node, "/updated", 50 * share, 10))]
            for kind in (slow_clients.slow_heads, slow_clients.slow_bodies):
                enter(slow_again(kind, node, SLOW_EACH))
            enter(slow_again(slow_clients.slow_readers, node, SLOW_EACH // 4))
        self.troubles = {"kills": enter(Trouble(self._kill, 1.5)), "updates": enter(Trouble(self._update, 2)),
                         "scrapes": enter(Trouble(self._scrape, 5))}
        enter(Trouble(self.samples.take, 1))

    def __exit__(self, *why):
        self._took_s = time.monotonic() - self._began
        return self._stack.__exit__(*why)

    def _kill(self):
        """SIGKILL to one of the workers of the function that is killed, wherever it runs."""
        found = []
        for node in self.nodes:
            for pid in support.descendants(node.pid):
                with contextlib.suppress(OSError):
                    if any(os.readlink(f"/proc/{pid}/fd/{name}") == self.ran["/killed"]
                           for name in os.listdir(f"/proc/{pid}/fd")):
                        found.append(pid)
        if not found:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(found), signal.SIGKILL)
            return True
        return False

    def _update(self):
        self._versions += 1
        self._random.choice(self.nodes).deploy_files(
            "updated", load.handler(self.ran["/updated"], f"version {self._versions}"), "--concurrency",
            str(CONCURRENCY), "--timeout-s", "20", "--max-instances", "1")

    def _scrape(self):
        for node in self.nodes:
            if node.admin("GET", "/metrics")[0] != 200 or node.admin("GET", "/v1/nodes")[0] != 200:
                raise AssertionError("the admin port does not answer under load")

    def judge(self, test):
        """Every request was answered once and as expected, nothing ran twice, and what was answered ran."""
        for stream in self.streams:
            expected = set(EXPECTED[stream.path])
            if len(self.nodes) > 1 and stream.path == "/updated":
                # The node that runs it may learn of a new version a moment after the one that was asked.
                expected.add((503, "not_ready"))
            for each in stream.asked:
                test.assertEqual(each.outcome, "answered", (stream.path, each))
                test.assertIn((each.status, each.cause), expected, (stream.path, each))
                if each.status == 200:
                    test.assertEqual(each.body.decode(), f"{stream.name}-{each.number}")
                if each.status == 503:
                    test.assertEqual(each.retry_after, "1", each)
            if stream.path == "/updated":
                # Its instance has room for five times as much: only a machine that stalls makes calls wait.
                late = sum(each.status == 503 for each in stream.asked)
                test.assertLess(late, 0.01 * len(stream.asked), stream.counts())
        self._judge_trouble(test)
        for path, ran_path in self.ran.items():
            ran = load.executions(ran_path)
            test.assertEqual([number for number, times in ran.items() if times > 1][:5], [], "ran more than once")
            answered = {f"{stream.name}-{each.number}": each.status
                        for stream in self.streams if stream.path == path for each in stream.asked}
            test.assertEqual([number for number, status in answered.items() if status == 200 and not ran[number]][:5], [])
            test.assertEqual([number for number, status in answered.items() if status == 503 and ran[number]][:5], [])
            test.assertLessEqual(set(ran), set(answered))

    def _judge_trouble(self, test):
        """There was trouble, and the nodes served in spite of it."""
        for name, trouble in self.troubles.items():
            test.assertGreater(trouble.times, 0, f"no {name}")
        total = collections.Counter()
        for stream in self.streams:
            for (_, status, _), times in stream.counts().items():
                total[stream.path, status] += times
        # One kill in five hits a worker that has a call.
        if self.troubles["kills"].times > 100:
            test.assertGreater(total["/killed", 500], 0, "no call was lost with its worker")
        # Restarts wait longer and longer when instances end at once again, up to 10 s: it came back each time, not for long.
        test.assertGreater(total["/killed", 200], self.troubles["kills"].times, total)
        if not support.SANITIZED:
            test.assertGreater(total["/busy", 200], 0.5 * CAPACITY * self._took_s, total)
            test.assertGreater(total["/busy", 503], 0, "the load was not more than the node could take")

    def summary(self):
        return {stream.path: stream.counts() for stream in self.streams}, {
            name: trouble.times for name, trouble in self.troubles.items()}


class SlowAgain:
    """Slow clients that are replaced by new ones every now and then, before the node's own limits end them."""

    def __init__(self, kind, node, count, lifetime_s):
        self._make = lambda: kind(node, count)
        self._now = None
        self._trouble = Trouble(self._replace, lifetime_s)

    def _replace(self):
        self._leave()
        self._now = self._make().__enter__()

    def _leave(self):
        if self._now is not None:
            self._now.__exit__()
            self._now = None

    def __enter__(self):
        self._replace()
        self._trouble.__enter__()
        return self

    def __exit__(self, *why):
        try:
            self._trouble.__exit__(*why)
        finally:
            self._leave()


def slow_again(kind, node, count):
    return SlowAgain(kind, node, count, 8)
