"""Requests at any node reach a function wherever its instances are."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import unittest

import lambda_client

lambda_client.use_debian_python()

import support  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position

WHO = "exports.handler = async () => ({statusCode: 200, body: '%s ' + process.pid});"
ECHO = """exports.handler = async (event) => ({
  statusCode: 200, headers: {'content-type': 'application/octet-stream', 'x-seen': String(event.body.length)},
  body: event.body, isBase64Encoded: event.isBase64Encoded});
"""
WAITS = """const fs = require('fs');
exports.handler = async (event) => {
  const {file, gate} = event.queryStringParameters ?? {};
  if (file) fs.writeFileSync(file, '');
  while (gate && !fs.existsSync(gate)) await new Promise((done) => setTimeout(done, 5));
  return {statusCode: 200, body: 'done'};
};
"""


def versions_at(node):
    """What the node says is deployed: {name: version}."""
    listed = json.loads(node.run("list", "--json", check=True).stdout)["functions"]
    return {each["name"]: int(each["version"]) for each in listed}


def waiting_at(nodes):
    """Calls that wait for a worker, at all of the nodes together."""
    return sum(json.loads(node.admin("GET", "/v1/node")[2])["instances"]["waiting"] for node in nodes)


class CallsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(3))

    def setUp(self):
        self.folder = self.enterContext(support.TempDir())

    def text_at(self, node, path, **more):
        status, headers, body = node.request("GET", path, **more)
        self.assertEqual(status, 200, (node.name, headers, body))
        return body.decode()

    def test_what_one_node_runs_answers_at_all(self):
        owner = self.cluster[1]
        self.cluster.deploy("where", WHO % "v1", at=[owner])
        pids = [int(self.text_at(node, "/where").split()[1]) for node in self.cluster]
        self.assertIn(pids[1], support.descendants(owner.pid))
        self.assertLess(len(set(pids)), 3, "each node runs its own")

    def test_deployments_at_a_copy_show_everywhere_in_the_next_call(self):
        copy = self.cluster[2]
        for version in range(1, 6):
            copy.deploy_files("news", WHO % f"version-{version}")
            self.assertEqual([versions_at(node)["news"] for node in self.cluster], [version] * 3)
            # A node with an instance of the version before serves it until its own of the new one is ready.
            for node in self.cluster:
                support.wait_until(lambda one=node: one.request("GET", "/news")[2].startswith(b"version-%d " % version),
                                   f"version {version} at {node.name}")
        copy.run("remove", "news", check=True)
        for node in self.cluster:
            self.assertEqual(node.request("GET", "/news")[0], 404, node.name)
            self.assertNotIn("news", versions_at(node))

    def test_each_node_takes_deployments(self):
        for node in self.cluster:
            self.cluster.deploy("from-" + node.name, WHO % node.name, at=[node])
        for node in self.cluster:
            for other in self.cluster:
                self.assertEqual(self.text_at(node, f"/from-{other.name}").split()[0], other.name)

    def test_a_megabyte_goes_and_comes_whole(self):
        self.cluster.deploy("echo", ECHO, at=[self.cluster[0]])
        body = os.urandom(1 << 20)
        for node in self.cluster:
            status, headers, answer = node.request("POST", "/echo", body, {"content-type": "application/octet-stream"})
            self.assertEqual((status, hashlib.sha256(answer).hexdigest()), (200, hashlib.sha256(body).hexdigest()),
                             (node.name, headers, answer[:200]))

    def test_many_calls_at_once_are_all_answered_with_their_own(self):
        self.cluster.deploy("crowd", ECHO, at=[self.cluster[0]])

        def call(number):
            return self.cluster[1 + number % 2].request("POST", "/crowd", f"number {number} " + "x" * number * 500)
        for number, (status, _, body) in enumerate(support.parallel(64, call)):
            self.assertEqual((status, body.decode()), (200, f"number {number} " + "x" * number * 500), number)

    def test_a_call_that_waits_is_dropped_when_its_client_goes(self):
        self.cluster.deploy("slow", WAITS, "--max-instances", "1", at=[self.cluster[0]])
        late, gate = (os.path.join(self.folder, name) for name in ("late", "gate"))
        # One at each node: whichever have an instance are busy then.
        busy = [node.connect() for node in self.cluster]
        runs = [os.path.join(self.folder, node.name) for node in self.cluster]
        for client, file in zip(busy, runs):
            client.send(wire.get(f"/slow?file={file}&gate={gate}"))
        support.wait_until(lambda: sum(map(os.path.exists, runs)) + waiting_at(self.cluster) == len(busy),
                           "each call runs or waits")
        waited = waiting_at(self.cluster)
        leaves = self.cluster[1].connect().send(wire.get(f"/slow?file={late}"))
        support.wait_until(lambda: waiting_at(self.cluster) == waited + 1, "the late call waits")
        leaves.reset()
        support.wait_until(lambda: waiting_at(self.cluster) == waited, "the late call is dropped")
        support.write_files(self.folder, {"gate": ""})
        for client in busy:
            with client:
                self.assertEqual(client.response().status, 200)
        self.assertEqual(self.text_at(self.cluster[1], "/slow"), "done")
        self.assertFalse(os.path.exists(late))


class HomeTest(unittest.TestCase):
    def test_a_function_without_instances_is_started_at_one_node(self):
        with Cluster(3) as cluster:
            cluster.deploy("once", WHO % "v1", "--max-instances", "1", at=[cluster[0]])
            for node in cluster:
                node.terminate()
            cluster.start()
            answers = [cluster[number % 3].request("GET", "/once") for number in range(3)]
            answers += support.parallel(9, lambda number: cluster[number % 3].request("GET", "/once"))
            self.assertEqual({status for status, _, _ in answers}, {200}, answers)
            self.assertEqual(len({body for _, _, body in answers}), 1, answers)


class IdempotentTest(unittest.TestCase):
    """A node dies while it runs a call for another one."""
    RUNS = """const fs = require('fs');
