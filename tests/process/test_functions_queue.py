"""Calls that wait, in the node or inside a busy worker: none is forgotten, each has its own time, and a function that does
not get going keeps nobody else from starting."""
import contextlib
import json
import os
import threading
import time
import unittest

import support
import wire
from metrics import metrics_of, total

HANDLER = """
const fs = require('fs');
exports.handler = async (event) => {
  const {act} = event.queryStringParameters ?? {};
  if (act === 'spin') for (;;) ;
  if (act === 'never') return new Promise(() => setInterval(() => {}, 1000));
  while (act === 'gate' && !fs.existsSync(process.env.GATE)) await new Promise((done) => setTimeout(done, 5));
  return String(process.pid);
};"""


class QueueCase(unittest.TestCase):
    @staticmethod
    def hammer(node, seconds, threads=8):
        """Calls back to back from several connections, so that calls wait inside the worker: the statuses by count."""
        statuses, guard = {}, threading.Lock()
        end = time.monotonic() + seconds

        def run(_):
            with node.connect() as client:
                while time.monotonic() < end:
                    status = client.exchange("GET /f HTTP/1.1\r\nhost: a\r\n\r\n").status
                    with guard:
                        statuses[status] = statuses.get(status, 0) + 1
        support.parallel(threads, run)
        return statuses


class RefusedCallTest(QueueCase):
    def test_an_event_that_is_too_large_does_not_stop_the_queue_behind_it(self):
        with support.Node("--set", "queue.max_age=60s", "--set", "queue.shedding=off") as node, support.TempDir() as folder, \
                contextlib.ExitStack() as calls:
            gate = os.path.join(folder, "gate")
            node.deploy_files("f", HANDLER, "--max-instances", "1", "--timeout-s", "60", "--env", f"GATE={gate}")
            clients = [calls.enter_context(node.connect()) for _ in range(5)]
            clients[0].send(wire.get("/f?act=gate"))
            support.wait_until(lambda: any(line.startswith("START ") for line in node.logs("f")), "start of the call")
            clients[1].send(wire.post(b"\xff" * 6_000_000, "/f"))  # in base64 above what a worker takes
            support.wait_until(lambda: wire.has_arrived(clients[1]), "the whole body at the node")
            fence = calls.enter_context(contextlib.closing(wire.Fence(node)))
            fence.wait()
            for client in clients[2:]:
                client.send(wire.get("/f"))
            fence.wait()
            with open(gate, "w", encoding="utf-8"):
                pass
            self.assertEqual([client.response().status for client in clients], [200, 413, 200, 200, 200])


class WaitingBodiesTest(QueueCase):
    def test_those_of_all_functions_have_one_bound_that_a_reload_moves(self):
        with support.TempDir() as folder, contextlib.ExitStack() as held:
            gate, settings = os.path.join(folder, "gate"), os.path.join(folder, "troupe.yaml")

            def write(memory):
                support.write_files(folder, {"troupe.yaml": f"edge.max_body_memory: {memory}\n"
                                                            "edge: {max_body_bytes: 4MB, answer_timeout: 15m}\n"
                                                            "queue: {max_age: 15m, shedding: 'off'}\n"})
            write("10MB")
            node = held.enter_context(support.Node("--config", settings, loops=2))
            names = ("a", "b", "c")
            for name in names:
                node.deploy_files(name, HANDLER, "--max-instances", "1", "--timeout-s", "60", "--env", f"GATE={gate}")

            def ask(request):
                client = held.enter_context(node.connect())
                client.send(request)
                return client

            def held_bytes():
                return total(metrics_of(node), "troupe_queued_body_bytes")
            running = [ask(wire.get(f"/{name}?act=gate")) for name in names]
            for name in names:
                support.wait_until(lambda name=name: any(line.startswith("START ") for line in node.logs(name)),
                                   "start of the call")
            body = b"b" * 4_000_000
            waiting = [ask(wire.post(body, "/a"))]
            support.wait_until(lambda: held_bytes() == 4_000_000, "the first body")
            waiting.append(ask(wire.post(body, "/b")))
            support.wait_until(lambda: held_bytes() == 8_000_000, "the second body")

            refused = ask(wire.post(body, "/c")).response()
            self.assertEqual((refused.status, refused.header("x-troupe-error")), (503, "overloaded"))
            waiting += [ask(wire.get("/c")), ask(wire.post(b"b" * 1_000_000, "/c"))]
            support.wait_until(lambda: held_bytes() == 9_000_000, "a body that finds room, behind a call without one")

            write("100MB")
            node.run("config", "reload", check=True)
            waiting.append(ask(wire.post(body, "/c")))
            support.wait_until(lambda: held_bytes() == 13_000_000, "the third body")

            with open(gate, "w", encoding="utf-8"):
                pass
            self.assertEqual([client.response().status for client in running + waiting], [200] * 8)
            self.assertEqual(held_bytes(), 0)


INVOKE = b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"


