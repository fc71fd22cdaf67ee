"""The store of a cluster of real nodes: moves, removal of nodes, what the journal tells."""
import json
import unittest

from cluster import Cluster

HELLO = "exports.handler = async () => 'hello';"


def kinds_of(node):
    return [kind for kind, _ in node.events()]


class StoreTest(unittest.TestCase):
    def test_the_store_moves_and_everybody_follows(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            first.deploy_files("before", HELLO)
            done = third.run("store", "move", "--to", "n2")
            self.assertEqual((done.returncode, done.stdout), (0, "the store is at n2\n"), done.stderr)
            cluster.wait_level()
            for node in cluster:
                roles = {name: view["role"] for name, view in node.nodes().items()}
                self.assertEqual(roles, {"n1": "copy", "n2": "primary", "n3": "copy"}, node.name)
                self.assertIn("primary_changed", kinds_of(node))
            for node in cluster:
                node.deploy_files("after-" + node.name, HELLO)
                self.assertEqual(node.request("GET", f"/after-{node.name}")[0], 200)
            # The old primary is one of the copies now: nobody needs it.
            first.kill()
            second.deploy_files("without", HELLO)
            first.start()
            cluster.wait_together()
            cluster.wait_level()
            self.assertEqual(first.request("GET", "/before")[0], 200)
            again = third.run("store", "move", "--to", "n2")
            self.assertEqual((again.returncode, again.stdout), (1, ""))
            self.assertIn("already", again.stderr)
            unknown = third.run("store", "move", "--to", "n9")
            self.assertEqual(unknown.returncode, 1)
            self.assertIn("n9", unknown.stderr)

    def test_a_node_is_removed_when_it_is_gone(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            live = second.run("nodes", "remove", "n3")
            self.assertEqual((live.returncode, live.stdout), (1, ""))
            self.assertIn("live", live.stderr)
            third.kill()
            cluster.wait_for_state("n3", ("gone",), [first, second])
            done = second.run("nodes", "remove", "n3")
            self.assertEqual((done.returncode, done.stdout), (0, "removed n3\n"), done.stderr)
            for node in (first, second):
                self.assertEqual(set(node.nodes()), {"n1", "n2"})
            cluster.wait_level()
            self.assertIn("node_removed", kinds_of(first))

    def test_what_was_acknowledged_outlives_the_death_of_all(self):
        with Cluster(3) as cluster:
            for version in range(3):
                cluster[2].deploy_files(f"kept-{version}", HELLO)
            for node in cluster:
                node.kill()
            cluster.start()
            cluster.wait_level()
            for node in cluster:
                listed = json.loads(node.run("list", "--json", check=True).stdout)["functions"]
                self.assertEqual([each["name"] for each in listed], ["kept-0", "kept-1", "kept-2"], node.name)

    def test_the_journal_tells_of_joins_and_deaths(self):
        with Cluster(3) as cluster:
            first, _, third = cluster
            self.assertEqual({text for kind, text in first.events() if kind == "node_joined"},
                             {"node n2 joined", "node n3 joined"})
            third.kill()
            cluster.wait_for_state("n3", ("gone",), cluster.running())
            told = [kind for kind, text in first.events() if "n3" in text]
            self.assertLess(told.index("node_suspected"), told.index("node_left"))
            third.start()
            cluster.wait_together()
            self.assertEqual([kind for kind, text in first.events() if text == "node n3 joined"], ["node_joined"] * 2)


if __name__ == "__main__":
    unittest.main()
