"""`troupe logs` and `troupe list` of any node: lines and instances of all of them."""
import json
import re
import time
import unittest

import support
from cluster import Cluster
from test_cli_logs import Follower

# Only what a test asks for by number: the calls that find out whether a function is there print nothing.
PRINTS = """exports.handler = async (event) => {
  const last = event.rawPath.split('/').pop();
  if (/^\\d+$/.test(last)) console.log('line ' + last);
  return 'done';
};
"""
FLOODS = """exports.handler = async (event) => {
  if (event.rawPath.endsWith('/500'))
    for (let i = 0; i < 500; ++i) console.log(i + ' ' + 'x'.repeat(1500));
  return 'done';
};
"""


class LogsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(3))

    @staticmethod
    def read(node, name, position=""):
        status, _, body = node.admin("GET", f"/v1/functions/{name}/logs" + (f"?from={position}" if position else ""))
        if status != 200:
            raise AssertionError(f"log of {name} at {node.name}: {status} {body!r}")
        return json.loads(body)

    @staticmethod
    def printed(lines):
        """(node, number) of what the handler printed."""
        return [(line["node"], int(found[1])) for line in lines
                if (found := re.search(r"line (\d+)$", line["text"]))]

    def test_the_lines_of_all_nodes_come_by_time_from_any(self):
        cluster = self.cluster
        cluster.deploy("all", PRINTS, at=list(cluster))
        expected = []
        for number in range(9):
            node = cluster[number % 3]
            self.assertEqual(node.request("GET", f"/all/{number}")[0], 200)
            expected.append((node.name, number))
            # Lines of one millisecond have no order.
            answered_ms = time.time_ns() // 1_000_000
            support.wait_until(lambda then=answered_ms: time.time_ns() // 1_000_000 > then, "the next millisecond",
                               interval_s=0.001)
        for node in cluster:
            def whole(one=node):
                answer = self.read(one, "all")
                return answer if len(self.printed(answer["lines"])) == 9 and not answer["silent"] else None
            answer = support.wait_until(whole, f"all lines at {node.name}")
            self.assertEqual(self.printed(answer["lines"]), expected)
            times = [line["unix_ms"] for line in answer["lines"]]
            self.assertEqual(times, sorted(times))
            self.assertEqual((answer["more"], answer["overwritten"], answer["dropped"]), (False, 0, 0))
        # A position of one node holds at the others, and gives nothing twice.
        position = self.read(cluster[0], "all")["next"]
        cluster[1].request("GET", "/all/100")
        new = support.wait_until(lambda: self.printed(self.read(cluster[2], "all", position)["lines"]), "the new line")
        self.assertEqual(new, [("n2", 100)])
        named = cluster[2].run("logs", "all", "--with-node", check=True).stdout.splitlines()
        self.assertEqual([line.split("\t", 1)[0] for line in named if line.endswith("line 100")], ["n2"])

    def test_megabytes_of_several_nodes_are_read_whole_and_in_order(self):
        cluster = self.cluster
        cluster.deploy("flood", FLOODS, at=list(cluster))
        for node in cluster:
            self.assertEqual(node.request("GET", "/flood/500")[0], 200)

        def read_whole():
            told = json.loads(cluster[0].run("logs", "flood", "--json", check=True).stdout)
            whole = sum("xxx" in line["text"] for line in told["lines"]) == 1500 and not told["silent"]
            return told if whole else None
        told = support.wait_until(read_whole, "three logs of 750 KB")
        times = [line["unix_ms"] for line in told["lines"]]
        self.assertEqual(times, sorted(times))
        for name in ("n1", "n2", "n3"):
            own = [int(found[1]) for line in told["lines"]
                   if line["node"] == name and (found := re.search(r"\t(\d+) xxx", line["text"]))]
            self.assertEqual(own, list(range(500)), name)

    def test_a_follower_at_one_node_sees_what_others_write(self):
        cluster = self.cluster
        cluster.deploy("f", PRINTS, at=list(cluster))
        with Follower(cluster[0].admin_url) as follower:
            for number in range(6):
                cluster[number % 3].request("GET", f"/f/{number}")
                follower.wait_for(number)
            self.assertEqual(follower.interrupt(), 0)
            self.assertEqual(follower.printed(), list(range(6)))

    def test_instances_of_all_nodes_are_counted_at_each(self):
        cluster = self.cluster
        cluster.deploy("counted", PRINTS, "--min-instances", "1", at=[cluster[1]])

        def counts():
            return [next(each["instances"]["ready"] for each in
                         json.loads(node.run("list", "--json", check=True).stdout)["functions"]
                         if each["name"] == "counted") for node in cluster]
        total = sum("counted" in node.nodes()[node.name]["functions"] for node in cluster)
        self.assertGreaterEqual(total, 1)
        support.wait_until(lambda: len(set(counts())) == 1 and counts()[0] >= total, "one count at all nodes")


class SilenceTest(unittest.TestCase):
    def test_a_node_that_cannot_be_asked_is_named_and_the_others_are_read(self):
        with Cluster(3) as cluster:
            cluster.deploy("f", PRINTS, at=[cluster[0], cluster[1]])
            for number, node in enumerate((cluster[0], cluster[1])):
                node.request("GET", f"/f/{number}")
            support.wait_until(lambda: len(LogsTest.printed(LogsTest.read(cluster[2], "f")["lines"])) == 2, "both lines")
            cluster[1].kill()
            answer = support.wait_until(lambda: (a := LogsTest.read(cluster[2], "f"))["silent"] and a, "silence")
            self.assertEqual(answer["silent"], ["n2"])
            self.assertEqual(LogsTest.printed(answer["lines"]), [("n1", 0)])
            done = cluster[2].run("logs", "f", check=True)
            self.assertIn("(without the lines of n2: no answer)\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
