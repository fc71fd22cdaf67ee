"""What a node shows of itself at /metrics."""
import concurrent.futures
import os
import unittest

import support
import wire
from metrics import check_with_promtool, metrics_of, metrics_when, page_of, total, values

HANDLER = """exports.handler = async (event) => {
  if (event.rawPath.endsWith('/fail')) throw new Error('on purpose');
  return {statusCode: Number((event.queryStringParameters || {}).status || 200), body: 'fine'};
};
"""
# Loads once the file `start` is there; a call then does what it is told, and waits for a file if it names one.
GATED = """const fs = require('fs');
const wait = (file) => new Promise((done) => {
  const look = () => fs.existsSync(file) ? done() : setTimeout(look, 5);
  look();
});
while (!fs.existsSync('%(folder)s/start')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
exports.handler = async (event) => {
  const {act, gate} = event.queryStringParameters ?? {};
  if (act === 'exit') process.exit(3);
  if (act === 'hang') for (;;) ;
  if (gate) {
    fs.writeFileSync('%(folder)s/' + gate + '-runs', '');
    await wait('%(folder)s/' + gate);
  }
  return {statusCode: 200, body: 'done'};
};
"""
NATIVE = r"""
#include <stdexcept>
#include <string_view>
#include <unistd.h>
#include <troupe/function.hpp>

troupe::response handler(const troupe::request& request, troupe::context&) {
  const std::string_view act = request.path_parameter("act");
  if (act == "fail")
    throw std::runtime_error("on purpose");
  if (act == "slow")
    ::usleep(50'000);
  return troupe::response::text("done");
}
TROUPE_FUNCTION(handler)
"""


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(support.Node())
        self.node.deploy_files("shop", HANDLER, "--route", "GET /shop/{what}")

    def test_what_clients_saw_adds_up(self):
        before = metrics_of(self.node)
        statuses = [self.node.request("GET", path)[0] for path in
                    ["/shop/a"] * 5 + ["/shop/a?status=201", "/shop/a?status=404", "/shop/fail", "/nowhere"]]
        self.assertEqual(statuses, [200] * 5 + [201, 404, 500, 404])
        requests = lambda page, **labels: total(page, "troupe_http_requests_total", **labels)
        after = metrics_when(self.node, lambda page: requests(page) - requests(before) >= len(statuses)
                             and total(page, "troupe_function_invocations_total") >= 8, "all requests are counted")

        def rise(**labels):
            return requests(after, **labels) - requests(before, **labels)
        self.assertEqual(rise(), len(statuses))
        route = {"route": "GET /shop/{what}", "function": "shop"}
        self.assertEqual(rise(status="2xx", **route), 6)
        self.assertEqual(rise(status="4xx", **route), 1)
        self.assertEqual(rise(status="5xx", **route), 1)
        self.assertEqual(rise(status="4xx", route=""), 1)
        self.assertEqual(total(after, "troupe_http_request_errors_total", cause="function_error", **route), 1)
        self.assertEqual(total(after, "troupe_http_request_errors_total", cause="no_such_route"), 1)
        self.assertEqual(total(after, "troupe_http_request_duration_seconds_count", **route), 8)
        # The same at the place where they ran.
        self.assertEqual(values(after, "troupe_function_invocations_total", "result", function="shop"),
                         {"ok": 7, "function_error": 1})
        self.assertEqual(total(after, "troupe_function_run_duration_seconds_count", function="shop"), 8)

    def test_a_client_that_leaves_is_counted_as_aborted(self):
        folder = self.enterContext(support.TempDir())
        support.write_files(folder, {"start": ""})
        self.node.deploy_files("slow", GATED % {"folder": folder})
        client = self.node.connect()
        client.send(wire.get("/slow?gate=g"))
        support.wait_until(lambda: os.path.exists(f"{folder}/g-runs"), "the call runs")
        client.reset()
        support.wait_until(lambda: total(metrics_of(self.node), "troupe_http_requests_total", status="aborted") == 1,
                           "the request counts as aborted")
        # It runs to its end nevertheless.
        self.assertEqual(total(metrics_of(self.node), "troupe_function_invocations_total", function="slow"), 0)
        support.write_files(folder, {"g": ""})
        support.wait_until(lambda: values(metrics_of(self.node), "troupe_function_invocations_total", "result",
                                          function="slow") == {"ok": 1}, "the call ends")

    def test_calls_of_the_lambda_api_show_where_they_run(self):
        self.assertEqual(self.node.run("invoke", "shop", "--payload", '{"rawPath": "/"}').returncode, 0)
        seen = metrics_when(self.node, lambda page: total(page, "troupe_function_invocations_total"), "the call is counted")
        self.assertEqual(values(seen, "troupe_function_invocations_total", "result", function="shop"), {"ok": 1})
        self.assertEqual(total(seen, "troupe_http_requests_total"), 0)

    def test_what_alerts_look_at_begins_at_zero(self):
        seen = metrics_of(self.node)
        for name, labels in (("troupe_http_requests_total", {"status": "5xx", "function": "shop", "route": "GET /shop/{what}"}),
                             ("troupe_http_requests_total", {"status": "5xx", "function": "", "route": ""}),
                             *(("troupe_function_invocations_total", {"result": each, "function": "shop"})
                               for each in ("function_error", "function_crashed", "function_timeout", "memory_exceeded",
                                            "answer_too_large")),
                             ("troupe_function_refusals_total", {"cause": "overloaded", "function": "shop"}),
                             ("troupe_function_refusals_total", {"cause": "no_capacity", "function": "shop"}),
                             *(("troupe_http_clients_turned_away_total", {"reason": each})
                               for each in ("connections", "descriptors", "memory", "slow_reader"))):
            self.assertEqual(seen.get((name, tuple(sorted(labels.items())))), 0, (name, labels))

    def test_nothing_that_clients_send_becomes_a_label(self):
        def ask(methods, paths):
            with self.node.connect() as client:
                statuses = [client.exchange(wire.get(path)).status for path in paths]
            for method in methods:
                with self.node.connect() as client:
                    statuses.append(client.exchange(f"{method} /shop/a HTTP/1.1\r\nhost: a\r\n\r\n").status)
            return statuses

        def series(count):
            page = metrics_when(self.node, lambda each: total(each, "troupe_http_requests_total") == count,
                                f"{count} requests are counted")
            return {each for each in page if each[0].startswith("troupe_http_")}
        self.assertEqual(ask(["BREW"], ["/first", "/shop/first"]), [404, 200, 501])
        before = series(3)
        paths = [f"{'/shop' * (i % 2)}/random{i}" for i in range(300)]
        self.assertEqual(ask([f"RANDOM{i}" for i in range(100)], paths), [404, 200] * 150 + [501] * 100)
        self.assertEqual(series(403), before)
        self.assertNotIn("random", page_of(self.node).lower())

    def test_without_metrics_of_requests_the_page_says_what_the_node_does(self):
        self.node.close()
        self.node = self.enterContext(support.Node("--set", "metrics.requests=off"))
        folder = self.enterContext(support.TempDir())
        support.write_files(folder, {"start": ""})
        self.node.deploy_files("slow", GATED % {"folder": folder}, "--max-instances", "1", "--timeout-s", "1")
        self.node.deploy(support.build_native(NATIVE, folder, "native"), "--route", "GET /native/{act}")
        statuses = [self.node.request("GET", path)[0] for path in
                    ("/slow", "/slow?act=exit", "/slow?act=hang", "/native/ok", "/native/fail", "/nowhere")]
        self.assertEqual(statuses, [200, 500, 500, 200, 500, 404])
        ends = lambda page: values(page, "troupe_function_instance_ends_total", "reason", function="slow")
        seen = metrics_when(self.node, lambda page: ends(page) == {"crashed": 1, "timed_out": 1}, "the ends")
        self.assertEqual({name for name, _ in seen if name.startswith("troupe_http_")},
                         {"troupe_http_connections", "troupe_http_connections_limit", "troupe_http_clients_turned_away_total"})
        counted = tuple(f"troupe_function_{each}" for each in
                        ("invocations", "refusals", "run_duration", "queue_duration", "cold_starts"))
        self.assertEqual([name for name, _ in seen if name.startswith(counted)], [])
        self.assertEqual(values(seen, "troupe_function_execution_class", "class", function="native"),
                         {"compute": 1})
        check_with_promtool(self, page_of(self.node))

    def test_promtool_finds_nothing_to_say(self):
        self.node.request("GET", "/shop/a")
        check_with_promtool(self, page_of(self.node))

    def test_counts_outlive_a_deployment_and_end_with_the_function(self):
        self.node.request("GET", "/shop/a")
        self.node.deploy_files("shop", HANDLER + "// again", "--route", "GET /shop/{what}")
        support.wait_until(lambda: self.node.request("GET", "/shop/a")[0] == 200, "an answer of the new version")
        for name in ("troupe_http_requests_total", "troupe_function_invocations_total"):
            metrics_when(self.node, lambda page, each=name: total(page, each, function="shop") >= 2,
                         f"{name} has the calls of both versions")
        self.node.run("remove", "shop", check=True)
        support.wait_until(lambda: not any(("function", "shop") in labels for _, labels in metrics_of(self.node)),
                           "no series of a function that is gone")


class InstancesTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())
        self.node = self.enterContext(support.Node())
        self.threads = self.enterContext(concurrent.futures.ThreadPoolExecutor(2))

    def states(self):
        return values(metrics_of(self.node), "troupe_function_instances", "state", function="f")

    def ends(self):
        return values(metrics_of(self.node), "troupe_function_instance_ends_total", "reason", function="f")

    def wait_states(self, **wanted):
        support.wait_until(lambda: self.states() == wanted, f"instances are {wanted}")

    def wait_results(self, **wanted):
        support.wait_until(lambda: values(metrics_of(self.node), "troupe_function_invocations_total", "result",
                                          function="f") == wanted, f"calls ended {wanted}")

    def deploy(self, *arguments, comment=""):
        self.node.deploy_files("f", GATED % {"folder": self.folder} + f"// {comment}\n", *arguments)

    def open_gate(self, name):
        support.write_files(self.folder, {name: ""})

    def test_each_state_of_an_instance_shows(self):
        deployed = self.threads.submit(self.deploy)
        self.wait_states(starting=1)
        self.open_gate("start")
        deployed.result(support.PATIENCE_S)
        self.wait_states(idle=1)
        answer = self.threads.submit(self.node.request, "GET", "/f?gate=first")
        self.wait_states(busy=1)
        self.assertEqual(total(metrics_of(self.node), "troupe_function_outstanding_calls", function="f"), 1)
        # A new version takes over while the old one has a call.
        self.deploy(comment="again")
        self.wait_states(idle=1, stopping=1)
        self.open_gate("first")
        self.assertEqual(answer.result(support.PATIENCE_S)[0], 200)
        self.wait_states(idle=1)
        support.wait_until(lambda: self.ends() == {"stopped": 1}, "the end of the old instance")
        seen = metrics_of(self.node)
        self.assertEqual(total(seen, "troupe_function_instance_starts_total", function="f"), 2)
        self.assertEqual(total(seen, "troupe_function_start_duration_seconds_count", function="f"), 2)

    def test_instances_that_end_by_themselves_are_told_apart(self):
        self.open_gate("start")
        self.deploy("--timeout-s", "1")
        self.assertEqual(self.node.request("GET", "/f?act=exit")[0], 500)
        support.wait_until(lambda: self.ends() == {"crashed": 1}, "the crash")
        support.wait_until(lambda: self.node.request("GET", "/f")[0] == 200, "another instance")
        self.assertEqual(self.node.request("GET", "/f?act=hang")[0], 500)
        support.wait_until(lambda: self.ends() == {"crashed": 1, "timed_out": 1}, "the timeout")
        self.wait_results(ok=1, function_crashed=1, function_timeout=1)

    def test_a_call_that_no_instance_took_is_a_refusal_and_how_long_it_waits_shows(self):
        self.node.close()
        self.node = self.enterContext(support.Node("--set", "queue.max_calls=1"))
        self.open_gate("start")
        self.deploy("--max-instances", "1")
        clients = [self.node.connect() for _ in range(3)]
        clients[0].send(wire.get("/f?gate=last"))
        self.wait_states(busy=1)
        clients[1].send(wire.get("/f"))
        support.wait_until(lambda: total(metrics_of(self.node), "troupe_function_queue_age_seconds", function="f") > 0,
                           "the age of the queue")
        self.assertEqual(clients[2].exchange(wire.get("/f")).status, 503)
        refusals = lambda page: values(page, "troupe_function_refusals_total", "cause", function="f")
        self.assertEqual(refusals(metrics_when(self.node, refusals, "a refusal is counted")), {"overloaded": 1})
        self.open_gate("last")
        self.assertEqual([client.response().status for client in clients[:2]], [200, 200])
        self.wait_results(ok=2)
        for client in clients:
            client.close()

    def test_a_stem_cell_shows_until_it_becomes_an_instance(self):
        self.node.close()
        self.node = self.enterContext(support.Node(stem_cells=True))
        self.open_gate("start")
        self.deploy()
        support.wait_until(lambda: values(metrics_of(self.node), "troupe_workers", "state") == {"ready": 1, "generic": 1},
                           "an instance, and a stem cell beside it")


