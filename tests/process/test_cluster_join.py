"""How nodes become one cluster, and again after restarts."""
import contextlib
import json
import os
import shutil
import unittest

import support
from cluster import Cluster, Member

HELLO = "exports.handler = async () => 'hello';"


class StartTest(unittest.TestCase):
    def test_an_empty_node_waits_for_its_seed_and_never_founds(self):
        with Cluster(2, start=False) as cluster:
            founder, late = cluster
            late.launch()
            # Its admin port answers a moment before it asks the seed.
            support.wait_until(lambda: late.readiness() == (503, "joining"), "a node that joins")
            self.assertEqual(late.admin("GET", "/healthz")[0], 200)
            refused = late.deploy_files("early", HELLO, check=False)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""), refused.stderr)
            founder.start()
            support.wait_until(late.is_ready, "the node that waited is ready")
            cluster.wait_together()
            self.assertEqual(founder.nodes()["n1"]["role"], "primary")
            self.assertEqual(late.nodes()["n2"]["role"], "copy")
            cluster.wait_level()

    def test_a_node_that_waits_goes_down_when_it_is_told_to(self):
        with Cluster(2, start=False) as cluster:
            late = cluster[1]
            late.launch()
            self.assertEqual(late.terminate(), 1)
            self.assertIn("stopped before it was ready", late.log())

    def test_any_member_is_a_seed(self):
        with Cluster(3, start=False) as cluster:
            first, second, third = cluster
            third.seeds = [second.cluster_address]
            support.parallel(3, lambda index: (third, second, first)[index].start())
            cluster.wait_together()
            cluster.wait_level()

    def ends_with(self, node, code, *words):
        """Starts a node that must end by itself with this code and one line with these words."""
        self.addCleanup(node.close)
        with contextlib.suppress(AssertionError):
            node.launch()  # which may have ended already
        support.wait_until(lambda: node.process.poll() is not None, "end of the node")
        self.assertEqual(node.process.returncode, code, node.log())
        said = [line for line in node.log().splitlines() if line.startswith("troupe: ")]
        self.assertEqual(len(said), 1, node.log())
        for word in words:
            self.assertIn(word, said[0])

    def test_a_second_node_of_the_name_of_a_live_one_ends_and_names_both(self):
        with Cluster(2) as cluster:
            for holder in cluster:
                clash = Member(holder.name, [cluster[0].cluster_address])
                self.ends_with(clash, 2, f"the name {holder.name} ", holder.cluster_address, clash.cluster_address)
            self.assertEqual(list(cluster[1].nodes()), ["n1", "n2"])
            cluster.wait_together()

    def test_a_member_that_takes_the_name_of_another_live_one_ends(self):
        with Cluster(3) as cluster:
            cluster[2].terminate()
            renamed = Member("n2", data_dir=cluster[2].data_dir)
            self.ends_with(renamed, 2, "the name n2 ", cluster[1].cluster_address, renamed.cluster_address)

    def test_a_second_node_of_the_name_of_one_that_is_gone_waits_until_that_is_removed(self):
        with Cluster(2) as cluster:
            gone = cluster[1]
            gone.kill()
            cluster.wait_for_state("n2", ("gone",), [cluster[0]])
            clash = Member("n2", [cluster[0].cluster_address])
            cluster.nodes.append(clash)
            clash.launch()
            told = support.wait_until(lambda: [text for kind, text in clash.events() if kind == "store_refused_peer"],
                                      "refusal of the name")
            for address in (gone.cluster_address, clash.cluster_address):
                self.assertIn(address, told[0])
            support.wait_until(lambda: clash.readiness() == (503, "joining"), "a node that says what it waits for")
            cluster[0].run("nodes", "remove", "n2", check=True)
            cluster.wait_together([cluster[0], clash])


