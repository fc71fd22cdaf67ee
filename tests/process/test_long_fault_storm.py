"""A minute of everything at once: nodes of five die, hang and are cut off in an order drawn from a printed seed.

With an odd seed the nodes have certificates. TROUPE_STORM_SEED repeats one; TROUPE_STORM_S is how many seconds it takes.
"""
import contextlib
import os
import random
import time
import unittest

import network
import support
from authority import Authority
from trial import Trial

SECONDS = float(os.environ.get("TROUPE_STORM_S", "60"))
SEED = int(os.environ.get("TROUPE_STORM_SEED", str(int(time.time()))))


class StormTest(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        print(f"TROUPE_STORM_SEED={SEED}", flush=True)
        self.network = network.Network(5)
        self.addCleanup(self.network.close)
        authority = Authority(os.path.join(self.enterContext(support.TempDir()), "authority")) if SEED % 2 else None
        self.cluster = self.enterContext(network.HostedCluster(self.network.hosts, authority=authority))

    def test_nothing_runs_twice_and_nothing_acknowledged_is_lost(self):
        with Trial(self.cluster, self.cluster[1:4], list(self.cluster)) as trial:
            trial.wait_changed(3)
            ends = time.monotonic() + SECONDS
            while time.monotonic() < ends:
                with contextlib.ExitStack() as harms:
                    for node in self.random.sample(list(self.cluster), self.random.choice((1, 1, 1, 2, 5))):
                        harms.enter_context(self.harm(trial, node))
                    time.sleep(self.random.choice((0.1, 0.5, 2, 6)))
                self.network.heal()
                time.sleep(self.random.choice((0, 0.3, 3)))
            trial.settle()
            for node in self.cluster:
                trial.wait_changed(1, through=node)
            trial.end()
            trial.judge(self, [(0.0, ends + 30)])

    def harm(self, trial, node):
        kind = self.random.choice(("kill", "stop", "freeze", "cut"))
        print(f"{time.monotonic():.1f} {kind} {node.name}", flush=True)
        if kind == "kill":
            return trial.killed(node)
        if kind in ("stop", "freeze"):
            return trial.stopped(node, with_workers=kind == "freeze")
        for other in self.random.sample([each for each in self.cluster if each is not node], 3):
            if self.random.random() < 0.6:
                self.network.cut(node.at, other.at)
            if self.random.random() < 0.6:
                self.network.cut(other.at, node.at)
        return contextlib.nullcontext()


if __name__ == "__main__":
    network.run_tests()
