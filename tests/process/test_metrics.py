"""What a node shows of itself at /metrics."""
import os
import subprocess
import unittest

import support
import wire
from metrics import metrics_of, page_of, total

HANDLER = """exports.handler = async (event) => {
  if (event.rawPath.endsWith('/fail')) throw new Error('on purpose');
  return {statusCode: Number((event.queryStringParameters || {}).status || 200), body: 'fine'};
};
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
        told = subprocess.run(["promtool", "check", "metrics"], input=page_of(self.node).encode(), capture_output=True,
                              timeout=60, check=False)
        self.assertEqual((told.returncode, told.stdout, told.stderr), (0, b"", b""))

    def test_counts_outlive_a_deployment_and_end_with_the_function(self):
        self.node.request("GET", "/shop/a")
        self.node.deploy_files("shop", HANDLER + "// again", "--route", "GET /shop/{what}")
        support.wait_until(lambda: self.node.request("GET", "/shop/a")[0] == 200, "an answer of the new version")
        self.assertGreaterEqual(total(metrics_of(self.node), "troupe_http_requests_total", function="shop"), 2)
        self.node.run("remove", "shop", check=True)
        support.wait_until(lambda: total(metrics_of(self.node), "troupe_http_requests_total", function="shop") == 0,
                           "no series of a function that is gone")


if __name__ == "__main__":
    unittest.main()