class NativeTest(unittest.TestCase):
    """Functions in the node's own process, which have no instances that could be counted."""

    def deploy(self, node, word):
        with support.TempDir() as folder:
            path = support.build_native(NATIVE.replace("return", word), folder, "f")
            node.deploy(path, "--name", "f", "--route", "GET /f/{act}")

    def test_calls_failures_and_run_times_of_each_function_show(self):
        with support.Node(loops=2) as node:
            self.deploy(node, "return")
            ask = lambda act: node.request("GET", f"/f/{act}")[0]
            self.assertEqual([ask("well") for _ in range(5)] + [ask("fail"), ask("slow")], [200] * 5 + [500, 200])
            invocations = lambda page: total(page, "troupe_function_invocations_total", function="f")
            seen = metrics_when(node, lambda page: invocations(page) >= 7, "all calls are counted")
            self.assertEqual(values(seen, "troupe_function_invocations_total", "result", function="f"),
                             {"ok": 6, "function_error": 1})
            self.assertEqual(total(seen, "troupe_function_run_duration_seconds_count", function="f"), 7)
            self.assertGreaterEqual(total(seen, "troupe_function_run_duration_seconds_sum", function="f"), 0.05)
            self.assertEqual(total(seen, "troupe_function_instances", function="f"), 0)

            self.deploy(node, "return /* anew */")
            self.assertEqual(ask("well"), 200)
            seen = metrics_when(node, lambda page: invocations(page) >= 8, "the call of the new version is counted")
            self.assertEqual(total(seen, "troupe_function_invocations_total", function="f", result="ok"), 7)
            node.run("remove", "f", check=True)
            support.wait_until(lambda: not any(("function", "f") in labels for _, labels in metrics_of(node)),
                               "no series of a function that is gone")


class ColdStartTest(unittest.TestCase):
    def test_a_call_that_waits_for_a_start_counts_as_cold_and_the_next_does_not(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            node.terminate()
            node.start()
            self.assertEqual([node.request("GET", "/f")[0] for _ in range(3)], [200] * 3)
            seen = metrics_when(node, lambda page: min(total(page, name, function="f") for name in (
                "troupe_http_requests_total", "troupe_function_invocations_total")) >= 3, "all calls are counted")
            for name in ("troupe_http_cold_starts_total", "troupe_function_cold_starts_total"):
                self.assertEqual(total(seen, name, function="f"), 1, name)


if __name__ == "__main__":
    unittest.main()
