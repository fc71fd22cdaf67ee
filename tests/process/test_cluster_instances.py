"""The minimum and maximum of a function's instances count for the cluster, whatever happens to its nodes."""
import collections
import contextlib
import json
import os
import time
import unittest

import support
from cluster import Cluster, Load

# A worker that is asked answers with its process and notes when it ran; `ms` is how long it takes.
WORKER = """const fs = require('fs');
exports.handler = async (event) => {
  const began = Date.now(), ms = Number(event.queryStringParameters?.ms ?? 0);
  if (ms) await new Promise((done) => setTimeout(done, ms));
  fs.appendFileSync(%s, `${process.pid} ${began} ${Date.now()}\\n`);
  return {statusCode: 200, body: %s + process.pid};
};"""


def worker(noted, prefix=""):
    return WORKER % (json.dumps(noted), json.dumps(prefix))


def workers(node, noted):
    """Pids of the node's workers that have loaded the code with that note: they are in its folder."""
    found = []
    for pid in support.descendants(node.pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cwd/index.js", encoding="utf-8") as code:
                if json.dumps(noted) in code.read():
                    found.append(pid)
    return found


def workers_at_once(noted, since=0.0):
    """The most workers that ran a call at the same moment, of the calls that began after `since` (time.time())."""
    marks = []
    with open(noted, encoding="ascii") as lines:
        for line in lines:
            pid, began, ended = (int(word) for word in line.split())
            if began >= since * 1000:
                # An end and a beginning in the same millisecond are no overlap.
                marks += [(began, 1, pid), (ended, 0, pid)]
    most, running = 0, collections.Counter()
    for _, begins, pid in sorted(marks):
        running[pid] += 1 if begins else -1
        most = max(most, sum(1 for calls in running.values() if calls > 0))
    return most


class InstancesTest(unittest.TestCase):
    def setUp(self):
        self.noted = os.path.join(self.enterContext(support.TempDir()), "noted")

    def instances(self, cluster):
        """How many workers of the test's function there are, by node."""
        return {node.name: len(workers(node, self.noted)) for node in cluster.running()}

    def total(self, cluster):
        return sum(self.instances(cluster).values())

    def wait_total(self, cluster, count, timeout_s=support.PATIENCE_S):
        support.wait_until(lambda: self.total(cluster) == count, f"{count} instances", timeout_s)

    def wait_settled(self, cluster, count):
        """Until there have been so many for longer than a home watches before it decides, and its orders take."""
        since = time.monotonic()

        def settled():
            nonlocal since
            if self.total(cluster) != count:
                since = time.monotonic()
            return time.monotonic() - since > 4
        support.wait_until(settled, f"{count} instances and no change", 30)


class MaximumTest(InstancesTest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(3, ["--set", "queue.max_age=3s"]))

    def assert_only_overload_fails(self, load):
        self.assertEqual([each for each in load.asked if each.outcome not in ("ok", "failed")], [])
        causes = collections.Counter((each.status, each.cause) for each in load.of("failed"))
        self.assertLessEqual(set(causes), {(503, "overloaded")}, causes)

    def test_a_maximum_of_one_is_one_worker_in_the_cluster(self):
        for number, node in enumerate(self.cluster):
            name = f"one-{number}"
            node.deploy_files(name, worker(self.noted), "--max-instances", "1")
            with Load(f"/{name}", list(self.cluster), threads=9, ms="5") as load:
                load.wait_for(300)
            self.assert_only_overload_fails(load)
            self.assertEqual(len({each.body for each in load.of("ok")}), 1, name)
            self.assertEqual(self.total(self.cluster), number + 1, name)
            self.assertEqual(workers_at_once(self.noted), 1, name)

    def test_a_maximum_of_three_is_reached_and_not_passed(self):
        self.cluster[0].deploy_files("three", worker(self.noted), "--max-instances", "3")
        with Load("/three", list(self.cluster), threads=18, ms="40") as load:
            self.wait_total(self.cluster, 3)
            load.wait_for(400, since=time.monotonic())
        self.assert_only_overload_fails(load)
        self.assertEqual(workers_at_once(self.noted), 3)
        self.assertEqual(self.total(self.cluster), 3)

    def test_the_first_request_at_another_node_finds_the_instance_that_a_deployment_started(self):
        for number in range(6):
            name = f"first-{number}"
            owner, entry = self.cluster[number % 3], self.cluster[(number + 1 + number // 3) % 3]
            owner.deploy_files(name, worker(self.noted), *(["--max-instances", "2"] if number % 2 else []))
            status, headers, body = entry.request("GET", f"/{name}")
            self.assertEqual(status, 200, (headers, body))
            # Of a function with a maximum the home may have the room.
            started_at = list(self.cluster) if number % 2 else [owner]
            self.assertIn(int(body), [pid for node in started_at for pid in workers(node, self.noted)], (name, owner.name))
            self.assertEqual(self.total(self.cluster), number + 1, name)

    def test_an_update_elsewhere_replaces_the_one_instance_where_it_runs(self):
        self.cluster[0].deploy_files("update", worker(self.noted, "v1 "), "--max-instances", "1")
        for version in range(2, 5):
            node = self.cluster[version % 3]
            node.deploy_files("update", worker(self.noted, f"v{version} "), "--max-instances", "1")
            for other in self.cluster:
                support.wait_until(lambda one=other: one.request("GET", "/update")[2].startswith(b"v%d " % version),
                                   f"version {version} at {other.name}")
            bodies = {other.request("GET", "/update")[2] for other in self.cluster}
            self.assertEqual(len(bodies), 1, bodies)
            self.wait_total(self.cluster, 1)

    def test_an_update_that_cannot_start_elsewhere_says_why(self):
        self.cluster[0].deploy_files("broken", worker(self.noted), "--max-instances", "1")
        for node in self.cluster:
            self.assertEqual(node.request("GET", "/broken")[0], 200)
        broken = "exports.handler = async () => 1; throw new Error('not today');"
        refused = self.cluster[1].deploy_files("broken", broken, "--max-instances", "1", check=False)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("not today", refused.stderr)


class MinimumTest(InstancesTest):
    def test_a_minimum_is_kept_in_the_cluster_when_a_node_dies_and_comes_back(self):
        with Cluster(3) as cluster:
            cluster[0].deploy_files("kept", worker(self.noted), "--min-instances", "2")
            self.wait_total(cluster, 2)
            counted = self.instances(cluster)
            victim = next(node for node in cluster.nodes[1:] if counted[node.name] > 0)
            victim.kill()
            self.wait_total(cluster, 2, 20)
            victim.start()
            cluster.wait_together()
            self.wait_settled(cluster, 2)
            for node in cluster:
                self.assertEqual(node.request("GET", "/kept")[0], 200, node.name)

    def test_a_minimum_of_one_is_one_instance_after_a_start_of_all(self):
        with Cluster(3) as cluster:
            cluster[0].deploy_files("kept", worker(self.noted), "--min-instances", "1")
            for node in cluster:
                node.terminate()
            cluster.start()
            self.wait_settled(cluster, 1)


class TroubleTest(InstancesTest):
    """Every node is entry and may be the home; none of these kills the primary, n1."""

    def deploy_one_at(self, cluster, node):
        """Deploys functions of one instance at most until the home of one is that node: its name."""
        for number in range(50):
            name = f"one-{number}"
            node.deploy_files(name, worker(self.noted), "--max-instances", "1")
            if workers(node, self.noted):
                return name
            node.run("remove", name, check=True)
            self.wait_total(cluster, 0)
        raise AssertionError(f"{node.name} is the home of none of 50 functions")

    def test_the_one_instance_comes_again_at_another_node_when_its_node_is_killed(self):
        with Cluster(3) as cluster:
            victim, entries = cluster[1], [cluster[0], cluster[2]]
            name = self.deploy_one_at(cluster, victim)
            with Load("/" + name, entries, threads=4, ms="5") as load:
                load.wait_for(50)
                killed = time.monotonic()
                victim.kill()
                load.wait_for(50, since=killed)
                self.wait_settled(cluster, 1)
                settled = time.monotonic()
                load.wait_for(100, since=settled)
            self.assertEqual(len({each.body for each in load.of("ok") if each.began > settled}), 1)
            self.assertLessEqual(workers_at_once(self.noted), 2)
            for node in cluster.running():
                self.assertEqual(sum(view["load"]["ready"] for view in node.nodes().values()), 1, node.name)
            for each in load.of("failed"):
                self.assertIn(each.status, (502, 503), each)
                self.assertLess(each.began, killed + 5, each)

    def test_the_one_instance_moves_without_a_failure_when_its_node_goes_down(self):
        with Cluster(3, ["--set", "queue.max_age=10s"]) as cluster:
            leaver, entries = cluster[1], [cluster[0], cluster[2]]
            name = self.deploy_one_at(cluster, leaver)
            with Load("/" + name, entries, threads=4, ms="5") as load:
                load.wait_for(50)
                self.assertEqual(leaver.terminate(), 0)
                load.wait_for(50, since=time.monotonic())
                self.wait_settled(cluster, 1)
                settled = time.monotonic()
                load.wait_for(50, since=settled)
            self.assertEqual([each for each in load.asked if each.outcome != "ok"], [])
            self.assertEqual(len({each.body for each in load.of("ok") if each.began > settled}), 1)

    def test_a_node_that_hung_gives_back_what_is_too_many(self):
        with Cluster(3) as cluster:
            sleeper, entries = cluster[2], [cluster[0], cluster[1]]
            name = self.deploy_one_at(cluster, sleeper)
            with Load("/" + name, entries, threads=4, ms="5") as load:
                load.wait_for(50)
                sleeper.stop()
                load.wait_for(50, since=time.monotonic() + 1, timeout_s=20)
                sleeper.resume()
                cluster.wait_together()
                self.wait_settled(cluster, 1)
                settled = time.monotonic()
                load.wait_for(100, since=settled)
            self.assertEqual(len({each.body for each in load.of("ok") if each.began > settled}), 1)
            self.assertEqual([each for each in load.of("failed") if each.began > settled], [])


if __name__ == "__main__":
    unittest.main()
