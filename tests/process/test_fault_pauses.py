"""Nodes that hang under load and deployments and then go on, as of SIGSTOP and SIGCONT."""
import time
import unittest

from cluster import Cluster
from trial import SILENCE_NOTICED_S, Trial, unnoticed


class PauseTest(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(5))

    def hang(self, victim, seconds, with_workers=False):
        """Stops the node for so long, while all others answer once they have noticed it."""
        _, two, three, four, _ = self.cluster
        with Trial(self.cluster, [two, three], [victim, four]) as trial:
            trial.wait_changed(2)
            others = [node for node in self.cluster if node is not victim]
            began = time.monotonic()
            with trial.stopped(victim, with_workers=with_workers):
                if seconds > SILENCE_NOTICED_S:
                    trial.wait_answered(others, 10, SILENCE_NOTICED_S)
                time.sleep(max(0.0, began + seconds - time.monotonic()))
            trial.conclude(self, unnoticed(began, time.monotonic()))

    def test_a_copy_for_2_s(self):
        self.hang(self.cluster[2], 2)

    def test_a_copy_for_15_s_with_all_that_runs_there(self):
        self.hang(self.cluster[2], 15, with_workers=True)

    def test_the_primary_for_2_s(self):
        self.hang(self.cluster[0], 2)

    def test_the_primary_for_15_s(self):
        self.hang(self.cluster[0], 15)


if __name__ == "__main__":
    unittest.main()
