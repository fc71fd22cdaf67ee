"""Instances come from started workers that wait for code, are kept at their minimum, never exceed their maximum, make room
for each other, and go when nobody calls."""
import json
import os
import time
import unittest

import support

HANDLER = """
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
exports.handler = async (event) => {
  const {act, ms} = event.queryStringParameters ?? {};
  if (act === 'sleep') await sleep(Number(ms));
  if (act === 'exit') process.exit(1);
  return String(process.pid);
};"""


class PoolCase(unittest.TestCase):
    def pid_of(self, node, path="/f"):
        status, _, body = node.request("GET", path)
        self.assertEqual(status, 200, body)
        return int(body)

    def ready(self, node, name="f"):
        return json.loads(node.admin("GET", "/v1/functions/" + name)[2])["instances"]["ready"]

    def figures(self, node):
        return json.loads(node.admin("GET", "/v1/node")[2])["instances"]

    def wait_for(self, what, condition):
        return support.wait_until(condition, what, 20)


class StemCellTest(PoolCase):
    def test_a_cold_start_takes_over_a_process_that_ran_before(self):
        with support.Node(stem_cells=True) as node:
            node.deploy_files("f", HANDLER)
            self.wait_for("a generic worker", lambda: self.figures(node)["generic"] >= 1)
            before = set(node.pids())
            node.deploy_files("g", HANDLER)
            self.assertIn(self.pid_of(node, "/g"), before)
            self.wait_for("another generic worker", lambda: self.figures(node)["generic"] >= 1)

    def test_none_wait_before_a_function_is_deployed_and_none_after_the_last_is_gone(self):
        with support.Node(stem_cells=True) as node:
            self.assertEqual(self.figures(node)["generic"], 0)
            node.deploy_files("f", HANDLER)
            self.wait_for("a generic worker", lambda: self.figures(node)["generic"] >= 1)
            node.run("remove", "f", check=True)
            self.wait_for("the end of all workers", lambda: self.figures(node)["generic"] == 0 and
                          len(node.pids()) == 2)

    def test_a_killed_generic_worker_is_never_given_a_call(self):
        with support.Node(stem_cells=True) as node:
            node.deploy_files("f", HANDLER)
            used = self.pid_of(node)
            self.wait_for("a generic worker", lambda: self.figures(node)["generic"] >= 1)
            killed = []
            for pid in node.pids():
                with open(f"/proc/{pid}/cmdline", "rb") as command:
                    if b"worker.cjs" in command.read() and pid != used:
                        os.kill(pid, 9)
                        killed.append(pid)
            # It waits at a lower priority, and dies as late on a machine that is busy.
            support.wait_until(lambda: not any(map(support.is_alive, killed)), "their end", interval_s=0.001)
            node.deploy_files("g", HANDLER)
            self.assertTrue(support.is_alive(self.pid_of(node, "/g")))


class PriorityTest(PoolCase):
    def test_a_loaded_worker_has_the_nodes_priority_in_all_its_threads(self):
        with support.Node(stem_cells=True) as node:
            node.deploy_files("f", HANDLER)
            pid = self.pid_of(node)
            nice = {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in os.listdir(f"/proc/{pid}/task")}
            self.assertEqual(nice, {os.getpriority(os.PRIO_PROCESS, node.pid)})
            if os.geteuid() != 0:
                return  # without privileges nothing is lowered, as it could not be undone
            self.wait_for("a generic worker", lambda: self.figures(node)["generic"] >= 1)
            lowered = [other for other in node.pids()
                       if os.getpriority(os.PRIO_PROCESS, other) == os.getpriority(os.PRIO_PROCESS, node.pid) + 10]
            self.assertEqual(len(lowered), 1)


class MinimumTest(PoolCase):
    def test_is_kept_without_calls_over_crashes_idle_times_and_restarts(self):
        with support.TempDir() as data:
            with support.Node("--set", "idle_timeout=1s", data_dir=data) as node:
                node.deploy_files("f", HANDLER, "--min-instances", "3")
                self.wait_for("three instances", lambda: self.ready(node) == 3)
                pid = self.pid_of(node)
                node.request("GET", "/f?act=exit")
                self.wait_for("the end of the crashed one", lambda: not support.is_alive(pid))
                self.wait_for("three instances after a crash", lambda: self.ready(node) == 3)
                kept = {int(body) for _, _, body in support.parallel(3, lambda _: node.request(
                    "GET", "/f?act=sleep&ms=300"))}
                end = time.monotonic() + 2.5
                while time.monotonic() < end:  # longer than the idle timeout: nothing may go meanwhile
                    self.assertEqual(self.ready(node), 3)
                    time.sleep(0.05)
                self.assertTrue(all(map(support.is_alive, kept)))
                node.terminate()
            with support.Node(data_dir=data) as node:
                self.wait_for("three instances after the restart", lambda: self.ready(node) == 3)


