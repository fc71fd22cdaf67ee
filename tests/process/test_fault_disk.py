"""A node of three whose disk fills up under load and deployments, and has room again."""
import contextlib
import json
import os
import time
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
                         ("full" in each.said.lower() or "no space" in each.said.lower())], trial.changes)

    def test_of_a_copy(self):
        with self.trial(1) as (disk, cluster, trial):
            with disk.full():
                trial.wait_changed(1, "failed", cluster[1])
                for node in (cluster[0], cluster[2]):
                    trial.wait_changed(2, through=node)
                trial.wait_answered(count=20)
            self.assert_told(trial, cluster[1])

    def test_a_copy_without_room_answers_for_what_the_primary_stored(self):
        disk = self.enterContext(SmallDisk(DISK_BYTES))
        cluster = self.enterContext(DiskCluster(disk, 1))
        full = cluster[1]
        for name in ("goes", "stays"):
            full.deploy_files(name, "exports.handler = async () => 'hello';")
        cluster.wait_level()
        with disk.full():
            began = time.monotonic()
            removed = full.run("remove", "goes", "--json")
            self.assertEqual((removed.returncode, json.loads(removed.stdout)), (0, {"removed": "goes"}), removed.stderr)
            status, _, body = full.admin("PUT", "/2015-03-31/functions/stays/configuration", b'{"Description": "new"}')
            self.assertEqual((status, json.loads(body)["Message"][:14]), (503, "deployed, but "), body)
            self.assertLess(time.monotonic() - began, 20)
            for node in (cluster[0], cluster[2]):
                listed = json.loads(node.run("list", "--json", check=True).stdout)["functions"]
                self.assertEqual([each["name"] for each in listed], ["stays"], node.name)
        cluster.wait_level()
        self.assertEqual(full.request("GET", "/goes")[0], 404)

    def test_of_the_primary(self):
        with self.trial(0) as (disk, cluster, trial):
            with disk.full():
                for node in cluster:
                    trial.wait_changed(2, "failed", node)
                trial.wait_answered(count=20)
            self.assert_told(trial, cluster[2])


if __name__ == "__main__":
    small_disk.run_tests()
