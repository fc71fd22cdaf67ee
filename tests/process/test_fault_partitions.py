"""Networks that are cut or slow between the nodes, under load and deployments on all sides."""
import os
import time
import unittest

import network
import support
from authority import Authority
from trial import SILENCE_NOTICED_S, Trial, unnoticed


class PartitionTest(unittest.TestCase):
    """Nodes with certificates: their sessions end and begin as well."""

    def setUp(self):
        self.network = network.Network(5)
        self.addCleanup(self.network.close)
        authority = Authority(os.path.join(self.enterContext(support.TempDir()), "authority"))
        self.cluster = self.enterContext(network.HostedCluster(self.network.hosts, authority=authority))

    def hosts(self, *nodes):
        return [node.at for node in nodes]

    def part(self, side, others, at, writers):
        """Cuts the cluster in two, sees requests answered on both sides and deployments on that of the primary only."""
        with Trial(self.cluster, at, writers) as trial:
            trial.wait_changed(2)
            began = time.monotonic()
            self.network.part(self.hosts(*side), self.hosts(*others))
            trial.wait_answered(self.cluster, 10, SILENCE_NOTICED_S)
            for writer in writers:
                with_primary = (writer in side) == (self.cluster[0] in side)
                trial.wait_changed(1, "ok" if with_primary else "failed", writer)
            for seen_by, gone in ((side, others), (others, side)):
                for node in gone:
                    self.cluster.wait_for_state(node.name, ("gone", "suspected"), seen_by)
            trial.wait_answered(self.cluster)
            self.network.heal()
            trial.conclude(self, unnoticed(began, time.monotonic()))

    def test_a_minority_without_the_primary(self):
        one, two, three, four, five = self.cluster
        self.part([four, five], [one, two, three], [two, four], [one, three, five])

    def test_a_minority_with_the_primary(self):
        one, two, three, four, five = self.cluster
        self.part([one, two], [three, four, five], [two, four], [two, five])

    def test_a_cut_that_comes_and_goes(self):
        one, two, three, four, five = self.cluster
        with Trial(self.cluster, [two, four], [one, five]) as trial:
            trial.wait_changed(2)
            began = time.monotonic()
            for _ in range(3):
                self.network.part(self.hosts(four, five), self.hosts(one, two, three))
                time.sleep(2)
                self.network.heal()
                time.sleep(2)
            trial.conclude(self, [(began, time.monotonic() + SILENCE_NOTICED_S)])


class SlowLineTest(unittest.TestCase):
    def test_code_does_not_crowd_out_calls_and_signs_of_life(self):
        hosts = network.Network(3)
        self.addCleanup(hosts.close)
        cluster = self.enterContext(network.HostedCluster(hosts.hosts))
        one, two, three = cluster
        code = support.write_files(self.enterContext(support.TempDir()), {
            "index.js": "exports.handler = async () => 'hello';", "data": os.urandom(1 << 20)})
        with Trial(cluster, [one], [two]) as trial:
            three.at.slow("1mbit")
            began = time.monotonic()
            three.deploy(code, "--name", "large", "--handler", "index.handler")
            self.assertGreater(time.monotonic() - began, 8, "a megabyte at a megabit a second, to a second disk")
            trial.wait_answered()
            meanwhile = [each for each in trial.loads["n3"].of("ok") if each.began > began]
            trial.conclude(self, [])
        self.assertLess(max(each.ended - each.began for each in meanwhile), SILENCE_NOTICED_S)
        for node in cluster:
            self.assertNotIn("node_suspected", dict(node.events()))


if __name__ == "__main__":
    network.run_tests()
