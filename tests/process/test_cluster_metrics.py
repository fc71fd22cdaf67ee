"""Metrics of several nodes: what entered at each adds up, also where it ran at another."""
import collections
import json
import os
import unittest

import load
import support
import wire
from cluster import Cluster
from metrics import metrics_of, total

HANDLER = """const fs = require('fs');
const ran = fs.openSync(%s, 'a');
exports.handler = async (event) => {
  const {id, status, act, gate} = event.queryStringParameters;
  fs.writeSync(ran, id + '\\n');
  if (act === 'fail') throw new Error('on purpose');
  if (gate) {
    fs.writeFileSync(gate + '-runs', '');
    while (!fs.existsSync(gate)) await new Promise((done) => setTimeout(done, 5));
  }
  return {statusCode: Number(status ?? 200), body: 'x'};
};
"""
ENDS = ("1xx", "2xx", "3xx", "4xx", "5xx", "aborted")


class AddUpTest(unittest.TestCase):
    """Two nodes, and one instance for both."""

    def test_accepted_is_the_sum_of_how_requests_ended_as_the_clients_count_them(self):
        folder = self.enterContext(support.TempDir())
        ran, gate = os.path.join(folder, "ran"), os.path.join(folder, "gate")
        queries = [""] * 6 + ["&status=201", "&status=404", "&status=302"] + ["&act=fail"] * 2
        with Cluster(2) as cluster:
            cluster.deploy("f", HANDLER % json.dumps(ran), "--max-instances", "1", at=[cluster[0]])
            before = {node: metrics_of(node) for node in cluster}

            def ended(node):
                now = metrics_of(node)
                rises = {end: total(now, "troupe_http_requests_total", status=end)
                         - total(before[node], "troupe_http_requests_total", status=end) for end in ENDS}
                return {end: count for end, count in rises.items() if count}
            expected = {}
            for node in cluster:
                statuses = [node.request("GET", f"/f?id={node.name}-{number}{query}")[0]
                            for number, query in enumerate(queries)]
                statuses += [node.request("GET", "/nowhere")[0] for _ in range(3)]
                expected[node] = dict(collections.Counter(f"{status // 100}xx" for status in statuses))
                gone = node.connect()
                gone.send(wire.get(f"/f?id={node.name}-gone&gate={gate}"))
                support.wait_until(lambda: os.path.exists(gate + "-runs"), "the call runs")
                gone.reset()
                expected[node]["aborted"] = 1
                support.wait_until(lambda one=node: ended(one).get("aborted"), "the client that left is noticed")
                support.write_files(folder, {"gate": ""})
                support.wait_until(lambda one=node: one.request("GET", f"/f?id={one.name}-last")[0] == 200, "an answer")
                expected[node]["2xx"] += 1
                for name in ("gate", "gate-runs"):
                    os.unlink(os.path.join(folder, name))
            self.assertEqual({node.name: ended(node) for node in cluster},
                             {node.name: expected[node] for node in cluster})
        # Each that reached the function ran once, wherever it entered; those of the deployment have no id.
        runs = {number: times for number, times in load.executions(ran).items() if number != "undefined"}
        self.assertEqual(runs, {f"{name}-{number}": 1 for name in ("n1", "n2")
                                for number in [*range(len(queries)), "gone", "last"]})


if __name__ == "__main__":
    unittest.main()
