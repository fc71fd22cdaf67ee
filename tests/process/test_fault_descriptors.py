"""A node of three that runs out of descriptors under load and deployments, and has some again."""
import contextlib
import os
import resource
import time
import unittest

from cluster import Cluster
from trial import SILENCE_NOTICED_S, Trial


@contextlib.contextmanager
def no_descriptor_free(pid):
    """The process can open nothing during the block, also when it closes a few, and keeps what it has."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) - 8, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


class DescriptorsTest(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(3))

    def run_out(self, victim):
        with Trial(self.cluster, self.cluster[:2], [self.cluster[0], self.cluster[2]]) as trial:
            trial.wait_changed(2)
            others = [node for node in self.cluster if node is not victim]
            began = time.monotonic()
            with no_descriptor_free(victim.pid):
                trial.wait_answered(others, 20)
                trial.loads[victim.name].wait_for(5, began, "failed")
                trial.wait_changed(1, "failed", victim)
            trial.conclude(self, [(began, time.monotonic() + SILENCE_NOTICED_S)])
        for each in trial.asked():
            self.assertTrue(each.outcome == "ok" or (each.node, each.cause) == (victim.name, "overloaded"), each)

    def test_an_entry(self):
        self.run_out(self.cluster[2])

    def test_the_primary(self):
        self.run_out(self.cluster[0])


if __name__ == "__main__":
    unittest.main()
