"""How many instances clients bring that send the next call when they have the answer, so that a queue stands whatever
runs: as many as use the processors where calls compute, one for each client where they wait.
"""
import json
import os
import threading
import time
import unittest

import support
import wire

COMPUTES = """
let sink = 0;
exports.handler = async () => {
  for (let i = 0; i < 2e6; i++) sink = (sink * 31 + i) | 0;
  return sink;
};"""
WAITS = """import time

def handler(event, context):
    time.sleep(0.2)
"""
CORES = 2
PATIENT = ("--set", "queue.max_age=60s", "--set", "queue.shedding=off")


def instances_of(node):
    listed = json.loads(node.run("list", "--json", check=True).stdout)["functions"][0]["instances"]
    return listed["ready"]


class ClosedLoop:
    """So many connections, each of which asks for /f again and again."""

    def __init__(self, node, clients):
        self._node = node
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        self._guard = threading.Lock()
        self.statuses = {}
        self.causes = set()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        with self._node.connect() as client:
            while not self._stop.is_set():
                answer = client.exchange(wire.get("/f"))
                with self._guard:
                    self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                    if answer.status != 200:
                        self.causes.add((answer.header("x-troupe-error"), answer.header("retry-after")))


class GrowthTest(unittest.TestCase):
    def setUp(self):
        # The node takes this process's cores for its own.
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(before)[:CORES])
        self.addCleanup(os.sched_setaffinity, 0, before)
        self.cores = len(os.sched_getaffinity(0))

    def test_calls_that_compute_bring_instances_for_the_cores(self):
        with support.Node(*PATIENT) as node:
            node.deploy_files("f", COMPUTES, "--timeout-s", "60")
            with ClosedLoop(node, 64) as clients:
                most, began = 0, time.monotonic()

                def has_run():
                    nonlocal most
                    most = max(most, instances_of(node))
                    return time.monotonic() - began > 4 and clients.statuses.get(200, 0) > 300
                support.wait_until(has_run, "seconds of calls", interval_s=0.1)

            self.assertEqual(set(clients.statuses), {200})
            self.assertLessEqual(most, 2 * self.cores + 2)
            self.assertGreaterEqual(most, self.cores)

    def test_by_default_calls_beyond_that_are_refused_and_those_before_stay_served(self):
        def served_per_s(node, clients, seconds=3):
            with ClosedLoop(node, clients) as asking:
                # The first calls are those of the growth.
                support.wait_until(lambda: asking.statuses.get(200, 0) > 20, "calls served")
                before, began = asking.statuses[200], time.monotonic()
                support.wait_until(lambda: time.monotonic() - began > seconds, "seconds of calls", interval_s=0.1)
                return (asking.statuses[200] - before) / (time.monotonic() - began), asking

        with support.Node() as node:
            node.deploy_files("f", COMPUTES, "--timeout-s", "60")
            few_per_s, _ = served_per_s(node, self.cores)
            many_per_s, many = served_per_s(node, 64)

        self.assertEqual(set(many.statuses), {200, 503})
        self.assertEqual(many.causes, {("overloaded", "1")})
        # The clients themselves take some of the cores.
        self.assertGreater(many_per_s, few_per_s / 3)

    def test_calls_that_wait_bring_an_instance_each(self):
        with support.Node(*PATIENT, "--set", "instance_memory=16GiB") as node:
            node.deploy_files("f", {"index.py": WAITS}, "--timeout-s", "60")
            with ClosedLoop(node, 24) as clients:
                support.wait_until(lambda: instances_of(node) >= 20, "twenty instances for two dozen waiting clients")

            self.assertEqual(set(clients.statuses), {200})


if __name__ == "__main__":
    unittest.main()
