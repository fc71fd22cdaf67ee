"""An event loop that a native function holds: the node says that it is not ready, and ends when that goes on beyond the
function's timeout. The same for compute loops, once calls beyond their timeouts have all of them and others wait. A node
that was stopped as a whole is not at fault, nor is what runs when it is told to stop."""
import json
import os
import signal
import time
import unittest

import support
import wire
from cluster import Cluster
from metrics import metrics_of, metrics_when, total

# Tells by a file that it runs, and runs until there is another one.
HANDLER = r"""
#include <fcntl.h>
#include <string>
#include <troupe/function.hpp>
#include <unistd.h>

troupe::response handler(const troupe::request& request, troupe::context&) {
  const std::string gate{request.raw_query()};
  if (gate.empty())
    return troupe::response::text("at once");
  close(open((gate + ".runs").c_str(), O_CREAT | O_WRONLY, 0600));
  while (access(gate.c_str(), F_OK) != 0)
    usleep(1000);
  return troupe::response::text("done");
}
TROUPE_FUNCTION(handler)
"""
INLINE = ("--set", "native.execution=inline")
COMPUTE = ("--set", "native.execution=compute", "--set", "native.compute_loops=1")


class WatchdogCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.object = support.build_native(HANDLER, cls.folder, "f")

    def setUp(self):
        self.gate = os.path.join(self.enterContext(support.TempDir()), "gate")

    def deploy(self, node, timeout_s):
        node.deploy(self.object, "--name", "f", "--timeout-s", str(timeout_s))

    def hold(self, client, gate=None):
        """Sends a call and comes back when it runs."""
        gate = gate or self.gate
        client.send(wire.get("/f?" + gate))
        support.wait_until(lambda: os.path.exists(gate + ".runs"), "the call runs")

    def release(self, gate=None):
        folder, name = os.path.split(gate or self.gate)
        support.write_files(folder, {name: ""})

    def until_ready(self, node, wanted):
        def there():
            status, _, body = node.admin("GET", "/readyz")
            return (status, body.decode().strip()) == wanted
        support.wait_until(there, f"/readyz says {wanted}", interval_s=0.01)


class InlineTest(WatchdogCase):
    def setUp(self):
        super().setUp()
        self.node = self.enterContext(support.Node(*INLINE))
        self.client = self.enterContext(self.node.connect())

    def test_a_call_that_never_ends_takes_the_node_out_of_service_and_then_ends_it(self):
        self.deploy(self.node, 5)
        began = time.monotonic()
        self.hold(self.client)

        self.until_ready(self.node, (503, "stalled"))
        noticed_s = time.monotonic() - began
        self.assertEqual(self.node.process.wait(support.PATIENCE_S), 70)
        ended_s = time.monotonic() - began

        self.assertGreater(noticed_s, 0.4)
        self.assertLess(noticed_s, 4, "half a second, on a machine that is not busy")
        self.assertGreater(ended_s, 4.8, "not before the function's timeout")
        line = next(line for line in self.node.log().splitlines() if "watchdog_ends_node" in line)
        for part in ('"f"', "loop-0", "5000", "70"):
            self.assertIn(part, line)

    def test_a_call_within_its_timeout_only_takes_the_node_out_of_service_for_a_while(self):
        self.deploy(self.node, 120)
        self.hold(self.client)

        self.until_ready(self.node, (503, "stalled"))
        for path, told in (("/v1/node", lambda answer: answer["state"]), ("/v1/nodes", lambda answer: answer[0]["state"])):
            self.assertEqual(told(json.loads(self.node.admin("GET", path)[2])), "stalled", path)
        seen = metrics_of(self.node)
        self.assertEqual(total(seen, "troupe_loop_stalled", loop="loop-0"), 1)
        self.release()
        self.assertEqual(self.client.response().status, 200)
        self.until_ready(self.node, (200, "ready"))

        seen = metrics_of(self.node)
        self.assertEqual(total(seen, "troupe_loop_stalled", loop="loop-0"), 0)
        self.assertGreaterEqual(total(seen, "troupe_loop_stalls_total", loop="loop-0"), 1)
        metrics_when(self.node, lambda page: total(page, "troupe_loop_lateness_seconds_sum", loop="loop-0") > 0.4,
                     "the loop's lateness is counted")
        self.assertIn("loop_moves_again", self.node.log())

    def test_time_in_which_the_whole_process_was_stopped_does_not_count(self):
        self.deploy(self.node, 5)
        self.hold(self.client)
        support.freeze(self.node.pid)
        time.sleep(7)  # that long is what the test is about
        self.release()
        os.kill(self.node.pid, signal.SIGCONT)

        self.assertEqual(self.client.response().status, 200)
        self.until_ready(self.node, (200, "ready"))


