"""Native functions inside the node: short ones run on the event loops, long ones on compute loops, by what their calls cost."""
import unittest

import support
import wire
from execution import ExecutionCase
from metrics import metrics_of, total, values


class AdaptiveTest(ExecutionCase):
    def test_the_metrics_show_the_change_both_ways(self):
        node = self.serve()
        self.deploy(node, "f")
        self.assertEqual((self.class_of(node, "f"), self.changes(node, "f")), (["compute"], (0, 0)))

        self.until_class(node, "f", "inline", 1)
        self.assertEqual(self.changes(node, "f"), (1, 0))

        self.until_class(node, "f", "compute", 5_000)
        self.assertEqual(self.changes(node, "f"), (1, 1))

        self.until_class(node, "f", "inline", 1)
        self.assertEqual(self.changes(node, "f"), (2, 1))
        self.assertIn("execution_class_changed", node.log())

    def test_a_function_that_waits_is_never_promoted_and_one_that_begins_to_is_demoted(self):
        node = self.serve()
        self.deploy(node, "waits")
        self.calls(node, "waits", 200, 500, "?sleep")
        self.assertEqual((self.class_of(node, "waits"), self.changes(node, "waits")), (["compute"], (0, 0)))

        self.until_class(node, "waits", "inline", 1)

        self.until_class(node, "waits", "compute", 20_000, "?sleep")

    def test_a_new_version_begins_on_compute_loops_and_a_removed_function_has_no_series(self):
        node = self.serve()
        self.deploy(node, "f")
        self.until_class(node, "f", "inline", 1)

        self.deploy(node, "f", "--timeout-s", "7")

        self.assertEqual(self.class_of(node, "f"), ["compute"])
        node.run("remove", "f", check=True)
        support.wait_until(lambda: self.class_of(node, "f") == [], "the series are gone")

    def test_answers_say_how_long_they_waited_and_ran(self):
        node = self.serve()
        self.deploy(node, "f")
        _, headers, _ = node.request("GET", "/f/5000", headers={"x-troupe-timing": "1"})
        ran_ms = float(headers["server-timing"].rsplit("dur=", 1)[1])
        self.assertGreaterEqual(ran_ms, 5)


class RareCallsTest(ExecutionCase):
    def test_a_long_call_in_a_hundred_is_enough(self):
        """Between the samples of a function that is short otherwise."""
        node = self.serve()
        self.deploy(node, "f")
        self.until_class(node, "f", "inline", 1)
        for _ in range(10):
            self.calls(node, "f", 20_000, 1)
            self.calls(node, "f", 1, 99)
            if self.class_of(node, "f") == ["compute"]:
                return
        self.fail("ten long calls among a thousand left it inline")


class TurnsTest(ExecutionCase):
    def test_a_client_that_sends_many_requests_at_once_leaves_others_their_turn(self):
        node = self.serve("--set", "native.execution=inline")
        self.deploy(node, "f")
        count, each_us = 400, 5_000
        many, other = self.enterContext(node.connect()), self.enterContext(node.connect())
        many.send(wire.get(f"/f/{each_us}") * count)
        self.assertEqual(many.response().status, 200)
        self.assertEqual(other.exchange(wire.get("/f/1")).status, 200)
        # What the first one asked for takes two seconds at least, all of which the other one would have waited.
        seen = sum(values(metrics_of(node), "troupe_function_invocations_total", "result", function="f").values())
        self.assertGreater(seen, 0)
        self.assertLess(seen, count / 2)
        self.assertEqual([many.response().status for _ in range(count - 1)], [200] * (count - 1))


class PinnedTest(ExecutionCase):
    def test_a_setting_pins_the_class(self):
        for setting, which in (("inline", "inline"), ("compute", "compute")):
            with self.subTest(setting), support.Node("--set", f"native.execution={setting}") as node:
                self.deploy(node, "f")
                self.calls(node, "f", 1, 400)
                self.calls(node, "f", 3_000, 10)
                self.assertEqual((self.class_of(node, "f"), self.changes(node, "f")), ([which], (0, 0)))

    def test_a_node_whose_native_functions_have_processes_has_no_compute_loops(self):
        with support.Node(native="process") as node:
            self.deploy(node, "f")
            self.calls(node, "f", 1, 1)
            self.assertEqual(values(metrics_of(node), "troupe_compute_loops", "state"), {})
            self.assertEqual(self.class_of(node, "f"), [])


