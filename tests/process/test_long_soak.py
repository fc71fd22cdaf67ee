"""Full load with crashes, updates and slow clients mixed, for ten minutes (TROUPE_SOAK_S): no error beyond the expected, and
nothing grows. TROUPE_SOAK_NODES (default 1) is how many nodes a cluster of them has."""
import contextlib
import os
import time
import unittest

import load
import support
from cluster import Cluster
from soak import Soak

SECONDS = float(os.environ.get("TROUPE_SOAK_S", "600"))
NODES = int(os.environ.get("TROUPE_SOAK_NODES", "1"))
KEPT_BYTES = 12 << 20
FLAGS = ("--set", "edge.max_body_memory=32MiB", "--set", "queue.shedding=auto")


class SoakTest(unittest.TestCase):
    def test_loses_nothing_and_keeps_nothing(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(support.TempDir())
            soak = self.begin(stack, folder)
            # As much as memory needs to find its size, and every second of a short run.
            minute = min(60.0, SECONDS / 4)
            began = time.monotonic()
            with soak:
                time.sleep(SECONDS)  # the time itself is the test
                ended = time.monotonic()
            counts, times = soak.summary()
            print(f"requests {counts}\ntroubles {times}", flush=True)
            early = {node.pid: soak.samples.mean(node.pid, began + minute, began + 2 * minute) for node in soak.nodes}
            late = {node.pid: soak.samples.mean(node.pid, ended - minute, ended) for node in soak.nodes}
            for pid, figures in early.items():
                print(f"minute 2 against the last: { {n: (round(v), round(late[pid][n])) for n, v in figures.items()} }",
                      flush=True)
            floors = {node.pid: [soak.samples.least(node.pid, began + i * minute, began + (i + 1) * minute)["resident_kb"]
                                 for i in range(int((ended - began) / minute))] for node in soak.nodes}
            print(f"least resident KB of each minute: {list(floors.values())}; now "
                  f"{[load.resident_bytes(node.pid) >> 10 for node in soak.nodes]}", flush=True)
            soak.judge(self)
            for pid, figures in early.items():
                self.judge_figures(figures, late[pid])
                # Slow readers have answers of 6 MB each come and go; what is left without them is what the node keeps.
                if not support.SANITIZED:
                    support.wait_until(lambda one=pid: load.resident_bytes(one) >> 10 < floors[one][1] + (KEPT_BYTES >> 10),
                                       f"the memory of the second minute, {floors[pid][1]} KB", 10)
            for node in soak.nodes:
                support.wait_until(lambda one=node: one.request("GET", "/busy?id=last&act=&ms=")[0] == 200, "an answer")
                self.assertTrue(node.is_ready())

    def begin(self, stack, folder):
        if NODES == 1:
            node = stack.enter_context(support.Node(*FLAGS, loops=2))
            soak = Soak([node], folder, node.deploy_files)
            soak.install()
            return soak
        cluster = stack.enter_context(Cluster(NODES, flags=FLAGS))
        soak = Soak(list(cluster.nodes), folder, lambda name, text, *flags: cluster.deploy(
            name, text, *flags, at=[cluster[0]]))
        soak.install()
        return soak

    def judge_figures(self, early, late):
        if not support.SANITIZED:
            self.assertLess(late["resident_kb"], early["resident_kb"] + (load.MAX_GROWTH_BYTES >> 10))
        # Connections of clients come and go; what leaks grows with the minutes.
        self.assertLess(late["descriptors"], early["descriptors"] * 1.1 + 20)
        self.assertLess(late["actors"], early["actors"] * 1.1 + 20)
        self.assertLess(late["processes"], early["processes"] + 3)
        self.assertLess(late["threads"], early["threads"] + 1)


if __name__ == "__main__":
    unittest.main()