class RestartTest(unittest.TestCase):
    def test_all_start_again_in_any_order(self):
        with Cluster(3) as cluster:
            cluster[0].deploy_files("kept", HELLO)
            for order in ((2, 1, 0), (0, 2, 1)):
                for node in cluster:
                    self.assertEqual(node.terminate(), 0)
                # Copies serve what they have without their primary.
                for index in order:
                    cluster[index].start()
                cluster.wait_together()
                cluster.wait_level()
                for node in cluster:
                    self.assertEqual(node.run("list", "--json").returncode, 0)
                    self.assertEqual([each["name"] for each in json.loads(
                        node.run("list", "--json", check=True).stdout)["functions"]], ["kept"])

    def test_the_members_are_remembered_when_the_seed_is_dead_or_moved(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            cluster.wait_level()
            second.terminate()
            third.terminate()
            third.seeds = [second.cluster_address]  # dead
            third.start()
            cluster.wait_together([first, third])
            second.seeds = ["127.0.0.1:1"]
            second.start()
            cluster.wait_together()

    def test_a_node_comes_back_at_another_address(self):
        with Cluster(3) as cluster:
            cluster.wait_level()
            moved = cluster[1]
            moved.kill()
            elsewhere = Member("n2", data_dir=moved.data_dir)
            self.addCleanup(elsewhere.close)
            elsewhere.seeds = []
            elsewhere.start()
            members = [cluster[0], elsewhere, cluster[2]]
            cluster.wait_together(members)
            for node in members:
                self.assertEqual(node.nodes()["n2"]["cluster"], elsewhere.cluster_address)


class RefusalTest(unittest.TestCase):
    def test_a_node_with_a_store_of_its_own_keeps_it_and_says_so(self):
        with Cluster(1) as cluster, support.Node("--name", "alone") as alone:
            alone.deploy_files("mine", HELLO)
            alone.terminate()
            joiner = Member("alone", [cluster[0].cluster_address], data_dir=alone.data_dir)
            self.addCleanup(joiner.close)
            joiner.start()
            for node in (joiner, cluster[0]):
                support.wait_until(lambda one=node: "store_refused_peer" in dict(one.events()),
                                   f"refusal of the other store at {node.name}")
                self.assertEqual(list(node.nodes()), [node.name])
            self.assertEqual(joiner.request("GET", "/mine")[2], b"hello")

    def test_two_clusters_refuse_each_other(self):
        with Cluster(2) as one, Cluster(2) as other:
            stray = other[1]
            stray.terminate()
            stray.seeds = [one[0].cluster_address]
            stray.start()
            other.wait_together()
            self.assertEqual(set(one[0].nodes()), {"n1", "n2"})
            self.assertEqual(one[0].nodes()["n2"]["id"], one[1].nodes()["n2"]["id"])
            self.assertNotEqual(one[0].nodes()["n2"]["id"], stray.nodes()["n2"]["id"])


class TwinTest(unittest.TestCase):
    """Two processes with one node id, as from an image of a machine: a directory's lock does not hold between them."""

    def twin_of(self, node, seeds):
        copied = self.enterContext(support.TempDir())
        shutil.copytree(node.data_dir, copied, dirs_exist_ok=True, symlinks=True,
                        ignore=shutil.ignore_patterns("*.new"))
        os.unlink(os.path.join(copied, "node.json"))
        twin = Member(node.name, seeds, data_dir=copied)
        self.addCleanup(twin.close)
        with contextlib.suppress(AssertionError):
            twin.launch()  # which may have ended already
        return twin

    def end_of(self, node):
        support.wait_until(lambda: node.process.poll() is not None, f"end of {node.name}")
        said = [line for line in node.log().splitlines() if line.startswith("troupe: ")]
        self.assertEqual(len(said), 1, node.log())
        return node.process.returncode, said[0]

    def test_the_later_one_ends_and_names_both(self):
        with Cluster(2) as cluster:
            cluster.wait_level()
            twin = self.twin_of(cluster[1], [cluster[0].cluster_address])
            code, said = self.end_of(twin)
            self.assertEqual(code, 2, said)
            for address in (cluster[1].cluster_address, twin.cluster_address):
                self.assertIn(address, said)
            cluster.wait_together()

    def test_the_later_of_two_primaries_ends_and_nothing_is_deployed_at_it(self):
        with Cluster(3) as cluster:
            cluster[0].deploy_files("kept", HELLO)
            cluster.wait_level()
            twin = self.twin_of(cluster[0], [cluster[1].cluster_address])
            code, said = self.end_of(twin)
            self.assertEqual(code, 2, said)
            self.assertIn(cluster[0].cluster_address, said)
            cluster.wait_together()
            cluster[2].deploy_files("more", HELLO)
            cluster.wait_level()
            for node in cluster:
                self.assertEqual(node.request("GET", "/kept")[0], 200)

    def test_one_whose_session_another_has_ended_ends_and_never_comes_back(self):
        with Cluster(3) as cluster:
            cluster.wait_level()
            first = cluster[1]
            first.stop()
            try:
                # Until then its open links count as an answer.
                cluster.wait_for_state("n2", ("gone",), [cluster[0]])
                twin = self.twin_of(first, [cluster[0].cluster_address])
                support.wait_until(twin.is_ready, "the twin is ready")
                cluster.wait_together([cluster[0], twin, cluster[2]])
            finally:
                first.resume()
            code, said = self.end_of(first)
            self.assertEqual(code, 1, said)
            self.assertIn(first.cluster_address, said)
            self.assertIn("took its place", said)
            self.assertEqual(cluster[0].nodes()["n2"]["cluster"], twin.cluster_address)
            cluster.wait_together([cluster[0], twin, cluster[2]])


if __name__ == "__main__":
    unittest.main()
