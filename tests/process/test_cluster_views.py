"""`troupe nodes` and `troupe events` of a cluster: any node tells of all."""
import json
import unittest

import support


class ViewsTest(unittest.TestCase):
    def setUp(self):
        ports = support.free_ports(2)
        self.first = self.enterContext(support.Node("--name", "n1", "--cluster", f"127.0.0.1:{ports[0]}"))
        self.second = self.enterContext(support.Node("--name", "n2", "--cluster", f"127.0.0.1:{ports[1]}", "--join",
                                                     f"127.0.0.1:{ports[0]}"))

    def rows(self, node):
        return json.loads(node.run("nodes", "--json", check=True).stdout)

    def read(self, node, position=""):
        status, _, body = node.admin("GET", "/v1/events" + (f"?from={position}" if position else ""))
        self.assertEqual(status, 200, body)
        return json.loads(body)

    @staticmethod
    def kinds(answer):
        return {(event["node"], event["kind"]) for event in answer["events"]}

    def test_each_node_has_the_figures_of_the_other(self):
        self.first.deploy_files("hello", "exports.handler = async () => 'hello';")

        def are_level(node):
            """Both rows are complete, and say the same of the store."""
            rows = self.rows(node)
            # The age of the last backup is each node's own.
            stores = [{key: row["store"][key] for key in ("cursor", "lag", "digest")} for row in rows]
            return (len(rows) == 2 and stores[0] == stores[1] and stores[0]["digest"] and stores[0]["lag"] == 0 and
                    all(row["version"] and row["age_ms"] is not None for row in rows) and
                    [row["functions"] for row in rows] == [["hello"], []] and rows)
        for node in (self.first, self.second):
            rows = support.wait_until(lambda n=node: are_level(n), "level copies in `troupe nodes`")
            self.assertEqual([(row["name"], row["role"], row["state"]) for row in rows],
                             [("n1", "primary", "ready"), ("n2", "copy", "ready")])
            self.assertEqual(rows[0]["version"], rows[1]["version"])

    def test_events_of_both_come_by_time_from_either(self):
        for node in (self.first, self.second):
            answer = support.wait_until(
                lambda n=node: (a := self.read(n)) and not a["silent"] and
                {("n1", "node_joined"), ("n2", "node_joined")} <= self.kinds(a) and a, "events of both nodes")
            self.assertLessEqual({("n1", "node_ready"), ("n2", "node_ready")}, self.kinds(answer))
            times = [event["unix_ms"] for event in answer["events"]]
            self.assertEqual(times, sorted(times))
        # A position of one node holds at the other.
        again = self.read(self.first, answer["next"])
        self.assertEqual((again["events"], again["overwritten"], again["silent"]), ([], 0, []))

    def test_who_does_not_answer_is_named(self):
        support.wait_until(lambda: not self.read(self.first)["silent"], "contact of the nodes")
        self.second.kill()
        answer = support.wait_until(lambda: (a := self.read(self.first))["silent"] and a, "silence of the killed node")
        self.assertEqual(answer["silent"], ["n2"])
        done = self.first.run("events", check=True)
        self.assertIn("(without the events of n2: no answer)\n", done.stderr)
        support.wait_until(lambda: self.rows(self.first)[1]["state"] in ("suspected", "gone"), "suspicion")
        self.assertIn(("n1", "node_suspected"), self.kinds(self.read(self.first)))


if __name__ == "__main__":
    unittest.main()
