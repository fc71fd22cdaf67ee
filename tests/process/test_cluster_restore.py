"""A cluster whose primary is lost goes on from the copy of another node, and what the other nodes make of it."""
import json
import os
import shutil
import unittest

import support
from cluster import Cluster, Load

HELLO = "exports.handler = async () => 'hello';"


def restore(node, *arguments):
    return support.run_on_directory("restore", node, *arguments)


def restore_copy(node, *arguments):
    """Restores from the copy of a node that does not run, and expects success: what the command says of it."""
    done = restore(node, "--from-copy", "--old-primary-stopped", "--json", *arguments)
    if done.returncode != 0:
        raise AssertionError(f"restore exited with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def role_of(name, at):
    return at.nodes()[name]["role"]


def wait_primary(name, at):
    support.wait_until(lambda: all(role_of(name, node) == "primary" for node in at), f"{name} is the primary of all")


class RestoreFromCopyTest(unittest.TestCase):
    def test_the_others_follow_and_calls_are_answered_throughout(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            cluster.deploy("work", HELLO, at=list(cluster))
            cursor, _ = cluster.wait_level()
            first.kill()
            shutil.rmtree(first.data_dir)
            with Load("/work", [third], threads=2) as run:
                second.terminate()
                done = restore_copy(second)
                second.start()
                wait_primary("n2", [second, third])
                states = []
                support.wait_until(lambda: states.append(third.nodes()["n2"]["state"]) or states[-1] == "ready",
                                   "n2 is ready")
                self.assertNotIn("gone", states)
                cluster.wait_level([second, third])
                third.deploy_files("after", HELLO)
                run.wait_for(20)
            self.assertEqual([each for each in run.asked if each.outcome != "ok"], [])
            self.assertGreaterEqual(done["cursor"], cursor)
            self.assertEqual(done["parent"]["cursor"], done["cursor"])
            self.assertEqual(done["generation"], 2)
            self.assertEqual(done["reached"], ["n3"])
            self.assertEqual([each.split(": ")[0] for each in done["not_reached"]], [first.cluster_address])
            self.assertEqual((done["code_missing"], done["code_elsewhere"]), ([], []))
            self.assertTrue(os.path.exists(done["set_aside"]))
            for node in (second, third):
                for path in ("/work", "/after"):
                    self.assertEqual(node.request("GET", path)[2], b"hello", (node.name, path))
            for name in ("second", "third"):
                second.deploy_files(name, HELLO)
            cluster.wait_together([second, third])
            # The lost machine comes back empty, under a new name: any node brings it in.
            self.assertEqual(second.run("nodes", "remove", "n1").returncode, 0)
            first.seeds = [third.cluster_address]
            os.makedirs(first.data_dir)
            first.start()
            cluster.wait_together()
            cluster.wait_level()

    def test_the_old_primary_follows_when_it_comes_back_with_its_directory(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            first.deploy_files("before", HELLO)
            cluster.wait_level()
            first.kill()
            second.terminate()
            restore_copy(second)
            second.start()
            wait_primary("n2", [second, third])
            first.start()
            wait_primary("n2", list(cluster))
            cluster.wait_level()
            told = [text for kind, text in first.events() if "was restored at commit" in text]
            self.assertTrue(told, first.events())
            for named in ("n1", second.cluster_address):
                self.assertIn(named, told[0])
            first.deploy_files("after", HELLO)
            for node in cluster:
                self.assertEqual(node.request("GET", "/after")[2], b"hello", node.name)
            cluster.wait_together()

    def test_it_is_refused_while_the_primary_answers(self):
        with Cluster(2) as cluster:
            first, second = cluster
            cluster.wait_level()
            running = restore(second, "--from-copy", "--old-primary-stopped")
            self.assertEqual((running.returncode, running.stdout), (1, ""))
            self.assertIn("is in use by another node", running.stderr)
            second.terminate()
            silent = restore(second, "--from-copy")
            self.assertEqual((silent.returncode, silent.stdout), (2, ""))
            self.assertIn("two nodes would take deployments", silent.stderr)
            answered = restore(second, "--from-copy", "--old-primary-stopped")
            self.assertEqual((answered.returncode, answered.stdout), (1, ""))
            for named in ("n1", first.cluster_address, "stop it first"):
                self.assertIn(named, answered.stderr)
            self.assertEqual(len(answered.stderr.splitlines()), 1)
            second.start()
            cluster.wait_together()
            self.assertEqual(role_of("n1", second), "primary")

    def test_commits_beyond_the_cut_go_to_a_file_that_an_event_names(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            first.deploy_files("before", HELLO)
            cluster.wait_level()
            second.stop()
            third.deploy_files("later", HELLO)
            cluster.wait_level([first, third])
            first.kill()
            second.kill()
            behind = restore(second, "--from-copy", "--old-primary-stopped")
            self.assertEqual((behind.returncode, behind.stdout), (1, ""))
            for named in ("n3", third.cluster_address, "--discard-newer"):
                self.assertIn(named, behind.stderr)
            restore_copy(second, "--discard-newer")
            second.start()
            wait_primary("n2", [second, third])
            cluster.wait_level([second, third])
            told = support.wait_until(lambda: dict(third.events()).get("commits_set_aside"), "the event of n3")
            path = told.split("they are kept in ")[1]
            with open(path, encoding="utf-8") as file:
                head, *commits = map(json.loads, file)
            self.assertTrue(head["whole"])
            self.assertIn("function/later", {put["key"] for commit in commits for put in commit["puts"]})
            self.assertEqual(os.path.dirname(path), os.path.abspath(third.data_dir))
            self.assertEqual(third.request("GET", "/before")[2], b"hello")
            self.assertEqual(third.request("GET", "/later")[0], 404)
            self.assertTrue(os.path.exists(os.path.join(third.data_dir, "store.db.set-aside")))

    def test_the_others_follow_a_restore_that_was_repeated_before_its_node_started(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            first.deploy_files("before", HELLO)
            cluster.wait_level()
            first.kill()
            second.terminate()
            once = restore_copy(second)
            twice = restore_copy(second)
            self.assertNotEqual(twice["store_id"], once["store_id"])
            for same in ("parent", "cursor", "set_aside"):
                self.assertEqual(twice[same], once[same], same)
            second.start()
            wait_primary("n2", [second, third])
            first.start()
            wait_primary("n2", list(cluster))
            cluster.wait_level()
            third.deploy_files("after", HELLO)
            cluster.wait_together()

    def test_who_missed_two_restores_serves_from_its_copy_and_says_so(self):
        with Cluster(3) as cluster:
            first, second, third = cluster
            cluster.deploy("work", HELLO, at=list(cluster))
            cluster.wait_level()
            for node in cluster:
                node.terminate()
            restore_copy(second)
            second.start()
            second.deploy_files("between", HELLO)
            second.terminate()
            restore_copy(second)
            second.start()
            second.deploy_files("new", HELLO)
            third.start()
            told = support.wait_until(lambda: [text for kind, text in third.events() if "troupe restore" in text],
                                      "what n3 says")
            self.assertIn(second.cluster_address, told[0])
            self.assertEqual(third.request("GET", "/work")[2], b"hello")
            self.assertEqual(third.request("GET", "/new")[0], 404)
            refused = third.deploy_files("mine", HELLO, check=False)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""))
            self.assertIn("start it with an empty data directory", refused.stderr)
            self.assertNotIn("out of reach", refused.stderr)
            self.assertEqual(second.request("GET", "/new")[2], b"hello")


if __name__ == "__main__":
    unittest.main()
