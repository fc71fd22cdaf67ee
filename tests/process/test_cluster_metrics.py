"""Metrics of several nodes: what entered at one and ran at another adds up, links, members and store show, and the page
has what the documentation says."""
import os
import re
import unittest

import support
import wire
from cluster import Cluster
from metrics import check_with_promtool, families, metrics_of, metrics_when, page_of, total, values

HANDLER = """const fs = require('fs');
exports.handler = async (event) => {
  const {status, act, gate} = event.queryStringParameters ?? {};
  if (act === 'fail') throw new Error('on purpose');
  if (gate) {
    fs.writeFileSync(gate + '-runs', '');
    while (!fs.existsSync(gate)) await new Promise((done) => setTimeout(done, 5));
  }
  return {statusCode: Number(status ?? 200), body: 'x'.repeat(1000)};
};
"""
DOCUMENT = os.path.join(support.SOURCE_DIR, "docs", "metrics.md")


class AddUpTest(unittest.TestCase):
    """Two nodes, and one instance for both."""
    FUNCTION = {"function": "f"}

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(2))
        cls.cluster.deploy("f", HANDLER, "--max-instances", "1", at=[cls.cluster[0]])
        support.wait_until(lambda: any(map(cls.instances, cls.cluster)), "the instance")
        cls.owner, = filter(cls.instances, cls.cluster)
        cls.entry, = (node for node in cls.cluster if node is not cls.owner)

    @staticmethod
    def instances(node):
        return total(metrics_of(node), "troupe_function_instances", function="f", state="idle")

    def setUp(self):
        self.before = self.pages()

    def pages(self):
        return {node: metrics_of(node) for node in self.cluster}

    def rise(self, after, node, name, **labels):
        return total(after[node], name, **labels) - total(self.before[node], name, **labels)

    def rises(self, after, node, name, label, **labels):
        before = values(self.before[node], name, label, **labels)
        now = values(after[node], name, label, **labels)
        return {key: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}

    def test_accepted_is_the_sum_of_how_requests_ended_as_the_clients_count_them(self):
        paths = ["/f"] * 6 + ["/f?status=201", "/f?status=404", "/f?status=302"] + ["/f?act=fail"] * 2 + ["/nowhere"] * 3
        seen = {node: [node.request("GET", path)[0] for path in paths] for node in self.cluster}
        gone = self.entry.connect()
        folder = self.enterContext(support.TempDir())
        gone.send(wire.get(f"/f?gate={folder}/gate"))
        support.wait_until(lambda: os.path.exists(f"{folder}/gate-runs"), "the call runs")
        gone.reset()
        support.wait_until(lambda: self.rise(self.pages(), self.entry, "troupe_http_requests_total", status="aborted"),
                           "the client that left is noticed")
        support.write_files(folder, {"gate": ""})
        ran = 2 * paths.index("/nowhere") + 1
        support.wait_until(lambda: sum(self.rise(self.pages(), node, "troupe_function_invocations_total", function="f")
                                       for node in self.cluster) == ran, "all calls have ended where they ran")
        asked = {node: len(paths) + (node is self.entry) for node in self.cluster}
        support.wait_until(lambda: all(self.rise(pages, node, "troupe_http_requests_total") >= asked[node]
                                       for pages in [self.pages()] for node in self.cluster), "all requests are counted")
        after = self.pages()

        for node in self.cluster:
            ended = {f"{status // 100}xx": 0 for status in seen[node]}
            for status in seen[node]:
                ended[f"{status // 100}xx"] += 1
            if node is self.entry:
                ended["aborted"] = 1
            self.assertEqual(self.rises_summed(after, node), ended)
        # Where they entered is one thing, where they ran another.
        self.assertEqual(self.rises(after, self.owner, "troupe_function_invocations_total", "result", function="f"),
                         {"ok": ran - 4, "function_error": 4})
        self.assertEqual(self.rise(after, self.owner, "troupe_function_run_duration_seconds_count", function="f"), ran)
        self.assertEqual(self.rise(after, self.entry, "troupe_function_invocations_total", function="f"), 0)

    def rises_summed(self, after, node):
        """{status: requests that ended so} over all routes."""
        return {status: count for status in ("1xx", "2xx", "3xx", "4xx", "5xx", "aborted")
                if (count := self.rise(after, node, "troupe_http_requests_total", status=status))}

    def test_a_call_between_nodes_is_in_flight_until_it_is_answered(self):
        gate = os.path.join(self.enterContext(support.TempDir()), "gate")
        with self.entry.connect() as client:
            client.send(wire.get(f"/f?gate={gate}", "x-troupe-timing: 1"))
            support.wait_until(lambda: os.path.exists(gate + "-runs"), "the call runs")
            # What other threads see of a link is a tick old.
            seen = support.wait_until(lambda: (pages := self.pages()) and total(
                pages[self.entry], "troupe_link_calls_in_flight", peer=self.owner.name) == 1 and pages, "the call shows")
            self.assertEqual(total(seen[self.owner], "troupe_function_instances", function="f", state="busy"), 1)
            self.assertEqual(total(seen[self.entry], "troupe_function_instances", function="f"), 0)
            support.write_files(os.path.dirname(gate), {"gate": ""})
            answer = client.response()
        self.assertEqual(answer.status, 200)
        # The times of the node that ran it.
        self.assertGreater(float(re.search(r"run;dur=([\d.]+)", answer.header("server-timing")).group(1)), 0)
        support.wait_until(lambda: not any(total(page, "troupe_link_calls_in_flight") for page in self.pages().values()),
                           "nothing is in flight")

    def test_what_a_link_carried_is_counted_by_how_its_calls_ended(self):
        for _ in range(3):
            self.assertEqual(self.entry.request("GET", "/f")[0], 200)
        self.assertEqual(self.entry.request("GET", "/f?act=fail")[0], 500)
        gate = os.path.join(self.enterContext(support.TempDir()), "gate")
        gone = self.entry.connect()
        gone.send(wire.get(f"/f?gate={gate}"))
        support.wait_until(lambda: os.path.exists(gate + "-runs"), "the call runs")
        gone.reset()
        link = {"peer": self.owner.name}
        support.wait_until(lambda: self.rise(self.pages(), self.entry, "troupe_link_calls_ended_total", result="canceled",
                                             **link) == 1, "the call of the client that left")
        support.write_files(os.path.dirname(gate), {"gate": ""})
        sent = lambda page: total(page, "troupe_link_calls_sent_total", **link)
        ended = lambda page: total(page, "troupe_link_calls_ended_total", **link)
        after = metrics_when(self.entry, lambda page: sent(page) == ended(page), "each call that was sent has ended")
        after = {self.entry: after, self.owner: metrics_of(self.owner)}
        results = self.rises(after, self.entry, "troupe_link_calls_ended_total", "result", **link)
        # A call that the owner refused is sent once more: that counts as another one.
        refused = results.pop("refused", 0)
        self.assertEqual(results, {"answered": 4, "canceled": 1})
        self.assertEqual(self.rise(after, self.entry, "troupe_link_calls_sent_total", **link), 5 + refused)
        carried = self.rises(after, self.entry, "troupe_link_bytes_total", "direction", **link)
        self.assertGreater(carried["in"], 3 * 1000)  # the answers
        self.assertGreater(carried["out"], 0)
        self.assertEqual(self.rise(after, self.owner, "troupe_link_calls_sent_total"), 0)

    def test_links_members_and_store_show(self):
        for node, other in ((self.owner, self.entry), (self.entry, self.owner)):
            seen = metrics_of(node)
            self.assertEqual(values(seen, "troupe_links_up", "peer"), {other.name: 1})
            support.wait_until(lambda one=node: total(metrics_of(one), "troupe_link_round_trip_seconds") > 0, "a ping")
            self.assertEqual(values(seen, "troupe_cluster_peers", "state"), {"ready": 1})
            self.assertEqual(total(seen, "troupe_cluster_changes_total", change="joined"), 1)
            self.assertLess(total(seen, "troupe_store_session_age_seconds"), 10)
            self.assertEqual(total(seen, "troupe_store_commits_possible"), 1)
            self.assertEqual(total(seen, "troupe_control_contacts"), 1)
        primary = self.cluster[0]
        self.assertEqual([total(metrics_of(node), "troupe_store_primary") for node in self.cluster], [1, 0])
        self.assertEqual(total(metrics_of(primary), "troupe_store_copies"), 1)
        lag = "troupe_store_copy_lag_commits", (("peer", self.cluster[1].name),)
        metrics_when(primary, lambda page: total(page, "troupe_store_copies_behind") == 0 and page.get(lag) == 0,
                     "a level copy")
        self.assertGreater(total(metrics_of(primary), "troupe_store_write_p99_seconds"), 0)
        self.assertGreater(total(metrics_of(primary), "troupe_store_commit_duration_seconds_count"), 0)
        for node in self.cluster:
            # A page that is put together while the store writes has a write in one of the two and not in the other.
            count = lambda page, name: total(page, f"troupe_store_write_{name}_count")
            seen = metrics_when(node, lambda page: count(page, "duration_seconds") == count(page, "commits") > 0,
                                "each write is counted with its commits")
            self.assertGreaterEqual(total(seen, "troupe_store_write_commits_sum"), count(seen, "commits"))
        support.wait_until(lambda: len({total(page, "troupe_store_cursor") for page in self.pages().values()}) == 1,
                           "both copies are level")

    def test_code_that_came_from_another_node_shows(self):
        fetched = {node.name: total(metrics_of(node), "troupe_code_fetched_bytes_total") for node in self.cluster}
        self.cluster.deploy("big", {"index.js": "exports.handler = async () => 'well';", "data": os.urandom(200_000)},
                            at=[self.cluster[0]])
        support.wait_until(lambda: self.cluster[1].request("GET", "/big")[0] == 200, "an answer")
        # Pushed to the second disk by the node that took it, or fetched: then it counts.
        seen = metrics_of(self.cluster[1])
        self.assertEqual(total(seen, "troupe_code_missing"), 0)
        self.assertGreaterEqual(total(seen, "troupe_code_fetched_bytes_total"), fetched[self.cluster[1].name])