class ComputeTest(WatchdogCase):
    def test_a_long_call_on_a_compute_loop_holds_up_nobody(self):
        with support.Node() as node, node.connect() as client:
            self.deploy(node, 1)
            self.hold(client)
            end = time.monotonic() + 2  # beyond the timeout, and four times what a loop may stand still
            while time.monotonic() < end:
                self.assertEqual(node.admin("GET", "/readyz")[0], 200)
                self.assertEqual(node.request("GET", "/f")[0], 200)
            self.release()
            self.assertEqual(client.response().status, 200)

    def test_a_call_keeps_the_timeout_of_its_version(self):
        two_loops = ("--set", "native.execution=compute", "--set", "native.compute_loops=2")
        with support.Node(*two_loops) as node, node.connect() as client, node.connect() as other:
            self.deploy(node, 900)
            self.hold(client)
            self.deploy(node, 1)
            second = self.gate + "-of-the-second-version"
            self.hold(other, second)
            support.wait_until(lambda: total(metrics_of(node), "troupe_compute_loops_overdue") >= 1, "one is overdue")

            lines = [line for line in node.log().splitlines() if "compute_loop_overdue" in line]
            self.assertEqual(len(lines), 1, "the call of the version before has its 900 s")
            self.release(second)
            self.release()
            self.assertEqual(client.response().status, 200)

    def wait_for_overdue(self, node):
        support.wait_until(lambda: total(metrics_of(node), "troupe_compute_loops_overdue") == 1, "the loop is overdue")
        self.assertEqual(node.admin("GET", "/readyz")[0], 200, "nobody misses it yet")
        lines = [line for line in node.log().splitlines() if "compute_loop_overdue" in line]
        self.assertEqual(len(lines), 1, "told once")
        for part in ('"f"', "compute-0"):
            self.assertIn(part, lines[0])

    def test_a_call_that_never_ends_ends_the_node_once_others_wait_for_its_loop(self):
        with support.Node(*COMPUTE) as node, node.connect() as client, node.connect() as other:
            self.deploy(node, 3)
            self.hold(client)
            self.wait_for_overdue(node)
            began = time.monotonic()
            other.send(wire.get("/f"))

            self.until_ready(node, (503, "stalled"))
            self.assertEqual(node.process.wait(support.PATIENCE_S), 70)

            self.assertGreater(time.monotonic() - began, 2.8, "not before the timeout has passed again")
            line = next(line for line in node.log().splitlines() if "watchdog_ends_node" in line)
            for part in ('"f"', "compute-0", "3000", "70"):
                self.assertIn(part, line)
            node.start()
            self.assertIn(" 1\n", read(node, "crashed-objects"), "it is the fault of what held the loop")

    def test_a_loop_that_comes_free_in_time_brings_the_node_back(self):
        with support.Node(*COMPUTE) as node, node.connect() as client, node.connect() as other:
            self.deploy(node, 5)
            self.hold(client)
            self.wait_for_overdue(node)
            other.send(wire.get("/f"))
            self.until_ready(node, (503, "stalled"))
            self.release()

            self.assertEqual(client.response().status, 200)
            self.until_ready(node, (200, "ready"))
            self.assertEqual(node.request("GET", "/f")[0], 200)
            self.assertEqual(total(metrics_of(node), "troupe_compute_loops_overdue"), 0)


def read(node, name):
    with open(os.path.join(node.data_dir, name), encoding="utf-8") as file:
        return file.read()


class StopTest(WatchdogCase):
    """A stop that cannot wait any longer says nothing about the object whose call it waited for."""

    def held_node(self):
        node = self.enterContext(support.Node(*COMPUTE, "--set", "drain.timeout=100ms"))
        self.deploy(node, 900)
        self.hold(self.enterContext(node.connect()))
        return node

    def begins_anew_without_blame(self, node):
        node.start()
        self.assertFalse(os.path.exists(os.path.join(node.data_dir, "crashed-objects")), "the object is not to blame")

    def test_a_stop_that_waits_in_vain_for_a_call_is_not_its_fault(self):
        node = self.held_node()
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.process.wait(support.PATIENCE_S), 1)
        self.assertIn("compute_loop_stuck", node.log())
        self.begins_anew_without_blame(node)

    def test_nor_is_one_that_is_asked_for_twice(self):
        node = self.held_node()
        node.process.send_signal(signal.SIGTERM)
        support.wait_until(lambda: "node_draining" in node.log(), "it goes down")
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.process.wait(support.PATIENCE_S), 1)
        self.assertIn("stopped_at_once", node.log())
        self.begins_anew_without_blame(node)


class ClusterTest(WatchdogCase):
    def test_other_nodes_are_told(self):
        with Cluster(2, list(INLINE)) as cluster:
            held, other = cluster[1], cluster[0]
            self.deploy(other, 120)
            support.wait_until(lambda: held.request("GET", "/f")[0] == 200, "it is known there")
            with held.connect() as client:
                self.hold(client)
                support.wait_until(lambda: other.nodes()[held.name]["state"] == "stalled", "the other node knows")
                self.release()
                self.assertEqual(client.response().status, 200)
            support.wait_until(lambda: other.nodes()[held.name]["state"] == "ready", "it is back")


if __name__ == "__main__":
    unittest.main()
