"""Load on one node while something goes wrong again and again: who was answered how, what ran how often, what is left.

Each request carries an id of its own; the handlers append it to a file before they do anything else.
"""
import collections
import itertools
import json
import os
import threading
import time

import support

# How often each kind of trouble happens; the tests labelled `long` are the same with 1,000.
COUNT = int(os.environ.get("TROUPE_LOAD_COUNT", "50"))
# What a node may keep of any number of troubles: caches of the allocator, rings of logs, growth of a database's cache.
MAX_GROWTH_BYTES = 24 << 20

HANDLER = """const fs = require('fs');
const ran = fs.openSync(%s, 'a');
exports.handler = async (event) => {
  const {id, act, ms} = event.queryStringParameters;
  fs.writeSync(ran, id + '\\n');
  if (act === 'exit') process.exit(3);
  if (act === 'kill') process.kill(process.pid, 'SIGKILL');
  if (act === 'hang') for (;;) ;
  if (act === 'never') await new Promise((done) => setInterval(done, 3600000));
  if (ms) await new Promise((done) => setTimeout(done, Number(ms)));
  return {statusCode: 200, body: id};
};
"""


def handler(ran_path, comment=""):
    """A handler that notes its requests' ids in `ran_path`."""
    return HANDLER % json.dumps(ran_path) + f"// {comment}\n"


class Answers:
    """Every request of a run with its one answer: id -> (path, status, x-troupe-error, body)."""

    def __init__(self):
        self._ids = itertools.count(1)
        self.by_id = {}

    def ask(self, node, path, act="", ms=""):
        """One request on a connection of its own, which must close behind exactly one answer."""
        number = f"{path.strip('/')}-{next(self._ids)}"
        with node.connect() as client:
            client.send(f"GET {path}?id={number}&act={act}&ms={ms} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            answers = client.responses()
        if len(answers) != 1:
            raise AssertionError(f"{number} was answered {len(answers)} times: {answers}")
        answer = answers[0]
        self.by_id[number] = (path, answer.status, answer.header("x-troupe-error"), answer.body.decode())
        return self.by_id[number]

    def of(self, path):
        return [answer for answer in self.by_id.values() if answer[0] == path]


class Clients:
    """Threads that call `ask` until the block ends; what one raises is raised at its end. They pause between requests,
    so that on a small machine the trouble itself gets its share."""

    def __init__(self, count, ask, pause_s=0.002):
        self._stop = threading.Event()
        self._ask = ask
        self._pause_s = pause_s
        self._problems = []
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def _run(self):
        try:
            while not self._stop.wait(self._pause_s):
                self._ask()
        except Exception as problem:  # raised again where the test sees it
            self._problems.append(problem)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._problems and kind is None:
            raise self._problems[0]


def executions(ran_path):
    """How often the handler ran for each id."""
    with open(ran_path, encoding="utf-8") as file:
        return collections.Counter(file.read().split())


class Footprint:
    """Of a node at rest: descriptors of each of its lasting processes, the number of processes, what the node counts
    itself (actors, instances, memory promised to them), memory."""

    def __init__(self, node):
        spawners = [pid for pid in support.descendants(node.pid) if parent_of(pid) == node.pid]
        self.descriptors = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in (node.pid, *spawners)}
        self.processes = len(support.descendants(node.pid))
        view = json.loads(node.admin("GET", "/v1/node")[2])
        self.counts = {"actors": view["actors"], **view["instances"]}
        self.resident = {pid: resident_bytes(pid) for pid in self.descriptors}

    def countable(self):
        return self.descriptors, self.processes, self.counts


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rest(node, instances):
    """The footprint once `instances` ({function: count}) are ready, no other process is left and two looks agree."""
    def settled():
        listed = json.loads(node.run("list", "--json", check=True).stdout)["functions"]
        ready = {each["name"]: each["instances"]["ready"] for each in listed}
        starting = sum(each["instances"]["starting"] for each in listed)
        return ready == instances and starting == 0
    support.wait_until(settled, f"{instances} and nothing else", 60)
    last = [None]

    def still():
        try:
            now = Footprint(node)
        except OSError:
            return None  # a process ended between two looks
        same = last[0] is not None and last[0].countable() == now.countable() and now
        last[0] = now
        return same
    return support.wait_until(still, "a node at rest", 60, interval_s=0.5)


def assert_back(test, node, before, instances):
    """Descriptors, processes, actors and instances are where they were, memory within its bound."""
    def is_back():
        now = rest(node, instances)
        return now if now.countable() == before.countable() else None
    try:
        now = support.wait_until(is_back, "the footprint from before", 30, interval_s=0.5)
    except AssertionError:
        now = rest(node, instances)
    test.assertEqual(now.countable(), before.countable())
    if support.SANITIZED:
        return
    for pid, bytes_before in before.resident.items():
        grown = now.resident[pid] - bytes_before
        test.assertLessEqual(grown, MAX_GROWTH_BYTES, f"memory of {pid}")


def assert_ran_at_most_once(test, answers, ran_path):
    """Nothing ran twice, what answered 200 ran once and says its own id, what was refused did not run."""
    ran = executions(ran_path)
    test.assertEqual({number: times for number, times in ran.items() if times > 1}, {}, "ran more than once")
    test.assertLessEqual(set(ran), set(answers.by_id), "ran without having been asked")
    for number, (_, status, cause, body) in answers.by_id.items():
        if status == 200:
            test.assertEqual((body, ran[number]), (number, 1))
        elif cause in ("overloaded", "no_capacity", "breaker_open", "not_ready", "draining"):
            test.assertEqual(ran[number], 0, f"{number} was refused as {cause} and ran")


def slowest(call, times):
    """The longest of so many calls, in seconds."""
    longest = 0.0
    for _ in range(times):
        began = time.monotonic()
        call()
        longest = max(longest, time.monotonic() - began)
    return longest
