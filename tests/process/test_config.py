"""`troupe config`: what a file says, what a node runs with, and reading the file again while it serves."""
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import threading
import unittest

import load
import support
import wire
from metrics import metrics_of, total

HELLO = "exports.handler = async () => 'hello';"
WAITS = "exports.handler = (event) => new Promise((done) => setTimeout(() => done('late'), 60000));"


def run(*words, env=None):
    return subprocess.run([support.TROUPE, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=support.PATIENCE_S, env={**support.environment_without_settings(), **(env or {})})


class FileTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())
        self.path = os.path.join(self.folder, "troupe.yaml")

    def write(self, text):
        support.write_files(self.folder, {"troupe.yaml": text})
        return self.path


class CheckTest(FileTest):
    def faults(self, text, *flags):
        """The lines of a check of this text, which must end with 2."""
        done = run("config", "check", self.write(text), *flags)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr.splitlines()

    def test_a_file_without_a_fault(self):
        done = run("config", "check", self.write("loops: 2\nedge:\n  max_fields: 50\n"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"{self.path}: 2 settings, nothing is wrong\n")

    def test_every_fault_has_a_line_of_its_own(self):
        text = "nmae: a\nloops: many\nedge:\n  max_fields: 0\nadmin: 0.0.0.0:9001\njoin: 127.0.0.1:7000\nlog.level:\n"
        lines = self.faults(text)
        named = ((1, "nmae", "did you mean name?"), (2, "loops = 'many'", "0 to 256"),
                 (4, "edge.max_fields = '0'", "8 to 1000"), (5, "admin = '0.0.0.0:9001'", "no credentials"),
                 (7, "log.level", "no value"), (6, "join = '127.0.0.1:7000'", "give cluster"))
        self.assertEqual(len(lines), len(named), lines)
        for line, (number, key, words) in zip(lines, named):
            self.assertTrue(line.startswith(f"troupe: {key}"), line)
            self.assertIn(f"({self.path}:{number})", line)
            self.assertIn(words, line)

    def test_json(self):
        path = self.write("loops: many\nedge.max_feilds: 5\nname: a\n")
        done = run("config", "check", path, "--json")
        view = json.loads(done.stdout)
        self.assertEqual((done.returncode, view["valid"], view["settings"]), (2, False, 1))
        bad, unknown = view["faults"]
        self.assertEqual((bad["key"], bad["value"], bad["allowed"]), ("loops", "many", "0 to 256"))
        self.assertEqual(bad["source"], {"kind": "file", "path": path, "line": 1})
        self.assertEqual((unknown["key"], unknown["did_you_mean"]), ("edge.max_feilds", "edge.max_fields"))
        done = run("config", "check", self.write("name: a\n"), "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["faults"]), (0, []))

    def test_a_file_that_is_none(self):
        self.assertIn("No such file", run("config", "check", os.path.join(self.folder, "missing.yaml")).stderr)
        self.assertEqual(len(self.faults("edge: [1\n")), 1)
        self.assertIn("not a map", self.faults("- a\n")[0])
        for words in (("check",), ("chekc", "x"), (), ("show", "x"), ("reload", "x"), ("reload", "--set", "loops=1")):
            done = run("config", *words)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), words)

    def test_settings_that_contradict_each_other(self):
        both = self.faults("cluster: 10.0.0.1:7000\ncluster.key: k.pem\n")
        self.assertEqual([line.split()[1] for line in both], ["cluster.certificate", "cluster.authority"])
        self.assertIn("--insecure-cluster", self.faults("cluster: 10.0.0.1:7000\n")[0])
        self.assertIn("contradicts", self.faults("cluster: 10.0.0.1:7000\ninsecure_cluster: true\n"
                                                 "cluster.certificate: a\ncluster.key: b\ncluster.authority: c\n")[0])

    def test_certificates_are_opened(self):
        for words in (("init",), ("issue", "a"), ("issue", "b")):
            subprocess.run([support.TROUPE, "certs", *words], cwd=self.folder, stdout=subprocess.DEVNULL, check=True)

        def text(key, certificate="a"):
            at = os.path.join(self.folder, "troupe-certs", "")
            return (f"cluster: 127.0.0.1:7000\ncluster.certificate: {at}{certificate}.pem\ncluster.key: {at}{key}-key.pem\n"
                    f"cluster.authority: {at}authority.pem\n")

        self.assertEqual(run("config", "check", self.write(text("a"))).returncode, 0)
        wrong, = self.faults(text("b"))
        self.assertIn("b-key.pem", wrong)
        self.assertTrue(wrong.endswith(f"({self.path}:3)"), wrong)
        self.assertIn("c.pem", self.faults(text("a", "c"))[0])
        self.assertIn("name = 'b'", self.faults("name: b\n" + text("a"))[0])

    def test_it_says_what_serve_would_say(self):
        for text in ("nmae: a\nloops: many\n", "loops: many\n", "join: 127.0.0.1:7000\n", "loops: [1\n",
                     "cluster: 0.0.0.0:7000\n"):
            with self.subTest(text=text):
                served = run("serve", "--config", self.write(text))
                self.assertEqual((served.returncode, served.stderr), (2, self.faults(text)[0] + "\n"))

    def test_only_the_file_counts_and_nothing_is_touched(self):
        path = self.write(f"data_dir: {self.folder}/data\nname: a\n")
        done = run("config", "check", path, env={"TROUPE_LOOPS": "many"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.folder), ["troupe.yaml"])
        self.assertIn("flag --set loops", self.faults("name: a\n", "--set", "loops=many")[0])