exports.handler = async (event) => {
  const {ran, gate} = event.queryStringParameters;
  fs.appendFileSync(ran, process.pid + '\\n');
  while (!fs.existsSync(gate)) await new Promise((done) => setTimeout(done, 5));
  return {statusCode: 200, body: String(process.pid)};
};
"""

    def ran(self):
        """The processes that began the call, in their order."""
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.folder, "ran"), encoding="utf-8") as file:
                return [int(line) for line in file.read().split()]
        return []

    def answer_after_kill(self, cluster, *flags):
        """Status, cause and body of a call whose node was killed while it ran it."""
        entry, *owners = cluster
        cluster.deploy("runs", self.RUNS, "--timeout-s", "60", *flags, at=owners)
        gate = os.path.join(self.folder, "gate")
        with concurrent.futures.ThreadPoolExecutor(1) as client:
            answer = client.submit(entry.request, "GET", f"/runs?ran={os.path.join(self.folder, 'ran')}&gate={gate}")
            first = support.wait_until(self.ran, "the call runs")[0]
            next(node for node in owners if first in support.descendants(node.pid)).kill()
            support.write_files(self.folder, {"gate": ""})
            status, headers, body = answer.result(support.PATIENCE_S)
        return status, headers.get("x-troupe-error"), body

    def test_another_node_runs_the_call_of_an_idempotent_function_again(self):
        with Cluster(3) as cluster, support.TempDir() as self.folder:
            status, cause, body = self.answer_after_kill(cluster, "--idempotent")
            self.assertEqual((status, cause, body.decode()), (200, None, str(self.ran()[-1])))
            self.assertEqual(len(self.ran()), 2)
            self.assertNotEqual(*self.ran())
            told = json.loads(cluster[0].admin("GET", "/v1/functions/runs")[2])
            self.assertIs(told["idempotent"], True)

    def test_without_the_flag_it_runs_once_and_fails(self):
        with Cluster(3) as cluster, support.TempDir() as self.folder:
            status, _, body = self.answer_after_kill(cluster)
            self.assertEqual(status, 502, body)
            self.assertEqual(len(self.ran()), 1)
            listed = json.loads(cluster[0].run("list", "--json", check=True).stdout)["functions"]
            self.assertEqual([each["idempotent"] for each in listed], [False])


class LambdaApiTest(unittest.TestCase):
    def test_the_api_answers_at_every_node_alike(self):
        with Cluster(3) as cluster:
            apis = [lambda_client.client(node) for node in cluster]
            lambda_client.settled(apis[1], "echo")
            cluster.wait_known("echo", [cluster[1]])
            for api in apis:
                support.wait_until(lambda one=api: "FunctionError" not in one.invoke(FunctionName="echo"),
                                   "an answer of the new function")
            for number, api in enumerate(apis):
                self.assertEqual(api.get_function_configuration(FunctionName="echo")["State"], "Active")
                answer = api.invoke(FunctionName="echo", Payload=json.dumps({"number": number}))
                self.assertEqual((answer["StatusCode"], lambda_client.payload_of(answer)), (200, {"number": number}))
            apis[2].update_function_configuration(FunctionName="echo", Description="new", Timeout=7)
            for api in apis:
                found = api.get_function_configuration(FunctionName="echo")
                self.assertEqual((found["Description"], found["Timeout"]), ("new", 7))
            self.assertEqual({api.get_function_configuration(FunctionName="echo")["RevisionId"] for api in apis},
                             {apis[0].get_function_configuration(FunctionName="echo")["RevisionId"]})
            apis[0].delete_function(FunctionName="echo")
            for api in apis:
                with self.assertRaises(api.exceptions.ResourceNotFoundException):
                    api.get_function(FunctionName="echo")


if __name__ == "__main__":
    unittest.main()
