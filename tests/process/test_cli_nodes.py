"""`troupe nodes`, `events` and `store`: of a node that is alone, and of a cluster that a test plays."""
import hashlib
import json
import os
import signal
import subprocess
import unittest
import urllib.parse

import fake_admin
import support
from test_cli_output import on_terminal, run

NODES = [{"name": "a", "id": "1", "role": "primary", "state": "ready", "age_ms": 7_200_000, "version": "0.1.0",
          "cluster": "10.0.0.1:7000", "store": {"cursor": 12, "lag": 0, "digest": "0123456789abcdef"},
          "load": {"in_flight": 3, "ready": 2}, "functions": ["hello", "shop"]},
         {"name": "b", "id": "2", "role": "copy", "state": "suspected", "age_ms": None, "version": None, "cluster": None,
          "store": {"cursor": 9, "lag": 3, "digest": None}, "load": {"in_flight": 0, "ready": 0}, "functions": []}]
POSITIONS = ("0123456789abcdef:1", "0123456789abcdef:3,fedcba9876543210:2")


def cluster(answers=None):
    """A node of a cluster of two; `answers` overrides what a (method, path) is answered."""
    def answer(method, path, _):
        if answers and (method, path) in answers:
            return answers[(method, path)]
        if (method, path) == ("GET", "/v1/nodes"):
            return 200, {}, json.dumps(NODES).encode()
        return 404, {}, {"error": {"code": "no_such_route", "message": "nothing is here"}}
    return fake_admin.FakeAdmin(answer)


class NodesTest(unittest.TestCase):
    def test_each_node_is_a_row_and_what_is_not_known_a_dash(self):
        with cluster() as admin:
            done = run("nodes", "--admin", admin.url)
            code, text = on_terminal(70, "nodes", "--admin", admin.url)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(rows[0], ["NODE", "ROLE", "STATE", "AGE", "VERSION", "CURSOR", "LAG", "DIGEST", "CALLS", "READY",
                                   "FUNCTIONS"])
        self.assertEqual(rows[1], ["a", "primary", "ready", "2h", "0.1.0", "12", "0", "01234567", "3", "2", "hello, shop"])
        self.assertEqual(rows[2], ["b", "copy", "suspected", "-", "-", "9", "3", "-", "0", "0", "-"])
        self.assertEqual((code, len(text.splitlines())), (0, 3), text)

    def test_json_is_the_list(self):
        with cluster() as admin:
            self.assertEqual(json.loads(run("nodes", "--json", "--admin", admin.url).stdout), NODES)

    def test_what_answers_with_something_else_is_no_node(self):
        for body in (b"[", b"{}", b'"x"', b"null"):
            with cluster({("GET", "/v1/nodes"): (200, {}, body)}) as admin:
                done = run("nodes", "--admin", admin.url)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("no troupe node", done.stderr)

    def test_members_of_other_types_are_passed_over(self):
        odd = [{"name": 1, "store": [], "load": None, "functions": [1, "f"], "age_ms": -1, "more": {}}, 7, None]
        with cluster({("GET", "/v1/nodes"): (200, {}, json.dumps(odd).encode())}) as admin:
            done = run("nodes", "--admin", admin.url)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 4), done.stderr)
        self.assertEqual(done.stdout.splitlines()[1].split("\t")[-1], "f")

    def test_removal_names_the_node_and_prints_the_reason_of_a_refusal(self):
        refusal = {"error": {"code": "refused", "message": "node 'b' is live"}}
        with cluster({("DELETE", "/v1/nodes/a.b-1"): (200, {}, {"removed": "a.b-1"}),
                      ("DELETE", "/v1/nodes/b"): (409, {}, refusal)}) as admin:
            done = run("nodes", "remove", "a.b-1", "--admin", admin.url)
            self.assertEqual((done.returncode, done.stdout), (0, "removed a.b-1\n"))
            done = run("nodes", "remove", "b", "--admin", admin.url)
            self.assertEqual((done.returncode, done.stderr), (1, "troupe: node 'b' is live\n"))

    def test_wrong_usage_asks_nobody(self):
        with cluster() as admin:
            for words, named in ((("nodes", "remove"), "NODE"), (("nodes", "remove", "a/b"), "'a/b'"),
                                 (("nodes", "add", "a"), "add"), (("store", "move"), "--to"), (("store",), "ACTION"),
                                 (("store", "move", "--to", "a b"), "'a b'"), (("events", "a"), "a")):
                done = run(*words, "--admin", admin.url)
                self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)
                self.assertIn(named, done.stderr)
            self.assertEqual(admin.requests, [])

    def test_the_store_moves(self):
        with cluster({("POST", "/v1/store/move"): (200, {}, {"primary": "b"})}) as admin:
            done = run("store", "move", "--to", "b", "--admin", admin.url)
            self.assertEqual((done.returncode, done.stdout), (0, "the store is at b\n"))
            self.assertEqual(json.loads(admin.requests[0][3]), {"to": "b"})


class EventsTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())

    @staticmethod
    def play():
        """Two events, then none, one more after each further question that names the right position."""
        def answer(_, path, __):
            query = urllib.parse.urlsplit(path).query
            if not query:
                return 200, {}, {"events": [{"unix_ms": 0, "node": "a", "kind": "node_ready", "text": "a is ready"},
                                            {"unix_ms": 1500, "node": "b", "kind": "node_joined", "text": "b\x1b[2J"}],
                                 "next": POSITIONS[0], "overwritten": 1}
            if query == "from=" + POSITIONS[0]:
                return 200, {}, {"events": [{"unix_ms": 3000, "node": "b", "kind": "node_left", "text": "b left"}],
                                 "next": POSITIONS[1], "overwritten": 0}
            return 200, {}, {"events": [], "next": query.removeprefix("from="), "overwritten": 0}
        return fake_admin.FakeAdmin(answer)

    def test_a_line_for_each_event(self):
        with self.play() as admin:
            done = run("events", "--admin", admin.url)
        self.assertEqual(done.stdout, "1970-01-01T00:00:00.000Z\ta\tnode_ready\ta is ready\n"
                                      "1970-01-01T00:00:01.500Z\tb\tnode_joined\tb?[2J\n")
        self.assertEqual((done.returncode, done.stderr), (0, "(1 event overwritten before they could be read)\n"))

    def test_nodes_whose_events_are_missing_are_named(self):
        answer = {"events": [], "next": "", "overwritten": 0, "silent": ["b", "c"]}
        with cluster({("GET", "/v1/events"): (200, {}, answer)}) as admin:
            done = run("events", "--admin", admin.url)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(done.stderr, "(without the events of b, c: no answer)\n")

    def test_following_goes_on_where_the_last_answer_ended(self):
        out = os.path.join(self.folder, "out")
        with self.play() as admin, open(out, "wb") as file:
            process = subprocess.Popen([support.TROUPE, "events", "-f", "--json", "--admin", admin.url],
                                       stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL)
            try:
                support.wait_until(lambda: any(POSITIONS[1] in path for _, path, _, _ in list(admin.requests)),
                                   "question after the last event")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(support.PATIENCE_S), 0)
            finally:
                process.kill()
                process.wait()
        with open(out, encoding="utf-8") as file:
            self.assertEqual([json.loads(line)["text"] for line in file], ["a is ready", "b\x1b[2J", "b left"])


class AloneTest(unittest.TestCase):
    def test_a_node_that_is_alone_is_its_own_cluster(self):
        with support.Node("--name", "solo") as node:
            node.deploy_files("hello", "exports.handler = async () => 'hello';")
            (own,) = json.loads(node.run("nodes", "--json", check=True).stdout)
            self.assertEqual((own["name"], own["role"], own["state"], own["functions"]),
                             ("solo", "primary", "ready", ["hello"]))
            self.assertEqual((own["load"], own["store"]["lag"], own["cluster"]), ({"in_flight": 0, "ready": 1}, 0, None))
            self.assertGreater(own["store"]["cursor"], 0)
            for words, named in ((("nodes", "remove", "solo"), "is live"), (("nodes", "remove", "x"), "not in this"),
                                 (("store", "move", "--to", "solo"), "already"), (("store", "move", "--to", "x"), "not in")):
                done = node.run(*words)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(named, done.stderr)
            self.assertEqual(node.run("nodes", check=True).stdout.splitlines()[1].split("\t")[:3],
                             ["solo", "primary", "ready"])

    def test_events_go_on_after_a_restart(self):
        with support.Node("--name", "solo") as node:
            first = json.loads(node.run("events", "--json", check=True).stdout)
            self.assertIn(("solo", "node_ready"), [(event["node"], event["kind"]) for event in first["events"]])

            def read(position):
                status, _, body = node.admin("GET", "/v1/events?from=" + position)
                return status, json.loads(body)

            self.assertEqual(read(first["next"])[1]["events"], [])
            self.assertEqual(read("7")[0], 400)
            node.terminate()
            node.start()
            again = support.wait_until(lambda: [found for found in [read(first["next"])[1]] if found["events"]],
                                       "the event of the new life")[0]
            self.assertEqual([event["kind"] for event in again["events"]], ["node_ready"])
            self.assertIn(first["next"], again["next"])


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(self.enterContext(support.TempDir()), "backup.ndjson")

    def test_it_holds_what_is_deployed_and_proves_to_be_whole(self):
        with support.Node() as node:
            node.deploy_files("hello", "exports.handler = async () => 'hello';", "--route", "GET /a", "--env", "KEY=secret")
            done = node.run("backup", self.path, "--json", check=True)
            with open(self.path, "rb") as file:
                lines = file.read().splitlines(keepends=True)
            head, *records, end = map(json.loads, lines)
            self.assertEqual(head["troupe_backup"], 1)
            self.assertEqual([record["key"] for record in records], sorted(record["key"] for record in records))
            for key in ("function/hello", "route/default/GET /a"):
                self.assertIn(key, [record["key"] for record in records])
            self.assertEqual(end, {"records": len(records), "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()})
            self.assertEqual(json.loads(done.stdout),
                             {"file": self.path, "records": len(records), "cursor": head["cursor"]})
            self.assertEqual(os.stat(self.path).st_mode & 0o077, 0)
            again = node.run("backup", self.path)
            self.assertEqual((again.returncode, again.stdout), (1, ""))
            self.assertIn("is there already", again.stderr)

    def test_what_is_not_whole_is_not_kept(self):
        head = b'{"troupe_backup":1,"store_id":"00000000-0000-4000-8000-000000000001","generation":1,"salt":"1","cursor":1}\n'
        refusal = {"error": {"code": "unavailable", "message": "the store is out of reach"}}
        for answer, named in (((200, {}, head), "line 2 of the backup"), ((200, {}, b"<html>"), "line 1 of the backup"),
                              ((503, {}, refusal), "out of reach")):
            with cluster({("GET", "/v1/store/backup"): answer}) as admin:
                done = run("backup", self.path, "--admin", admin.url)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(named, done.stderr)
                self.assertFalse(os.path.exists(self.path))


if __name__ == "__main__":
    unittest.main()
