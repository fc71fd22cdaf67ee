"""What any node's admin port says of what is deployed: everything that was acknowledged before, or how old it is."""
import concurrent.futures
import json
import os
import time
import unittest

import lambda_client

lambda_client.use_debian_python()

import support  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position

HELLO = "exports.handler = async () => 'hello';"
STALE = "x-troupe-stale"
READS = ("/v1/functions", "/v1/functions/kept", "/v1/functions/kept/logs", "/v1/functions/kept/code", "/v1/routes",
         "/2015-03-31/functions", "/2015-03-31/functions/kept", "/2015-03-31/functions/kept/configuration")


class LevelTest(unittest.TestCase):
    def read_after_change(self, cluster, timeout_s):
        """Changes a function while a node is stopped, and asks that node as soon as it runs again: headers and answer."""
        primary, maker, slow = cluster
        before = primary.nodes()["n1"]["store"]["cursor"]
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            slow.stop()
            try:
                change = other.submit(lambda_client.client(maker).update_function_configuration, FunctionName="news",
                                      Timeout=timeout_s)
                support.wait_until(lambda: primary.nodes()["n1"]["store"]["cursor"] > before, "the commit")
            finally:
                slow.resume()
            status, headers, body = slow.admin("GET", "/2015-03-31/functions/news/configuration")
            change.result(support.PATIENCE_S)
        self.assertEqual(status, 200, body)
        lambda_client.wait(lambda_client.client(maker), "function_updated_v2", "news")
        return headers, json.loads(body)

    def test_what_was_acknowledged_elsewhere_shows_at_a_copy_that_was_slow_to_apply(self):
        with Cluster(3) as cluster:
            lambda_client.settled(lambda_client.client(cluster[1]), "news")
            cluster.wait_level()
            level = 0
            for number in range(20):
                headers, answer = self.read_after_change(cluster, 100 + number)
                # On a loaded machine the pause may be so long that the node has to find its primary again.
                if STALE not in headers:
                    self.assertEqual(answer["Timeout"], 100 + number)
                    level += 1
                if level == 3:
                    break
                cluster.wait_together()
            self.assertEqual(level, 3)

    def test_the_command_line_of_aws_finds_at_one_node_what_it_made_at_another(self):
        with Cluster(2) as cluster, support.TempDir() as folder:
            archive = os.path.join(folder, "code.zip")
            with open(archive, "wb") as file:
                file.write(lambda_client.zip_of(lambda_client.ECHO))
            for number in range(3):
                at, other = cluster[number % 2], cluster[1 - number % 2]
                made = lambda_client.aws(at, "create-function", "--function-name", f"made-{number}", "--runtime",
                                         "nodejs20.x", "--handler", "index.handler", "--role", lambda_client.ROLE,
                                         "--zip-file", f"fileb://{archive}")
                self.assertEqual(made.returncode, 0, made.stderr)
                found = lambda_client.aws(other, "get-function", "--function-name", f"made-{number}")
                self.assertEqual(found.returncode, 0, found.stderr)

    def test_an_update_at_a_node_sees_what_was_created_at_another(self):
        with Cluster(2) as cluster:
            apis = [lambda_client.client(node) for node in cluster]
            for number in range(10):
                name = f"shared-{number}"
                lambda_client.create(apis[number % 2], name)
                other = apis[1 - number % 2]
                support.wait_until(lambda: self.update(other, name), "the update")

    @staticmethod
    def update(api, name):
        try:
            return api.update_function_configuration(FunctionName=name, Description="new")["Description"] == "new"
        except api.exceptions.ResourceConflictException:
            return False  # its first instance starts


