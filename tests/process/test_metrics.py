"""What a node shows of itself: /metrics for Prometheus, and a line in the log for each request."""
import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.request

import support
import wire

HANDLER = """exports.handler = async (event) => {
  if (event.rawPath.endsWith('/fail')) throw new Error('on purpose');
  return {statusCode: Number((event.queryStringParameters || {}).status || 200), body: 'fine'};
};
"""
LINE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def metrics_of(node):
    """{(name, sorted labels): value} of the node's page."""
    status, headers, body = node.admin("GET", "/metrics")
    if status != 200 or not headers["content-type"].startswith("text/plain; version=0.0.4"):
        raise AssertionError((status, headers, body[:200]))
    found = {}
    for line in body.decode().splitlines():
        if line and not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            found[name, tuple(sorted(LABEL.findall(labels or "")))] = float(value)
    return found


def total(metrics, name, **labels):
    """The sum of all series of that name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (each, have), value in metrics.items() if each == name and wanted <= set(have))


def requests_logged(node, count):
    """The lines of the access log, once there are `count`."""
    def lines():
        found = [json.loads(line) for line in node.log().splitlines() if '"event":"request"' in line]
        return found if len(found) >= count else None
    return support.wait_until(lines, f"{count} lines of requests")


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(support.Node())
        self.node.deploy_files("shop", HANDLER, "--route", "GET /shop/{what}")

    def test_what_clients_saw_adds_up(self):
        before = metrics_of(self.node)
        statuses = [self.node.request("GET", path)[0] for path in
                    ["/shop/a"] * 5 + ["/shop/a?status=201", "/shop/a?status=404", "/shop/fail", "/nowhere"]]
        self.assertEqual(statuses, [200] * 5 + [201, 404, 500, 404])
        after = metrics_of(self.node)

        def rise(**labels):
            return (total(after, "troupe_http_requests_total", **labels)
                    - total(before, "troupe_http_requests_total", **labels))
        self.assertEqual(rise(), len(statuses))
        route = {"route": "GET /shop/{what}", "function": "shop"}
        self.assertEqual(rise(status="2xx", **route), 6)
        self.assertEqual(rise(status="4xx", **route), 1)
        self.assertEqual(rise(status="5xx", **route), 1)
        self.assertEqual(rise(status="4xx", route=""), 1)
        self.assertEqual(total(after, "troupe_http_request_errors_total", cause="function_error", **route), 1)
        self.assertEqual(total(after, "troupe_http_request_errors_total", cause="no_such_route"), 1)
        self.assertEqual(total(after, "troupe_http_request_duration_seconds_count", **route), 8)
        self.assertEqual(total(after, "troupe_function_instances", function="shop"), 1)

    def test_a_client_that_leaves_is_counted_as_aborted(self):
        gate = os.path.join(self.enterContext(support.TempDir()), "gate")
        self.node.deploy_files("slow", "exports.handler = async () => { const fs = require('fs');"
                               f"fs.writeFileSync('{gate}', ''); await new Promise((r) => setTimeout(r, 2000)); }};")
        client = self.node.connect()
        client.send(wire.get("/slow"))
        support.wait_until(lambda: os.path.exists(gate), "the call runs")
        client.reset()
        support.wait_until(lambda: total(metrics_of(self.node), "troupe_http_requests_total", status="aborted") == 1,
                           "the request counts as aborted")

    def test_promtool_finds_nothing_to_say(self):
        self.node.request("GET", "/shop/a")
        page = self.node.admin("GET", "/metrics")[2]
        told = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=60, check=False)
        self.assertEqual((told.returncode, told.stdout, told.stderr), (0, b"", b""))

    def test_a_real_prometheus_scrapes_it(self):
        self.node.request("GET", "/shop/a")
        folder = self.enterContext(support.TempDir())
        support.write_files(folder, {"prometheus.yml": json.dumps({
            "global": {"scrape_interval": "200ms"},
            "scrape_configs": [{"job_name": "troupe", "static_configs": [
                {"targets": [self.node.admin_address]}]}]})})
        port = support.free_ports(1)[0]
        server = subprocess.Popen(
            [shutil.which("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

        def scraped():
            query = f"http://127.0.0.1:{port}/api/v1/query?query=troupe_http_requests_total%7Bfunction%3D%22shop%22%7D"
            try:
                with urllib.request.urlopen(query, timeout=5) as answer:
                    return json.load(answer)["data"]["result"]
            except OSError:
                return None
        result = support.wait_until(scraped, "Prometheus has the series")
        self.assertEqual(result[0]["metric"]["route"], "GET /shop/{what}")

    def test_counts_outlive_a_deployment_and_end_with_the_function(self):
        self.node.request("GET", "/shop/a")
        self.node.deploy_files("shop", HANDLER + "// again", "--route", "GET /shop/{what}")
        support.wait_until(lambda: self.node.request("GET", "/shop/a")[0] == 200, "an answer of the new version")
        self.assertGreaterEqual(total(metrics_of(self.node), "troupe_http_requests_total", function="shop"), 2)
        self.node.run("remove", "shop", check=True)
        support.wait_until(lambda: total(metrics_of(self.node), "troupe_http_requests_total", function="shop") == 0,
                           "no series of a function that is gone")


class AccessLogTest(unittest.TestCase):
    def test_each_request_has_a_line(self):
        with support.Node() as node:
            node.deploy_files("shop", HANDLER, "--route", "GET /shop/{what}")
            _, headers, _ = node.request("GET", "/shop/a?secret=1")
            node.request("GET", "/nowhere")
            first, second = requests_logged(node, 2)
        self.assertEqual((first["method"], first["path"], first["route"], first["function"], first["status"]),
                         ("GET", "/shop/a", "GET /shop/{what}", "shop", 200))
        self.assertEqual(first["request_id"], headers["apigw-requestid"])
        self.assertEqual(first["bytes"], len("fine"))
        self.assertGreater(first["cold_ms"] + first["run_ms"], 0)
        self.assertNotIn("secret", json.dumps(first))
        self.assertEqual((second["path"], second["status"], second["cause"]), ("/nowhere", 404, "no_such_route"))

    def test_the_line_of_a_refused_request_says_what_was_read_of_it(self):
        refused = (
            (b"GET /bad?secret=1 HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n", ("GET", "/bad", 400)),
            (b"POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
             ("POST", "/chunks", 400)),
            (b"GET /long HTTP/1.1\r\nx: " + b"y" * 20_000, ("GET", "/long", 431)),
            (b"GE\x01T / HTTP/1.1\r\n\r\n", ("", "", 400)))
        with support.Node() as node:
            for sent, _ in refused:
                with node.connect() as client:
                    client.send(sent)
                    client.response()
            lines = requests_logged(node, len(refused))
        self.assertEqual([(each["method"], each["path"], each["status"]) for each in lines],
                         [expected for _, expected in refused])
        self.assertNotIn("secret", json.dumps(lines))

    def test_it_can_be_thinned_and_switched_off(self):
        with support.Node("--set", "log.access_one_in=10") as node:
            for _ in range(20):
                node.request("GET", "/nowhere")
            node.terminate()
            self.assertEqual(len(requests_logged(node, 2)), 2)
        with support.Node("--set", "log.access=off") as node:
            node.request("GET", "/nowhere")
            node.terminate()
            self.assertNotIn('"event":"request"', node.log())


if __name__ == "__main__":
    unittest.main()
