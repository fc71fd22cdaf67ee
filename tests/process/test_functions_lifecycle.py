"""Instances over their whole life: what replaces them, what times them out, what is left of them afterwards."""
import threading
import time
import unittest

import support

SLEEPER = """exports.handler = async (event) => {
  await new Promise((done) => setTimeout(done, Number((event.queryStringParameters ?? {}).ms ?? 0)));
  return { pid: process.pid };
};"""


def workers(node):
    """The pids of the node's Node.js processes."""
    found = []
    for pid in support.descendants(node.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"worker.cjs" in file.read():
                    found.append(pid)
        except OSError:
            pass  # ended meanwhile
    return found


def ready_instances(node):
    (function,) = support.json.loads(node.run("list", "--json").stdout)["functions"]
    return function["instances"]["ready"]


class LifecycleTest(unittest.TestCase):
    def test_a_function_that_becomes_native_leaves_no_worker_behind(self):
        with support.Node() as node:
            node.deploy_files("f", SLEEPER, "--route", "GET /f")
            self.assertEqual(len(workers(node)), 1)
            node.deploy(support.NATIVE_HELLO, "--name", "f", "--route", "GET /f")
            support.wait_until(lambda: not workers(node), "end of the worker of the old version")
            self.assertEqual(node.request("GET", "/f")[0], 200)

    def test_calls_that_waited_for_the_start_are_timed_out_together(self):
        slow_start = "const until = Date.now() + 700; while (Date.now() < until);\n"
        with support.Node() as node:
            node.deploy_files("f", slow_start + SLEEPER, "--route", "GET /f", "--timeout-s", "1", "--concurrency", "10")
            for pid in workers(node):
                support.os.kill(pid, support.signal.SIGKILL)
            support.wait_until(lambda: "instance_ended" in node.log(), "the node's notice of the worker's end")
            answers = support.parallel(3, lambda _: node.request("GET", "/f?ms=20000", timeout_s=15))
            self.assertEqual([status for status, _, _ in answers], [500, 500, 500])
            for _, headers, _ in answers:
                self.assertEqual(headers["x-troupe-error"], "function_timeout")

    def test_calls_that_waited_for_the_start_get_their_turn_when_it_took_long(self):
        slow_start = "const until = Date.now() + 1500; while (Date.now() < until);\n"
        with support.Node() as node:
            node.deploy_files("f", slow_start + SLEEPER, "--route", "GET /f")
            node.deploy_files("f", slow_start + SLEEPER + "// again", "--route", "GET /f")
            (pid,) = support.wait_until(lambda: len(workers(node)) == 1 and workers(node), "one worker")
            support.os.kill(pid, support.signal.SIGKILL)
            support.wait_until(lambda: "instance_ended" in node.log(), "the node's notice of its end")
            answers = support.parallel(8, lambda _: node.request("GET", "/f?ms=20", timeout_s=30))
            self.assertEqual([status for status, _, _ in answers], [200] * 8)

    def test_updates_under_load_fail_no_request_and_leak_no_worker(self):
        # Eight clients at a time are more than the instances of a busy machine take at once: that is not the claim.
        with support.Node("--set", "queue.shedding=off", loops=2) as node:
            node.deploy_files("f", SLEEPER, "--route", "GET /f")
            stop = threading.Event()
            wrong = []

            def load():
                while not stop.is_set():
                    status, headers, body = node.request("GET", "/f?ms=2")
                    if status != 200:
                        wrong.append((status, headers, body))

            clients = [threading.Thread(target=load) for _ in range(8)]
            for client in clients:
                client.start()
            try:
                for version in range(6):
                    node.deploy_files("f", SLEEPER + f"// {version}", "--route", "GET /f")
            finally:
                stop.set()
                for client in clients:
                    client.join()
            self.assertEqual(wrong, [])
            support.wait_until(lambda: len(workers(node)) == ready_instances(node), "end of the old versions' workers", 20)

    def test_a_node_stops_cleanly_while_a_removed_function_still_runs(self):
        with support.Node("--set", "drain.timeout=300ms") as node:
            node.deploy_files("f", SLEEPER, "--route", "GET /f", "--timeout-s", "60")
            caller = threading.Thread(target=lambda: node.request("GET", "/f?ms=50000"))
            caller.start()
            support.wait_until(lambda: node.request("GET", "/f?ms=0")[0] == 200, "a second instance")
            node.run("remove", "f")
            began = time.monotonic()
            node.process.send_signal(support.signal.SIGTERM)
            self.assertEqual(node.process.wait(15), 0)
            self.assertLess(time.monotonic() - began, 8)
            caller.join()

    def test_a_flood_of_output_does_not_hold_up_other_functions(self):
        flood = """const line = 'x'.repeat(4000) + '\\n';
        exports.handler = async () => {
          const until = Date.now() + 3000;
          while (Date.now() < until) process.stdout.write(line);
          return 'done';
        };"""
        with support.Node() as node:
            node.deploy_files("flood", flood, "--route", "GET /flood", "--timeout-s", "20")
            node.deploy_files("quick", SLEEPER, "--route", "GET /quick")
            flooder = threading.Thread(target=lambda: node.request("GET", "/flood"))
            flooder.start()
            slowest = 0.0
            while flooder.is_alive():
                began = time.monotonic()
                self.assertEqual(node.request("GET", "/quick")[0], 200)
                slowest = max(slowest, time.monotonic() - began)
            flooder.join()
            self.assertLess(slowest, 1.0)


if __name__ == "__main__":
    unittest.main()
