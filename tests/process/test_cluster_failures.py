"""Nodes that die, hang and start again under load: who is answered how, and that nothing runs twice."""
import functools
import os
import time
import unittest

import load
import support
from cluster import Cluster, Load, assert_run_at_most_once

# Until new requests are answered again after a kill -9, and until nothing more is given to a node that hangs.
NOTICED_S = 3.0 if support.SANITIZED else 0.5
SILENCE_S = 4.0 if support.SANITIZED else 1.3


def with_cluster(test):
    """Gives a test three nodes, whose logs are shown when it fails."""
    @functools.wraps(test)
    def run(self):
        with Cluster(3) as cluster:
            test(self, cluster)
    return run


class FailureTest(unittest.TestCase):
    def setUp(self):
        self.ran = os.path.join(self.enterContext(support.TempDir()), "ran")
        self.handler = load.handler(self.ran)

    def check_after_kill(self, run, killed_at):
        """Only what was in flight failed, as 502 or 503 with a body, and soon everything was answered again."""
        for each in run.of("failed", "unknown", "refused"):
            self.assertEqual(each.outcome, "failed", each)
            self.assertLess(each.began, killed_at + NOTICED_S, each)
        assert_run_at_most_once(self, self.ran, run)

    @with_cluster
    def test_a_killed_function_host_costs_what_was_in_flight(self, cluster):
        primary, host, entry = cluster
        cluster.deploy("work", self.handler, at=[primary, host])
        with Load("/work", [entry], threads=4, ms="20") as run:
            run.wait_for(40)
            killed_at = time.monotonic()
            host.kill()
            run.wait_for(40, since=killed_at + NOTICED_S)
        self.check_after_kill(run, killed_at)
        self.assertLessEqual(len(run.of("failed")), 4 * 3)
        self.assertIn(entry.nodes()["n2"]["state"], ("suspected", "gone"))
        kinds = [kind for kind, text in entry.events() if "n2" in text]
        self.assertIn("node_suspected", kinds)
        cluster.wait_for_state("n2", ("gone",), [primary, entry])
        host.start()
        cluster.wait_together()
        cluster.wait_level()

    @with_cluster
    def test_a_killed_primary_stops_deployments_and_nothing_else(self, cluster):
        primary, host, entry = cluster
        cluster.deploy("work", self.handler, at=[primary, host])
        with Load("/work", [entry, host], threads=4, ms="10") as run:
            run.wait_for(40)
            killed_at = time.monotonic()
            primary.kill()
            run.wait_for(60, since=killed_at + NOTICED_S)
            for node in (host, entry):
                self.assertEqual(node.admin("GET", "/readyz")[0], 200)
            began = time.monotonic()
            done = entry.deploy_files("new", self.handler, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("n1", done.stderr)
            self.assertLess(time.monotonic() - began, 45)
            # Longer than a session: nobody may be removed while the store is out of reach.
            run.wait_for(20, since=time.monotonic())
            primary.start()
            cluster.wait_together()
            entry.deploy_files("new", self.handler)
            run.wait_for(20, since=time.monotonic())
        self.check_after_kill(run, killed_at)
        for node in cluster:
            self.assertEqual(node.request("GET", "/new?id=new&ms=0")[0], 200, node.name)
        cluster.wait_level()

    @with_cluster
    def test_a_node_that_hangs_gets_no_new_work_and_runs_nothing_twice(self, cluster):
        primary, host, entry = cluster
        cluster.deploy("work", self.handler, at=[primary, host])
        with Load("/work", [entry], threads=4, ms="20") as run:
            run.wait_for(40)
            stopped_at = time.monotonic()
            host.stop()
            try:
                cluster.wait_for_state("n2", ("suspected",), [entry])
                run.wait_for(20, since=stopped_at + SILENCE_S)
                primary.deploy_files("news", self.handler)
                # So long that its session is over.
                cluster.wait_for_state("n2", ("gone",), [entry, primary])
            finally:
                host.resume()
            resumed_at = time.monotonic()
            cluster.wait_together()
            cluster.wait_level()
            run.wait_for(20, since=resumed_at)
        for each in run.of("failed", "unknown", "refused"):
            self.assertEqual(each.outcome, "failed", each)
            self.assertLess(each.began, stopped_at + SILENCE_S, each)
        assert_run_at_most_once(self, self.ran, run, slept=True)
        support.wait_until(lambda: host.request("GET", "/news?id=news&ms=0")[0] == 200, "what was deployed meanwhile")

    @with_cluster
    def test_a_copy_restarted_while_the_primary_is_away_is_taken_back(self, cluster):
        primary, host, entry = cluster
        cluster.deploy("work", self.handler, at=[primary, host])
        primary.kill()
        cluster.wait_for_state("n1", ("suspected",), [host, entry])
        host.kill()
        cluster.wait_for_state("n2", ("suspected",), [entry])
        host.start()
        cluster.wait_together([host, entry])
        # One has an instance, and the other one's call runs there.
        self.assertEqual(host.request("GET", "/work?id=one&ms=0")[0], 200)
        cluster.wait_known_anywhere("work")
        for node in (host, entry):
            self.assertEqual(node.request("GET", f"/work?id={node.name}&ms=0")[0], 200)
        self.assertEqual(sum("work" in entry.nodes()[name]["functions"] for name in ("n2", "n3")), 1)
        primary.start()
        cluster.wait_together()
        cluster.wait_level()

    @with_cluster
    def test_a_node_that_lost_its_session_before_the_primary_went_is_taken_back(self, cluster):
        primary, host, entry = cluster
        cluster.deploy("work", self.handler, at=[primary, host])
        host.stop()
        try:
            cluster.wait_for_state("n2", ("gone",), [entry])
            primary.kill()
            cluster.wait_for_state("n1", ("suspected",), [entry])
        finally:
            host.resume()
        cluster.wait_together([host, entry])
        self.assertIn("node_joined", [kind for kind, text in entry.events() if "n2" in text])
        primary.start()
        cluster.wait_together()
        cluster.wait_level()

    @with_cluster
    def test_a_pause_shorter_than_a_session_is_healed(self, cluster):
        cluster.deploy("work", self.handler, at=[cluster[0], cluster[2]])
        with Load("/work", [cluster[2]], threads=2, ms="5") as run:
            run.wait_for(10)
            cluster[1].stop()
            try:
                cluster.wait_for_state("n2", ("suspected",), [cluster[2]])
            finally:
                cluster[1].resume()
            cluster.wait_together()
        self.assertEqual(run.of("failed", "unknown", "refused"), [])
        assert_run_at_most_once(self, self.ran, run)


class RollingRestartTest(unittest.TestCase):
    def test_all_nodes_in_turn_under_load(self):
        ran = os.path.join(self.enterContext(support.TempDir()), "ran")
        with Cluster(3) as cluster:
            cluster.deploy("work", load.handler(ran), at=list(cluster))
            with Load("/work", list(cluster), threads=4, ms="10") as run:
                run.wait_for(30)
                for node in (cluster[1], cluster[0], cluster[2]):
                    self.assertEqual(node.terminate(), 0, node.log())
                    run.wait_for(10, since=time.monotonic())
                    node.start()
                    cluster.wait_together()
                    run.wait_for(15, since=time.monotonic())
            self.assertEqual(run.of("failed", "unknown"), [])
            self.assertLess(len(run.of("refused")), len(run.of("ok")) * 20)
            assert_run_at_most_once(self, ran, run)
            cluster.wait_level()


if __name__ == "__main__":
    unittest.main()