class LeftCallTest(QueueCase):
    """A call waits behind another one while its client does something to the connection."""

    def run_behind_another(self, request, leave, on_admin_port=False):
        """How often the function ran for `request`, and what came back: None after a reset."""
        with support.Node("--set", "queue.max_age=60s", "--set", "queue.shedding=off") as node, contextlib.ExitStack() as held:
            gate = os.path.join(held.enter_context(support.TempDir()), "gate")
            node.deploy_files("f", "let runs = 0;" + HANDLER.replace("return String(process.pid)", "return ++runs"),
                              "--max-instances", "1", "--timeout-s", "60", "--env", f"GATE={gate}")
            first = held.enter_context(node.connect())
            first.send(wire.get("/f?act=gate"))
            support.wait_until(lambda: any(line.startswith("START ") for line in node.logs("f")), "start of the call")
            fences = [held.enter_context(contextlib.closing(wire.Fence(node, connect)))
                      for connect in (node.connect_admin, node.connect)]  # an invoke goes from loop to loop
            client = held.enter_context(node.connect_admin() if on_admin_port else node.connect())
            client.send(request)
            for fence in fences:
                fence.wait()
            leave(client)
            for fence in fences:
                fence.wait()
            with open(gate, "w", encoding="utf-8"):
                pass
            self.assertEqual(first.response().body, b"1")
            answer = None if leave == support.RawClient.reset else client.response().body
            return int(node.request("GET", "/f")[2]) - 2, answer

    def test_what_waits_is_dropped_when_its_client_is_gone(self):
        self.assertEqual(self.run_behind_another(wire.get("/f"), support.RawClient.reset), (0, None))

    def test_an_invoke_that_waits_is_dropped_when_its_client_is_gone(self):
        self.assertEqual(self.run_behind_another(INVOKE, support.RawClient.reset, on_admin_port=True), (0, None))

    def test_a_client_that_ends_only_its_own_side_gets_its_answer(self):
        for on_admin_port, request in ((False, wire.get("/f")), (True, INVOKE)):
            with self.subTest(on_admin_port=on_admin_port):
                self.assertEqual(self.run_behind_another(request, support.RawClient.half_close, on_admin_port),
                                 (1, b"2"))


class PrefetchTest(QueueCase):
    def test_a_call_that_hangs_among_fast_ones_has_its_own_timeout_and_costs_only_its_worker(self):
        for act in ("never", "spin"):
            with self.subTest(act=act), support.Node("--set", "queue.max_age=20s", "--set", "queue.shedding=off") as node:
                node.deploy_files("f", HANDLER, "--timeout-s", "1", "--max-instances", "1")
                self.assertEqual(set(self.hammer(node, 1.0)), {200})
                outcome = {}

                def hang():
                    began = time.monotonic()
                    status, headers, _ = node.request("GET", f"/f?act={act}")
                    outcome["hung"] = (status, headers.get("x-troupe-error"), time.monotonic() - began)
                hanging = threading.Thread(target=hang)
                load = threading.Thread(target=lambda: outcome.update(load=self.hammer(node, 2.5)))
                load.start()
                hanging.start()
                load.join()
                hanging.join()
                status, cause, took = outcome["hung"]
                # Whoever waits behind a call whose answer the worker has not sent yet shares the worker's fate.
                self.assertEqual(status, 500)
                self.assertIn(cause, ("function_timeout", "function_crashed") if act == "spin" else ("function_timeout",))
                self.assertLess(took, 5)
                # What lay in the worker behind it may have shared its fate; everything else was served.
                failed = sum(count for code, count in outcome["load"].items() if code != 200)
                self.assertLessEqual(failed, 16, outcome["load"])
                self.assertGreater(outcome["load"][200], 100)
                self.assertEqual(node.request("GET", "/f")[0], 200)

    def test_every_call_is_reported_with_a_start_before_its_end(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            self.hammer(node, 1.0)
            begun, ended = set(), set()
            for line in node.logs("f"):
                if line.startswith("START RequestId: "):
                    begun.add(line.split()[2])
                elif line.startswith("END RequestId: "):
                    ended.add(line.split()[2])
            # The ring forgets the oldest: at most one call's START.
            self.assertLessEqual(len(ended - begun), 1)
            self.assertLessEqual(len(begun - ended), 1)
            self.assertGreater(len(ended), 100)


class StuckStartTest(QueueCase):
    def test_processes_that_never_get_going_keep_no_other_function_from_starting(self):
        with support.Node() as node:
            with support.TempDir() as folder:
                support.write_files(folder, {"index.js": HANDLER})
                stuck = [threading.Thread(target=lambda i=i: node.run(
                    "deploy", folder, "--name", f"stuck{i}", "--env", "NODE_OPTIONS=--inspect-brk=127.0.0.1:0"))
                    for i in range(4)]
                for each in stuck:
                    each.start()
                support.wait_until(lambda: len(json.loads(node.admin("GET", "/v1/functions")[2])["functions"]) == 4,
                                   "four functions that hang when they start")
                began = time.monotonic()
                node.deploy_files("f", HANDLER)
                self.assertEqual(node.request("GET", "/f")[0], 200)
                self.assertLess(time.monotonic() - began, 8)
                for each in stuck:
                    each.join()
            status, headers, _ = node.request("GET", "/stuck0")
            self.assertEqual((status, headers["x-troupe-error"]), (500, "init_failed"))


class RemovedTest(QueueCase):
    def test_removing_a_function_withdraws_the_start_that_waits(self):
        with support.Node() as node:
            with support.TempDir() as folder:
                support.write_files(folder, {"index.js": HANDLER})
                for i in range(30):
                    name = f"gone{i}"
                    deploying = threading.Thread(target=lambda n=name: node.run("deploy", folder, "--name", n))
                    deploying.start()
                    support.wait_until(lambda n=name: node.admin("GET", f"/v1/functions/{n}")[0] == 200 or
                                       not deploying.is_alive(), "the function")
                    node.run("remove", name)
                    deploying.join()
            began = time.monotonic()
            node.deploy_files("f", HANDLER)
            self.assertLess(time.monotonic() - began, 8)
            support.wait_until(lambda: len(node.pids()) == 3, "the node, its spawner and one worker", 10)


if __name__ == "__main__":
    unittest.main()
