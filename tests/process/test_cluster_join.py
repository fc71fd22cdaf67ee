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
            status, text = late.readiness()
            self.assertEqual(status, 503)
            self.assertEqual(text, "joining")
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

    def test_a_second_node_of_a_name_waits_and_says_why(self):
        with Cluster(1) as cluster:
            clash = Member("n1", [cluster[0].cluster_address])
            cluster.nodes.append(clash)
            clash.launch()
            told = support.wait_until(lambda: [text for kind, text in clash.events() if kind == "store_refused_peer"],
                                      "refusal of the name")
            for address in (cluster[0].cluster_address, clash.cluster_address):
                self.assertIn(address, told[0])
            self.assertEqual(clash.readiness(), (503, "joining"))
            self.assertEqual(list(cluster[0].nodes()), ["n1"])


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

    def test_the_later_of_two_processes_with_one_id_ends(self):
        with Cluster(2) as cluster, support.TempDir() as copied:
            cluster.wait_level()
            # As from an image of a machine: the directory's lock does not hold between the two.
            shutil.copytree(cluster[1].data_dir, copied, dirs_exist_ok=True, symlinks=True,
                            ignore=shutil.ignore_patterns("*.new"))
            os.unlink(os.path.join(copied, "node.json"))
            twin = Member("n2", [cluster[0].cluster_address], data_dir=copied)
            self.addCleanup(twin.close)
            with contextlib.suppress(AssertionError):
                twin.launch()  # which may have ended already
            support.wait_until(lambda: twin.process.poll() is not None, "end of the later process", 30)
            self.assertEqual(twin.process.returncode, 2, twin.log())
            self.assertIn(cluster[1].cluster_address, twin.log())
            cluster.wait_together()


if __name__ == "__main__":
    unittest.main()