class QueueTest(ExecutionCase):
    def wait_until_it_runs(self, node):
        """A loop counts as busy as soon as a call is meant for it, which then still waits."""
        def runs(seen):
            return (values(seen, "troupe_compute_loops", "state") == {"busy": 1}
                    and total(seen, "troupe_compute_waiting_calls") == 0)
        support.wait_until(lambda: runs(metrics_of(node)), "it runs")

    def test_calls_beyond_the_queue_are_refused_at_once(self):
        node = self.serve("--set", "native.compute_loops=1", "--set", "queue.max_calls=2", "--set", "queue.max_age=10m",
                          "--set", "queue.shedding=off")
        self.deploy(node, "f")
        clients = [self.enterContext(node.connect()) for _ in range(3)]
        clients[0].send(wire.get("/f/5000000?sleep"))
        self.wait_until_it_runs(node)
        for client in clients[1:]:
            client.send(wire.get("/f/1"))
        support.wait_until(lambda: total(metrics_of(node), "troupe_compute_waiting_calls") == 2, "two calls wait")

        refused = self.enterContext(node.connect()).exchange(wire.get("/f/1"))

        self.assertEqual((refused.status, refused.header("x-troupe-error")), (503, "overloaded"))
        answers = [client.response() for client in clients]
        self.assertEqual([each.status for each in answers], [200] * 3, (answers, node.log()))
        seen = metrics_of(node)
        self.assertEqual(values(seen, "troupe_compute_refusals_total", "cause"), {"full": 1})
        self.assertGreaterEqual(total(seen, "troupe_compute_queue_duration_seconds_sum"), 1)

    def test_a_call_that_waits_too_long_is_refused_while_the_loop_is_busy(self):
        node = self.serve("--set", "native.compute_loops=1", "--set", "queue.max_age=100ms")
        self.deploy(node, "f")
        long_one, late = self.enterContext(node.connect()), self.enterContext(node.connect())
        long_one.send(wire.get("/f/3000000?sleep"))
        self.wait_until_it_runs(node)

        refused = late.exchange(wire.get("/f/1"))

        self.assertEqual((refused.status, refused.header("x-troupe-error")), (503, "overloaded"))
        self.assertEqual(values(metrics_of(node), "troupe_compute_loops", "state"), {"busy": 1}, "it runs still")
        self.assertEqual(long_one.response().status, 200)

    def test_a_long_function_does_not_keep_others_from_their_turns(self):
        node = self.serve("--set", "native.compute_loops=1", "--set", "queue.shedding=off", "--set", "queue.max_age=10m")
        self.deploy(node, "long")
        self.deploy(node, "short")
        clients = [self.enterContext(node.connect()) for _ in range(20)]
        for client in clients:
            client.send(wire.get("/long/100000?sleep"))
        support.wait_until(lambda: total(metrics_of(node), "troupe_compute_waiting_calls") >= 15, "calls wait")

        self.calls(node, "short", 1, 1)

        self.assertGreaterEqual(total(metrics_of(node), "troupe_compute_waiting_calls"), 5, "most still wait")
        self.assertEqual({client.response().status for client in clients}, {200})

    def test_a_node_that_goes_down_answers_what_runs_there(self):
        node = self.serve()
        self.deploy(node, "f")
        client = self.enterContext(node.connect())
        client.send(wire.get("/f/700000?sleep"))
        support.wait_until(lambda: total(metrics_of(node), "troupe_compute_loops", state="busy") == 1, "it runs")
        self.assertEqual(node.terminate(), 0)
        self.assertEqual(client.response().status, 200)


if __name__ == "__main__":
    unittest.main()
