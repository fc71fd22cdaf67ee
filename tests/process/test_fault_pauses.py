"""Nodes that hang under load and deployments and then go on, as of SIGSTOP and SIGCONT."""
import os
import signal
import time
import unittest

import load
import support
import wire
from cluster import Cluster
from trial import SILENCE_NOTICED_S, Trial, unnoticed


class LateAnswerTest(unittest.TestCase):
    def test_a_call_that_ends_while_its_node_hangs_is_answered_and_not_timed_out(self):
        ran = os.path.join(self.enterContext(support.TempDir()), "ran")
        with support.Node() as node, node.connect() as client:
            node.deploy_files("short", load.handler(ran), "--timeout-s", "1")
            client.send(wire.get("/short?id=one&ms=300"))
            support.wait_until(lambda: os.path.getsize(ran) > 0, "begin of the call")
            support.freeze(node.pid)
            try:
                time.sleep(2)  # twice what the call may take
            finally:
                node.process.send_signal(signal.SIGCONT)
            answer = client.response()
            self.assertEqual((answer.status, answer.body), (200, b"one"), answer.header("x-troupe-error"))


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