class StaleTest(unittest.TestCase):
    def ages(self, node):
        """What each read says of its age: seconds, or None."""
        found = []
        for path in READS:
            status, headers, body = node.admin("GET", path)
            self.assertEqual(status, 200, (path, body))
            found.append(int(headers[STALE]) if STALE in headers else None)
        return found

    def test_without_the_primary_reads_come_from_the_copy_and_say_how_old_it_is(self):
        with Cluster(3) as cluster:
            primary, copy, _ = cluster
            primary.deploy_files("kept", HELLO)
            cluster.wait_level()
            for node in cluster:
                support.wait_until(lambda one=node: one.admin("GET", "/v1/functions/kept/code")[0] == 200,
                                   f"the code at {node.name}")
                self.assertEqual(set(self.ages(node)), {None}, node.name)
            primary.stop()
            stopped_at = time.monotonic()
            try:
                first = support.wait_until(lambda: (now := self.ages(copy)) and None not in now and now, "an age")
                self.assertLessEqual(max(first), time.monotonic() - stopped_at + 3)
                later = support.wait_until(lambda: (now := self.ages(copy)) and min(now) >= max(first) + 2 and now,
                                           "a greater age", interval_s=0.1)
                self.assertLessEqual(max(later), time.monotonic() - stopped_at + 3)
                missing = copy.admin("GET", "/v1/functions/none")
                self.assertEqual((missing[0], STALE in missing[1]), (404, True))
                began = time.monotonic()
                self.ages(copy)
                self.assertLess(time.monotonic() - began, len(READS) * 0.5 if not support.SANITIZED else 20)
            finally:
                primary.resume()
            support.wait_until(lambda: set(self.ages(copy)) == {None}, "reads without an age")

    def test_a_primary_and_a_node_alone_are_never_stale(self):
        with Cluster(2) as cluster:
            cluster[0].deploy_files("kept", HELLO)
            cluster[1].kill()
            self.assertEqual(set(self.ages(cluster[0])), {None})
        with support.Node() as alone:
            alone.deploy_files("kept", HELLO)
            self.assertEqual(set(self.ages(alone)), {None})


class LaggardTest(unittest.TestCase):
    """Deployments say how far they have come."""

    @staticmethod
    def deployed(node, *arguments):
        return json.loads(node.deploy_files("f", HELLO, *arguments, "--json").stdout)

    def test_a_member_whose_copy_lags_is_named_after_a_second_and_one_that_is_suspected_at_once(self):
        with Cluster(3, flags=("--set", "store.session_ttl=60s")) as cluster:
            told = self.deployed(cluster[1])
            self.assertEqual((told["laggards"], told["alone"], told["copies"]), ([], False, 2))
            cluster[2].stop()
            try:
                began = time.monotonic()
                removed = cluster[1].run("remove", "f", "--json", check=True)
                self.assertEqual(json.loads(removed.stdout), {"removed": "f", "laggards": ["n3"]})
                self.assertLess(time.monotonic() - began, 4 if not support.SANITIZED else 20)
                cluster.wait_for_state("n3", ("suspected",), cluster.nodes[:2])
                # Once its link to the store is gone as well, nobody waits for it.
                support.wait_until(lambda: self.seconds_of_deployment(cluster) < 0.9 or support.SANITIZED,
                                   "deployments that do not wait")
                human = cluster[0].run("remove", "f", check=True).stdout
                self.assertEqual(human, "removed f\nnote: not known yet at n3, whose copies of the store lag\n")
            finally:
                cluster[2].resume()
            cluster.wait_together()
            cluster.wait_level()
            self.assertEqual(self.deployed(cluster[0])["laggards"], [])

    def seconds_of_deployment(self, cluster):
        """How long a change took of which the node that is stopped does not know."""
        api = lambda_client.client(cluster[0])
        if "f" not in [each["FunctionName"] for each in api.list_functions()["Functions"]]:
            lambda_client.settled(api, "f")
        began = time.monotonic()
        answer = api.tag_resource(Resource=api.get_function(FunctionName="f")["Configuration"]["FunctionArn"],
                                  Tags={"at": str(began)})
        took_s = time.monotonic() - began
        self.assertEqual(answer["ResponseMetadata"]["HTTPHeaders"].get("x-troupe-laggards"), "n3")
        return took_s

    def test_code_that_is_on_one_disk_alone_is_said_to_be(self):
        with Cluster(2) as cluster:
            cluster[1].kill()
            cluster.wait_for_state("n2", ("suspected", "gone"), [cluster[0]])
            told = self.deployed(cluster[0])
            self.assertEqual((told["alone"], told["copies"]), (True, 1))
            with support.TempDir() as folder:
                support.write_files(folder, {"index.js": HELLO + "// again"})
                human = cluster[0].deploy(folder, "--name", "f").stdout
            self.assertIn("note: the code is on this node's disk only", human)
            made = lambda_client.create(lambda_client.client(cluster[0]), "other")
            self.assertEqual(made["ResponseMetadata"]["HTTPHeaders"]["x-troupe-alone"], "true")

    def test_a_node_without_a_cluster_says_nothing_of_it(self):
        with support.Node() as alone:
            told = self.deployed(alone)
            self.assertEqual([name for name in ("laggards", "alone", "copies") if name in told], [])
            self.assertEqual(json.loads(alone.run("remove", "f", "--json", check=True).stdout), {"removed": "f"})


if __name__ == "__main__":
    unittest.main()