class MaximumTest(PoolCase):
    def test_bounds_instances_and_the_rest_waits_its_turn(self):
        with support.Node("--set", "queue.max_age=20s", "--set", "queue.shedding=off") as node:
            node.deploy_files("f", HANDLER, "--max-instances", "2")
            answers = support.parallel(12, lambda _: node.request("GET", "/f?act=sleep&ms=150"))
            self.assertEqual({status for status, _, _ in answers}, {200})
            self.assertLessEqual(len({body for _, _, body in answers}), 2)

    def test_is_checked_with_the_minimum(self):
        with support.Node() as node:
            done = node.deploy_files("f", HANDLER, "--min-instances", "3", "--max-instances", "2", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("min instances 3 are more than max instances 2", done.stderr)


class IdleTest(PoolCase):
    def test_goes_to_zero_and_comes_back(self):
        with support.Node("--set", "idle_timeout=1s") as node:
            node.deploy_files("f", HANDLER)
            pid = self.pid_of(node)
            self.wait_for("no instance", lambda: self.ready(node) == 0 and not support.is_alive(pid))
            self.wait_for("its memory given back", lambda: self.figures(node)["memory_mb"] == 0)
            self.assertNotEqual(self.pid_of(node), pid)

    def test_the_instance_used_last_is_used_next_and_the_others_fall_idle(self):
        with support.Node("--set", "idle_timeout=2s", "--set", "queue.max_age=20s", "--set", "queue.shedding=off") as node:
            node.deploy_files("f", HANDLER, "--min-instances", "0")
            support.parallel(8, lambda _: node.request("GET", "/f?act=sleep&ms=300"))
            self.wait_for("several instances", lambda: self.ready(node) > 1)
            # One call at a time needs one instance only.
            self.wait_for("one instance left", lambda: self.pid_of(node) and self.ready(node) == 1)


class MemoryTest(PoolCase):
    def test_idle_instances_make_room_and_busy_ones_do_not(self):
        with support.Node("--set", "instance_memory=300MiB") as node:
            for name in ("a", "b", "c"):  # each is started by its deployment: the third needs the room of the first
                node.deploy_files(name, HANDLER)
            self.assertLessEqual(self.figures(node)["memory_mb"], 300)
            self.assertEqual(sum(self.ready(node, name) for name in ("a", "b", "c")), 2)
            self.assertEqual([node.request("GET", "/" + name)[0] for name in ("a", "b", "c", "a")], [200] * 4)
            busy = support.parallel(3, lambda i: node.request("GET", ("/a?act=sleep&ms=1500", "/b?act=sleep&ms=1500",
                                                                      "/c")[i], timeout_s=30))
            self.assertEqual([status for status, _, _ in busy][:2], [200, 200])

    def test_the_old_code_of_a_function_makes_room_for_the_new(self):
        with support.Node("--set", "instance_memory=200MiB") as node:
            node.deploy_files("f", HANDLER)
            old = self.pid_of(node)
            node.deploy_files("f", HANDLER + "// changed")
            self.assertNotEqual(self.pid_of(node), old)

    def test_a_minimum_that_found_no_room_is_kept_once_there_is_some(self):
        with support.Node("--set", "instance_memory=200MiB") as node:
            node.deploy_files("other", HANDLER, "--min-instances", "1")
            done = node.deploy_files("f", HANDLER, "--min-instances", "1", check=False)
            self.assertEqual(done.returncode, 1)
            node.run("remove", "other", check=True)
            self.wait_for("the minimum", lambda: self.ready(node) == 1)

    def test_no_room_at_all_is_said_at_once(self):
        with support.Node("--set", "instance_memory=200MiB") as node:
            done = node.deploy_files("big", HANDLER, "--memory-mb", "1024", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("memory for instances is used up", done.stderr)
            status, headers, _ = node.request("GET", "/big")
            self.assertEqual((status, headers["x-troupe-error"]), (503, "no_capacity"))
            self.assertIn("retry-after", headers)

    def test_less_than_a_megabyte_is_not_the_default(self):
        with support.Node("--set", "instance_memory=1MB") as node:  # a little less than one of 2^20 bytes
            done = node.deploy_files("f", HANDLER, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("memory for instances is used up", done.stderr)
            self.assertEqual(self.figures(node)["memory_mb"], 0)


if __name__ == "__main__":
    unittest.main()
