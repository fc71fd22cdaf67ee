"""Nodes of five that die as of kill -9 under load and deployments, each in a role of its own, and start again."""
import json
import time
import unittest

import history
import support
from cluster import Cluster, Load
from history import Outage
from trial import DEATH_NOTICED_S, Trial

# Until four calls, one after the other, were answered, the first of which have no instance.
FROM_ZERO_S = 30.0 if support.SANITIZED else 8.0


class HomeTest(unittest.TestCase):
    def test_calls_from_zero_find_another_home_when_theirs_dies(self):
        folder = self.enterContext(support.TempDir())
        with Cluster(5, ["--set", "idle_timeout=1s"]) as cluster:
            cluster.deploy("cold", history.handler(folder), at=[cluster[1]])
            asked = []

            def call(node):
                with Load("/cold", [node], threads=1) as run:
                    run.wait_for(1)
                asked.extend(run.asked)
                return run.asked[0].number

            def rest():
                support.wait_until(lambda: not any("cold" in view["functions"] for node in cluster.running()
                                                   for view in node.nodes().values()), "no instance anywhere")
            rest()
            number = call(cluster[0])
            home, = [node for node in cluster if node.name in history.runs(folder, cluster)[number]]
            rest()
            began = time.monotonic()
            home.kill()
            for node in cluster.running():
                call(node)
            self.assertLess(time.monotonic() - began, FROM_ZERO_S)
            home.start()
            ran = {number: at for number, at in history.runs(folder, cluster).items()
                   if number in {each.number for each in asked}}
            dead = [Outage("dead", home.name, began, time.monotonic())]
            self.assertEqual(history.wrong_answers(asked, dead) + history.repeated_runs(asked, ran) +
                             history.needless_failures(asked, ran, dead, DEATH_NOTICED_S), [])


class AddressTest(unittest.TestCase):
    def test_who_listens_where_a_dead_node_did_is_not_taken_for_it(self):
        with Cluster(3) as cluster:
            one, two, three = cluster
            with Trial(cluster, [two, three], [two]) as trial:
                with trial.killed(three):
                    # The founder of another cluster of the same name, and a node of the same name.
                    with support.Node("--name", "n3", "--cluster", three.cluster_address) as stranger:
                        stranger.deploy_files("work", "exports.handler = async () => 'of a stranger';")
                        trial.wait_answered([one, two], 20, DEATH_NOTICED_S)
                        cluster.wait_for_state("n3", ("gone",), [one, two])
                        views = json.loads(stranger.admin("GET", "/v1/nodes")[2])
                        self.assertEqual([view["name"] for view in views], ["n3"])
                trial.conclude(self)


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(5))

    def survive(self, victim, at, writers):
        """Kills the node, sees requests answered at all others, starts it again: the trial, ended."""
        with Trial(self.cluster, at, writers) as trial:
            trial.wait_changed(2)
            with trial.killed(victim):
                others = self.cluster.running()
                trial.wait_answered(others, 10, DEATH_NOTICED_S)
                self.cluster.wait_for_state(victim.name, ("gone",), others)
            trial.conclude(self)
        return trial

    def test_one_that_executes(self):
        _, two, three, four, _ = self.cluster
        self.survive(three, [two, three], [four])

    def test_one_whose_clients_call_others(self):
        _, two, three, _, five = self.cluster
        trial = self.survive(five, [two, three], [two, five])
        self.assertTrue(trial.loads["n5"].of("refused"))

    def test_the_primary(self):
        one, two, three, four, five = self.cluster
        with Trial(self.cluster, [two, three], [one, four]) as trial:
            trial.wait_changed(2)
            with trial.killed(one):
                trial.wait_answered(self.cluster.running(), 10, DEATH_NOTICED_S)
                trial.wait_changed(1, "failed", four)
                trial.wait_answered(self.cluster.running(), 10)
            trial.conclude(self)

    def test_what_was_acknowledged_outlives_all(self):
        with Trial(self.cluster, [self.cluster[1]], [self.cluster[2], self.cluster[4]]) as trial:
            trial.wait_changed(3)
            trial.wait_changed(1)
            with trial.killed(*self.cluster):
                pass
            trial.conclude(self, changes=0)


if __name__ == "__main__":
    unittest.main()