def of_node(node):
    """What a node says about its settings, by key."""
    return {each["key"]: each for each in json.loads(node.run("config", "show", "--json", check=True).stdout)["settings"]}


class ShowTest(FileTest):
    def test_a_node_tells_where_its_settings_come_from(self):
        path = self.write("edge:\n  max_fields: 10\n  max_target_bytes: 100\n")
        with support.Node("--config", path, "--set", "edge.max_head_bytes=20KiB", "--name", "gate", loops=2,
                          env={"TROUPE_EDGE_MAX_FIELDS": "20"}) as node:
            shown = of_node(node)
            self.assertEqual(set(shown), set(re.findall(r"(?m)^(\S+) {2,}\S+$", run("help", "settings").stdout)))
            self.assertEqual(shown["edge.max_target_bytes"]["source"], {"kind": "file", "path": path, "line": 3})
            self.assertEqual(shown["edge.max_fields"]["source"],
                             {"kind": "environment", "variable": "TROUPE_EDGE_MAX_FIELDS"})
            self.assertEqual(shown["edge.max_fields"]["value"], "20")
            self.assertEqual(shown["edge.max_fields"]["unit"], "fields")
            self.assertEqual(shown["edge.max_head_bytes"]["source"], {"kind": "flag", "flag": "--set edge.max_head_bytes"})
            self.assertEqual(shown["name"]["source"], {"kind": "flag", "flag": "--name"})
            self.assertEqual(shown["edge.idle_timeout"]["source"], {"kind": "default"})
            self.assertEqual(shown["edge.idle_timeout"]["value"], shown["edge.idle_timeout"]["default"])

            # What was left to the node is told as well.
            self.assertEqual(shown["http"]["effective"], node.http_addresses[0])
            self.assertEqual(shown["admin"]["effective"], node.admin_address)
            self.assertRegex(shown["edge.max_connections"]["effective"], r"^[1-9]\d*$")
            self.assertRegex(shown["instance_memory"]["effective"], r"^[1-9]\d*[KMG]iB$")
            self.assertRegex(shown["edge.max_body_memory"]["effective"], r"^[1-9]\d*[KMG]iB$")
            self.assertIsNone(shown["loops"]["effective"])

            table = [line.split("\t") for line in node.run("config", "show", check=True).stdout.splitlines()]
            self.assertEqual(table[0], ["SETTING", "VALUE", "UNIT", "DEFAULT", "SOURCE"])
            self.assertIn(["edge.max_target_bytes", "100", "bytes", "8KiB", f"{path}:3"], table)
            self.assertIn(["http", f"127.0.0.1:0 = {node.http_addresses[0]}", "ADDRESS:PORT", "0.0.0.0:8080",
                           "flag --http"], table)

    def test_of_a_node_that_would_be_started(self):
        path = self.write("loops: 3\n")
        done = run("config", "show", "--config", path, "--set", "drain.idle=1s", "--json", env={"TROUPE_NAME": "x"})
        shown = {each["key"]: each for each in json.loads(done.stdout)["settings"]}
        self.assertEqual((shown["loops"]["value"], shown["loops"]["source"]["line"]), ("3", 1))
        self.assertEqual((shown["drain.idle"]["value"], shown["name"]["value"]), ("1s", "x"))
        self.assertEqual(os.listdir(self.folder), ["troupe.yaml"])
        done = run("config", "show", "--config", self.write("loops: x\nnmae: y\n"))
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 2))

    def test_without_a_node(self):
        done = run("config", "show", "--admin", "http://127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot reach", done.stderr)


