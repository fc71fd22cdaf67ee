"""A node of three whose disk fills up under load and deployments, and has room again."""
import contextlib
import os
import unittest

import small_disk
from cluster import Cluster, Member
from small_disk import SmallDisk
from trial import Trial

DISK_BYTES = 16 << 20


class DiskCluster(Cluster):
    """Three nodes, one of them with its data on a small disk."""

    def __init__(self, disk, number):
        self.disk = disk
        self.number = number
        super().__init__(3)

    def make(self, number, seeds, flags, **more):
        if number == self.number:
            more["data_dir"] = os.path.join(self.disk.path, "node")
        return Member(f"n{number + 1}", seeds, flags, **more)


class DiskTest(unittest.TestCase):
    @contextlib.contextmanager
    def trial(self, number):
        """The node of that number has the small disk."""
        disk = self.enterContext(SmallDisk(DISK_BYTES))
        cluster = self.enterContext(DiskCluster(disk, number))
        with Trial(cluster, [cluster[0], cluster[2]], list(cluster)) as trial:
            trial.wait_changed(3)
            yield disk, cluster, trial
            trial.settle()
            for node in cluster:
                trial.wait_changed(2, through=node)
            trial.end()
            trial.judge(self, [])

    def assert_told(self, trial, node):
        self.assertTrue([each for each in trial.changes if each.node == node.name and each.outcome == "failed" and
                         "full" in each.said.lower() or "no space" in each.said.lower()], trial.changes)

    def test_of_a_copy(self):
        with self.trial(1) as (disk, cluster, trial):
            with disk.full():
                trial.wait_changed(1, "failed", cluster[1])
                for node in (cluster[0], cluster[2]):
                    trial.wait_changed(2, through=node)
                trial.wait_answered(count=20)
            self.assert_told(trial, cluster[1])

    def test_of_the_primary(self):
        with self.trial(0) as (disk, cluster, trial):
            with disk.full():
                for node in cluster:
                    trial.wait_changed(2, "failed", node)
                trial.wait_answered(count=20)
            self.assert_told(trial, cluster[2])


if __name__ == "__main__":
    small_disk.run_tests()
