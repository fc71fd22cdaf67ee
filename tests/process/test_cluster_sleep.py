"""A node whose process was stopped answers no client by what it knew before, once it runs again."""
import time
import unittest

import support
import wire
from cluster import Cluster

HELLO = "exports.handler = async () => ({statusCode: 200, body: '%s'});"
# Longer than a loop may be late for its tick before it counts as asleep, and shorter than a session.
NAP_S = 1.3
# Longer than links are kept to a peer that is silent, and than a session.
SLEEP_S = 6.0


class SleepTest(unittest.TestCase):
    def asleep(self, node, span_s, meanwhile, path="/f"):
        """Stops the node, does something, sends a request into its socket, resumes it after `span_s`: the response."""
        with node.connect() as client:
            node.stop()
            stopped_at = time.monotonic()
            try:
                meanwhile()
                client.send(wire.get(path))
                time.sleep(max(0.0, stopped_at + span_s - time.monotonic()))  # the time that passes is what is tested
            finally:
                node.resume()
            resumed_at = time.monotonic()
            response = client.response()
        return response, time.monotonic() - resumed_at

    def test_what_was_removed_meanwhile_is_not_answered_any_more(self):
        with Cluster(3) as cluster:
            primary, _, sleeper = cluster
            for span_s in (NAP_S, SLEEP_S):
                cluster.deploy("f", HELLO % "old", at=list(cluster))
                response, _ = self.asleep(sleeper, span_s, lambda: primary.run("remove", "f", check=True))
                self.assertEqual((response.status, response.header("x-troupe-error")), (404, "no_such_route"), response)
                cluster.wait_together()

    def test_what_was_deployed_anew_meanwhile_is_answered(self):
        with Cluster(3) as cluster:
            primary, _, sleeper = cluster

            def anew():
                primary.run("remove", "f", check=True)
                primary.deploy_files("f", HELLO % "new")
            cluster.deploy("f", HELLO % "old", at=list(cluster))
            response, _ = self.asleep(sleeper, NAP_S, anew)
            self.assertEqual((response.status, response.body), (200, b"new"), response)

    def test_with_no_peer_in_reach_the_copy_answers(self):
        with Cluster(2) as cluster:
            cluster.deploy("f", HELLO % "old", at=[cluster[1]])
            response, took_s = self.asleep(cluster[1], NAP_S, cluster[0].kill)
            self.assertEqual((response.status, response.body), (200, b"old"), response)
            self.assertLess(took_s, 1.0 if not support.SANITIZED else 10.0)

    def test_a_node_alone_answers_at_once(self):
        with support.Node() as node:
            node.stop = lambda: support.freeze(node.pid)
            node.resume = lambda: node.process.send_signal(support.signal.SIGCONT)
            node.deploy_files("f", HELLO % "old")
            response, took_s = self.asleep(node, NAP_S, lambda: None)
            self.assertEqual((response.status, response.body), (200, b"old"))
            self.assertLess(took_s, 1.0 if not support.SANITIZED else 10.0)

    def test_while_a_peer_is_trusted_and_says_nothing_the_answer_is_not_ready(self):
        with Cluster(2, flags=("--set", "cluster.suspect_after=20s")) as cluster:
            primary, sleeper = cluster
            cluster.deploy("f", HELLO % "old", at=[sleeper])
            try:
                response, took_s = self.asleep(sleeper, NAP_S, primary.stop)
            finally:
                primary.resume()
            self.assertEqual((response.status, response.header("x-troupe-error")), (503, "not_ready"), response)
            self.assertEqual(response.header("retry-after"), "1")
            self.assertLess(took_s, 3.0 if not support.SANITIZED else 20.0)
            support.wait_until(lambda: sleeper.request("GET", "/f")[0] == 200, "answers as before")


if __name__ == "__main__":
    unittest.main()