class LossTest(unittest.TestCase):
    def test_a_node_that_dies_shows_at_the_others_and_its_series_end_with_it(self):
        with Cluster(2) as cluster:
            stays, dies = cluster
            cluster.deploy("f", HANDLER, at=[dies])
            support.wait_until(lambda: values(metrics_of(stays), "troupe_links_up", "peer") == {dies.name: 1}, "a link")
            dies.kill()
            support.wait_until(lambda: total(metrics_of(stays), "troupe_cluster_peers", state="ready") == 0, "the loss")
            support.wait_until(lambda: total(metrics_of(stays), "troupe_links_up") == 0, "the link is down")
            self.assertEqual(total(metrics_of(stays), "troupe_cluster_changes_total", change="suspected"), 1)
            dies.start()
            cluster.wait_together()
            support.wait_until(lambda: total(metrics_of(stays), "troupe_links_up") == 1, "the link stands again")
            self.assertEqual(dies.terminate(), 0)
            support.wait_until(lambda: stays.run("nodes", "remove", dies.name).returncode == 0, "it can be removed")
            support.wait_until(lambda: not any(("peer", dies.name) in labels for _, labels in metrics_of(stays)),
                               "no series of a peer that is gone")

    def test_what_a_peer_refuses_shows_there_and_where_it_entered(self):
        with Cluster(2, flags=["--set", "queue.max_calls=1"]) as cluster, support.TempDir() as folder:
            cluster.deploy("f", HANDLER, "--max-instances", "1", at=[cluster[0]])
            owner, = [node for node in cluster if AddUpTest.instances(node)]
            entry, = [node for node in cluster if node is not owner]
            gate = os.path.join(folder, "gate")
            clients = [owner.connect() for _ in range(2)]
            clients[0].send(wire.get(f"/f?gate={gate}"))
            support.wait_until(lambda: os.path.exists(gate + "-runs"), "the instance is busy")
            clients[1].send(wire.get("/f"))
            support.wait_until(lambda: total(metrics_of(owner), "troupe_function_outstanding_calls", function="f") == 2,
                               "the queue is full")
            self.assertEqual(entry.request("GET", "/f")[0], 503)
            refused = lambda page: values(page, "troupe_function_refusals_total", "cause", function="f")
            self.assertEqual(set(refused(metrics_when(owner, refused, "a refusal is counted"))), {"overloaded"})
            errors = lambda page: values(page, "troupe_http_request_errors_total", "cause", function="f")
            self.assertEqual(errors(metrics_when(entry, errors, "the answer is counted")), {"overloaded": 1})
            support.write_files(folder, {"gate": ""})
            self.assertEqual([client.response().status for client in clients], [200, 200])
            for client in clients:
                client.close()


class DocumentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Cluster(2) as cluster:
            cluster.deploy("f", HANDLER, at=[cluster[0]])
            for node in cluster:
                node.request("GET", "/f")
            cls.pages = [page_of(node) for node in cluster]

    def test_each_metric_is_documented_and_each_documented_one_is_there(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            rows = [line.split("|")[1] for line in file if line.startswith("| `troupe_")]
        documented = {name for row in rows for name in re.findall(r"`(troupe_\w+)`", row)}
        # Of the age of backups there is nothing before the first one.
        shown = set.union(*map(families, self.pages)) | {"troupe_store_backup_age_seconds"}
        self.assertEqual({name for name in shown if name.startswith("troupe_")}, documented)

    def test_promtool_finds_nothing_to_say_of_any_page(self):
        for page in self.pages:
            check_with_promtool(self, page)


if __name__ == "__main__":
    unittest.main()