class ReloadTest(FileTest):
    def start(self, text, *flags, **how):
        return self.enterContext(support.Node("--config", self.write(text), *flags, **how))

    def reload(self, node, text=None):
        """Writes the file anew, unless there is no text, and has it read: what the node answers."""
        if text is not None:
            self.write(text)
        return json.loads(node.run("config", "reload", "--json", check=True).stdout)

    def status_of(self, node, fields=0, target=2, body=0):
        text = f"POST /{'x' * (target - 1)} HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n"
        with node.connect() as client:
            return client.exchange(text + "X: y\r\n" * (fields - 2) + "\r\n" + "b" * body).status

    def wait_for_calls(self, node, count):
        """Until so many calls are at workers."""
        support.wait_until(lambda: json.loads(node.admin("GET", "/v1/nodes")[2])[0]["load"]["in_flight"] == count,
                           f"{count} calls at workers")

    def test_limits_of_every_loop_change_at_once(self):
        node = self.start("edge:\n  max_fields: 20\n", loops=2)
        self.assertEqual(self.status_of(node, fields=20), 404)
        answer = self.reload(node, "edge:\n  max_fields: 10\n  max_target_bytes: 100\n  max_body_bytes: 1000\n")
        self.assertEqual(answer["file"], self.path)
        self.assertEqual({each["key"]: (each["from"], each["to"]) for each in answer["changed"]},
                         {"edge.max_fields": ("20", "10"), "edge.max_target_bytes": ("8KiB", "100"),
                          "edge.max_body_bytes": ("10MB", "1KB")})
        self.assertEqual(answer["needs_restart"], [])
        for _ in range(8):  # connections go to either loop
            self.assertEqual([self.status_of(node, fields=10), self.status_of(node, fields=11)], [404, 431])
            self.assertEqual([self.status_of(node, target=100), self.status_of(node, target=101)], [404, 414])
            self.assertEqual([self.status_of(node, body=1000), self.status_of(node, body=1001)], [404, 413])
        shown = of_node(node)["edge.max_fields"]
        self.assertEqual((shown["value"], shown["source"]["line"]), ("10", 2))
        self.assertIsInstance(shown["reloaded_unix_ms"], int)
        self.assertIn(f"{self.path}:2, reloaded", node.run("config", "show").stdout)

    def test_an_open_connection_follows(self):
        node = self.start("errors: strict\n")
        node.deploy_files("broken", "exports.handler = async () => { throw new Error('x'); };")
        with node.connect() as client:
            self.assertEqual(client.exchange("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n").status, 500)
            self.reload(node, "errors: truthful\ntiming: always\nedge.idle_timeout: 200ms\n")
            answer = client.exchange("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(answer.status, 502)
            self.assertIsNotNone(answer.header("server-timing"))
            self.assertEqual(client.socket.recv(1), b"", "it is closed when it was idle for the new time")

    def test_flags_and_the_environment_still_win(self):
        node = self.start("edge.max_fields: 20\nedge.max_target_bytes: 100\n", "--set", "edge.max_fields=30",
                          env={"TROUPE_EDGE_MAX_TARGET_BYTES": "200"})
        answer = self.reload(node, "edge.max_fields: 40\nedge.max_target_bytes: 300\n")
        self.assertEqual(answer["changed"], [])
        self.assertEqual([self.status_of(node, fields=30), self.status_of(node, fields=31)], [404, 431])
        self.assertIn("nothing changed", node.run("config", "reload", check=True).stdout)

    def test_a_wrong_file_changes_nothing_and_says_why(self):
        node = self.start("edge.max_fields: 20\n")
        self.write("edge.max_fields: 10\nlog.level: loud\nnmae: x\n")
        done = node.run("config", "reload")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertIn(f"log.level = 'loud' ({self.path}:2)", lines[0])
        self.assertIn(f"nmae ({self.path}:3)", lines[1])
        self.assertEqual([self.status_of(node, fields=20), self.status_of(node, fields=21)], [404, 431])
        logged = support.wait_until(lambda: [line for line in node.log().splitlines() if "reload_refused" in line],
                                    "the line of the refusal")
        self.assertIn("loud", logged[0])
        done = node.run("config", "reload", "--json")
        self.assertEqual([fault["message"] for fault in json.loads(done.stderr)["error"]["faults"]],
                         [line.removeprefix("troupe: ") for line in lines])
        os.unlink(self.path)
        self.assertIn("No such file", node.run("config", "reload").stderr)
        self.assertIn("reload_refused", node.run("events").stdout)
        self.assertEqual(self.reload(node, "edge.max_fields: 10\n")["changed"][0]["to"], "10")

    def test_what_needs_a_restart_is_named_and_the_rest_counts(self):
        node = self.start("edge.max_fields: 20\naws.region: eu-west-1\n")
        self.write("edge.max_fields: 10\naws.region: us-west-2\nstem_cells: auto\n")
        done = node.run("config", "reload", check=True)
        self.assertEqual(done.stdout, f"{self.path}: changed\n  edge.max_fields: 20 -> 10\nneeds a restart:\n"
                                      "  aws.region: eu-west-1 -> us-west-2\n")
        self.assertEqual(self.status_of(node, fields=11), 431)
        shown = of_node(node)["aws.region"]
        self.assertEqual((shown["value"], shown["after_restart"], shown["reloadable"]), ("eu-west-1", "us-west-2", False))
        self.assertIn("after a restart us-west-2", node.run("config", "show").stdout)
        line = next(json.loads(each) for each in node.log().splitlines() if "settings_reloaded" in each)
        self.assertEqual((line["level"], line["changed"], line["needs_restart"]),
                         ("warning", "edge.max_fields", "aws.region"))
        self.assertEqual(self.reload(node, "edge.max_fields: 10\naws.region: eu-west-1\n")["needs_restart"], [])
        self.assertIsNone(of_node(node)["aws.region"]["after_restart"])

    def test_sighup_does_the_same(self):
        node = self.start("log.level: info\n")
        self.write("log: {level: error, access: 'off'}\n")
        node.process.send_signal(signal.SIGHUP)
        support.wait_until(lambda: of_node(node)["log.level"]["value"] == "error", "the reload of a SIGHUP")
        self.write("log: {level: debug, format: human, access: failed}\n")
        node.process.send_signal(signal.SIGHUP)
        reloads = support.wait_until(
            lambda: (lines := [each for each in node.log().splitlines() if "settings_reloaded" in each])[1:] and lines,
            "the lines of both")
        self.assertTrue(reloads[0].startswith("{"), reloads)
        self.assertFalse(reloads[1].startswith("{"), "its form counts at once")
        self.assertEqual(node.request("GET", "/nothing")[0], 404)
        self.assertEqual(node.terminate(), 0)
        self.assertNotIn(" request ", node.log(), "404 is no failure")

    def test_times_of_the_end(self):
        node = self.start("drain: {timeout: 10m, announce: 10m}\n", announce_ms=None)
        node.deploy_files("waits", WAITS, "--timeout-s", "600")
        with node.connect() as client:
            client.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
            self.wait_for_calls(node, 1)
            self.reload(node, "drain: {timeout: 0, announce: 0}\n")
            self.assertEqual(node.terminate(), 0)
            self.assertEqual(client.response().status, 503)

    def test_queues_and_instances(self):
        node = self.start("queue: {max_calls: 1000, max_age: 15m}\n", loops=2)
        node.deploy_files("waits", WAITS, "--timeout-s", "600", "--max-instances", "1")
        self.reload(node, "queue: {max_calls: 1, max_age: 50ms}\nidle_timeout: 1s\ninstance_memory: 1GB\n")
        self.assertEqual(of_node(node)["instance_memory"]["value"], "1GB")
        with node.connect() as first:
            first.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
            self.wait_for_calls(node, 1)
            self.assertEqual(node.request("GET", "/waits")[1]["x-troupe-error"], "overloaded")
        node.deploy_files("quick", HELLO)
        self.assertEqual(node.request("GET", "/quick")[2], b"hello")
        support.wait_until(lambda: json.loads(node.admin("GET", "/v1/functions/quick")[2])["instances"]["ready"] == 0,
                           "the idle instance to end")

    def test_times_and_sizes_of_clients(self):
        node = self.start("edge: {max_connections: 100}\n")
        node.deploy_files("waits", WAITS, "--timeout-s", "600")
        head = "POST /waits HTTP/1.1\r\nHost: a\r\n"
        half_a_body = head + "Content-Length: 5\r\n\r\nb"
        # They hold for the next reload as well: it has the time for two writes.
        for sent, text in ((head, "edge: {header_timeout: 1s}\n"),
                           (half_a_body, "edge: {body_progress_timeout: 1s, body_timeout: 15m}\n"),
                           (half_a_body, "edge: {body_progress_timeout: 15m, body_timeout: 1s}\n")):
            with self.subTest(text), node.connect() as client:
                self.reload(node, text)
                self.assertEqual(client.exchange(sent).status, 408)
        with self.subTest("edge.answer_timeout"):
            self.reload(node, "edge.answer_timeout: 50ms\n")
            self.assertEqual(node.request("GET", "/waits")[1]["x-troupe-error"], "budget_spent")
        with self.subTest("edge.max_head_bytes"):
            self.reload(node, "edge.max_head_bytes: 1KiB\n")
            self.assertEqual(node.request("GET", "/", headers={"x": "y" * 1024})[0], 431)
        with self.subTest("edge.max_admin_body_bytes"):
            self.assertEqual(node.admin("PUT", "/v1/functions/f", b"b" * 2000)[0], 400)
            self.reload(node, "edge.max_admin_body_bytes: 1KiB\n")
            self.assertEqual(node.admin("PUT", "/v1/functions/f", b"b" * 2000)[0], 413)
        with self.subTest("edge.max_connections"), node.connect() as client:
            self.assertEqual(client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 404)
            self.reload(node, "edge.max_connections: 1\n")
            self.assertEqual(node.request("GET", "/")[0], 503)

    def test_a_client_that_takes_nothing(self):
        node = self.start("edge.write_timeout: 15m\n")
        node.deploy_files("large", "exports.handler = async () => 'x'.repeat(6000000);")
        with node.connect() as client:
            self.assertEqual(client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 404)
            self.reload(node, "edge.write_timeout: 1s\n")
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            support.wait_until(lambda: total(metrics_of(node), "troupe_http_connections") == 0, "the end of the connection")

    def test_one_line_for_many_requests(self):
        node = self.start("log.access_one_in: 1000000\n")
        paths = ("/before", "/after")
        for path in paths:
            for _ in range(50):
                self.assertEqual(node.request("GET", path)[0], 404)
            if path == paths[0]:
                self.reload(node, "log.access_one_in: 1\n")
        self.assertEqual(node.terminate(), 0)
        self.assertEqual(node.log().count('"event":"request"'), 51, "the first, and all since the reload")

    def test_shedding(self):
        node = self.start("queue: {shedding: auto, max_age: 15m}\n")
        quick = "exports.handler = () => new Promise((done) => setTimeout(() => done('late'), 300));"
        node.deploy_files("f", quick, "--max-instances", "1", "--min-instances", "1")

        def ask_at_once():
            return sorted(support.parallel(12, lambda _: node.request("GET", "/f")[0]))
        self.assertIn(503, ask_at_once(), "a call waits no longer than it runs")
        self.reload(node, "queue: {shedding: 'off', max_age: 15m}\n")
        self.assertEqual(ask_at_once(), [200] * 12)

    def test_host_names_of_the_admin_port(self):
        node = self.start("name: a\n")
        self.assertEqual(node.admin("GET", "/v1/node", headers={"host": "gate.example"})[0], 403)
        self.reload(node, "name: a\nadmin_hosts: [gate.example]\n")
        self.assertEqual(node.admin("GET", "/v1/node", headers={"host": "gate.example"})[0], 200)
        self.assertEqual(node.admin("POST", "/v1/config/reload", headers={"origin": "http://elsewhere"})[0], 403)

    def test_backups(self):
        node = self.start("store: {backup_interval: 0}\n")
        folder = os.path.join(node.data_dir, "backups")

        def files():
            names = os.listdir(folder) if os.path.isdir(folder) else []
            return {name for name in names if name.endswith(".ndjson")}

        def deploy_and_wait_for_another(version):
            before = files()
            node.deploy_files("hello", HELLO + f"  // {version}")
            support.wait_until(lambda: files() - before, "one more backup")
        self.reload(node, "store: {backup_interval: 1s, backup_keep: 10000}\n")
        for version in range(2):
            deploy_and_wait_for_another(version)
        older = files()
        self.assertGreaterEqual(len(older), 2)
        self.reload(node, "store: {backup_interval: 1s, backup_keep: 1}\n")
        deploy_and_wait_for_another(2)
        support.wait_until(lambda: len(files()) == 1 and not files() & older, "the end of the older ones")

    def test_memory_of_bodies(self):
        text = "edge: {max_body_bytes: 100KB, body_progress_timeout: 15m, body_timeout: 15m, max_body_memory: %s}\n"
        node = self.start(text % "1GiB")
        head = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 80000\r\n\r\n"
        with contextlib.ExitStack() as all_of_them:
            clients = [all_of_them.enter_context(node.connect()) for _ in range(4)]
            for client in clients[:3]:
                client.send(head + "b" * 70000)
            support.wait_until(lambda: all(wire.has_arrived(each) and wire.unread_bytes(each) == 0
                                           for each in clients[:3]), "the bodies at the node")
            self.reload(node, text % "1KiB")
            clients[3].send(head + "b" * 70000)
            for client in clients[:3]:
                answer = client.response()
                self.assertEqual((answer.status, answer.header("x-troupe-error")), (503, "overloaded"))
            clients[3].send("b" * 10000)
            self.assertEqual(clients[3].response().status, 404, "whoever is left is served")

    def test_bytes_of_a_read(self):
        text = "edge: {answer_timeout: 15m, max_pipeline_bytes: %s}\n"
        node = self.start(text % "64KiB")
        node.deploy_files("waits", WAITS, "--timeout-s", "600")
        requests = "GET /waits HTTP/1.1\r\nHost: a\r\n\r\n" * 100
        with node.connect() as before, node.connect() as after:
            for client, calls, left in ((before, 1, 0), (after, 2, len(requests) - 1024)):
                client.send(requests)
                self.wait_for_calls(node, calls)
                self.assertEqual(wire.unread_bytes(client), left)
                self.reload(node, text % "1KiB")

    def test_connections_without_a_request_at_the_end(self):
        node = self.start("drain: {timeout: 15m, announce: 0, idle: 15m}\n", announce_ms=None)
        with node.connect() as client:
            self.assertEqual(client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 404)
            self.reload(node, "drain: {timeout: 15m, announce: 0, idle: 0}\n")
            self.assertEqual(node.terminate(), 0)
            self.assertEqual(client.socket.recv(1), b"")

    def test_no_request_fails_because_of_a_reload(self):
        node = self.start("edge.max_fields: 100\n", loops=2, native=None)
        node.deploy_files("hello", HELLO, "--concurrency", "8", "--min-instances", "1")
        answers, lock = [], threading.Lock()

        def ask():
            with node.connect() as client:
                for _ in range(20):
                    status = client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status
                    with lock:
                        answers.append(status)

        texts = ["edge: {max_fields: 100, idle_timeout: 5s}\nerrors: truthful\nqueue.max_age: 10s\nlog.level: error\n",
                 "edge: {max_fields: 50, header_timeout: 3s}\nlog: {access_one_in: 10}\ninstance_memory: 4GB\n",
                 "nonsense\n"]
        with load.Clients(4, ask):
            for number in range(60):
                text = texts[number % 3]
                self.write(text)
                done = node.run("config", "reload")
                self.assertEqual(done.returncode, 1 if text == "nonsense\n" else 0, done.stderr)
        self.assertGreater(len(answers), 60)
        self.assertEqual(set(answers), {200})

    def test_a_node_without_a_file_has_nothing_to_read(self):
        with support.Node() as node:
            done = node.run("config", "reload")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("without --config", done.stderr)
            node.process.send_signal(signal.SIGHUP)
            support.wait_until(lambda: node.log().count("reload_refused") == 2, "the line of the signal")
            self.assertTrue(node.is_ready())

    def test_a_node_whose_terminal_is_gone_ends(self):
        ours, theirs = pty.openpty()
        node = self.enterContext(support.Node("--config", self.write("loops: 1\n"), start=False))
        try:
            process = subprocess.Popen(node.command(), stdin=theirs, stdout=theirs, stderr=theirs,
                                       env=node.environment())
            node.process = process
            os.close(theirs)
            drained = threading.Thread(target=self.drain, args=(ours,))
            drained.start()
            where = support.wait_until(node._addresses, "node.json of the started node")
            node.admin_address = where["admin"]
            node.admin_url = "http://" + where["admin"]
            support.wait_until(lambda: node.admin("GET", "/readyz")[0] == 200, "the node to be ready")
            process.send_signal(signal.SIGHUP)
            support.wait_until(lambda: "settings_reloaded" in node.run("events").stdout, "the reload on a terminal")
        finally:
            self.gone = True
            os.close(ours)
        drained.join()
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(support.PATIENCE_S), 0)

    gone = False

    def drain(self, terminal):
        """Takes what the node writes, until the terminal is closed."""
        import select
        with contextlib.suppress(OSError, ValueError):
            while not self.gone:
                if select.select([terminal], [], [], 0.05)[0]:
                    os.read(terminal, 65536)


if __name__ == "__main__":
    unittest.main()
