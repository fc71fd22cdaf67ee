"""What the commands print: tables on a terminal and in a pipe, help, topics, suggestions; and docs/cli.md."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

import fake_admin
import support

HELLO = "exports.handler = async () => 'hello';"
COMMANDS = ("serve", "deploy", "invoke", "logs", "list", "routes", "remove", "nodes", "events", "store", "backup", "restore", "config", "certs", "completion", "help")
TOPICS = ("events", "responses", "routes", "runtimes", "settings", "errors", "limits", "admin", "cluster")


def run(*words):
    env = {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}
    return subprocess.run([support.TROUPE, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=support.PATIENCE_S, env=env)


def on_terminal(columns, *words):
    """What a command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        process = subprocess.Popen([support.TROUPE, *words], stdin=theirs, stdout=theirs, stderr=theirs)
    finally:
        os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:
        pass  # how Linux tells the end of a terminal
    finally:
        os.close(ours)
        process.wait()
    return process.returncode, written.decode().replace("\r\n", "\n")


class TableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.node.deploy_files("one", HELLO, "--min-instances", "1", "--max-instances", "4", "--memory-mb", "256",
                              "--timeout-s", "1.5", "--route", "GET /a/{id}", "--route", "POST /a")
        cls.node.deploy_files("second-function", HELLO, "--no-route")

    def test_a_pipe_gets_tabs(self):
        lines = [line.split("\t") for line in self.node.run("list", check=True).stdout.splitlines()]
        self.assertEqual(lines[0], ["FUNCTION", "RUNTIME", "VERSION", "READY/MIN/MAX", "MEMORY", "TIMEOUT", "AGE",
                                    "ROUTES"])
        self.assertEqual(lines[1][:6], ["one", "nodejs", "1", "1/1/4", "256MB", "1500ms"])
        self.assertRegex(lines[1][6], r"^\d+s$")
        self.assertEqual(sorted(lines[1][7].split(", ")), ["GET /a/{id}", "POST /a"])
        self.assertEqual((lines[2][0], lines[2][3], lines[2][4], lines[2][5], lines[2][7]),
                         ("second-function", "1/0/-", "128MB", "3s", "-"))
        self.assertEqual({tuple(line.split("\t")) for line in self.node.run("routes").stdout.splitlines()},
                         {("ROUTE", "FUNCTION"), ("GET /a/{id}", "one"), ("POST /a", "one")})

    def test_a_terminal_gets_columns_and_nothing_is_wrapped(self):
        code, text = on_terminal(90, "list", "--admin", self.node.admin_url)
        lines = text.splitlines()
        self.assertEqual(code, 0, text)
        self.assertNotIn("\t", text)
        self.assertNotIn("\033", text)
        self.assertTrue(all(len(line) <= 90 for line in lines), text)
        self.assertTrue(lines[1].endswith("\N{HORIZONTAL ELLIPSIS}"), text)
        for heading in ("RUNTIME", "MEMORY", "ROUTES"):
            at = lines[0].index(heading)
            self.assertTrue(all(line[at - 1] == " " and line[at] != " " for line in lines[1:]), text)
        code, text = on_terminal(200, "list", "--admin", self.node.admin_url)
        self.assertIn("POST /a", text)

    def test_json_is_the_same_everywhere(self):
        code, text = on_terminal(40, "list", "--json", "--admin", self.node.admin_url)
        self.assertEqual((code, json.loads(text)), (0, json.loads(self.node.run("list", "--json").stdout)))

    def test_limits_reach_the_node(self):
        function = json.loads(self.node.run("list", "--json").stdout)["functions"][0]
        self.assertEqual((function["min_instances"], function["max_instances"], function["memory_mb"]), (1, 4, 256))
        with support.TempDir() as folder:
            support.write_files(folder, {"index.js": HELLO})
            done = self.node.run("deploy", folder, "--name", "f", "--min-instances", "5", "--max-instances", "4")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("min instances 5", done.stderr)
            for flags in (("--min-instances", "1001"), ("--max-instances", "-1"), ("--max-instances", "many")):
                self.assertEqual(self.node.run("deploy", folder, "--name", "f", *flags).returncode, 2)


class PythonDeployTest(unittest.TestCase):
    def deploy(self, files, path, *flags):
        """The finished command and what it asked a node on another machine to deploy."""
        with support.TempDir() as folder, fake_admin.FakeAdmin(fake_admin.node_elsewhere) as admin:
            support.write_files(folder, files)
            done = run("deploy", os.path.join(folder, path), *flags, "--admin", admin.url)
            sent = [json.loads(body) for method, url, _, body in admin.requests if "/functions/" in url]
        return done, sent[0] if sent else None

    def test_what_can_be_told_by_the_code_is(self):
        handler = "def lambda_handler(event, context):\n    return {}\n"
        for files, path, runtime, called in (({"shop/lambda_function.py": handler}, "shop", "python3",
                                              "lambda_function.lambda_handler"),
                                             ({"shop.py": handler, "x.js": "exports.handler = 1"}, "shop.py", "python3",
                                              "shop.lambda_handler"),
                                             ({"shop/index.js": HELLO}, "shop", "nodejs", "index.handler")):
            with self.subTest(path=path):
                done, sent = self.deploy(files, path)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual((sent["runtime"], sent["handler"]), (runtime, called))
                self.assertEqual(len(sent["code"]["manifest"]), 1)

    def test_requirements_are_not_installed_and_that_is_said(self):
        done, _ = self.deploy({"f/app.py": "def handler(event, context): pass\n", "f/requirements.txt": "x\n"}, "f")
        self.assertEqual(done.returncode, 0)
        self.assertIn("pip install -r requirements.txt -t", done.stderr)

    def test_both_languages_need_a_word(self):
        files = {"f/app.py": "def handler(event, context): pass\n", "f/index.js": HELLO}
        done, sent = self.deploy(files, "f")
        self.assertEqual((done.returncode, sent), (2, None))
        self.assertIn("--runtime python3", done.stderr)
        done, sent = self.deploy(files, "f", "--runtime", "python3.12")
        self.assertEqual((done.returncode, sent["runtime"], sent["handler"]), (0, "python3.12", "app.handler"))


class HelpTest(unittest.TestCase):
    def test_commands_and_topics(self):
        overview = run("help").stdout
        for word in (*COMMANDS, *TOPICS):
            self.assertRegex(overview, rf"(?m)^  {word} ")
        for command in COMMANDS:
            self.assertRegex(run(command, "--help").stdout, rf"Examples?:\n  troupe {command}")
        self.assertEqual(run("help", "deploy").stdout, run("deploy", "--help").stdout)
        for topic in set(TOPICS) - set(COMMANDS):
            done = run("help", topic)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(all(len(line) <= 180 for line in done.stdout.splitlines()))

    def test_settings_say_default_and_variable(self):
        text = run("help", "settings").stdout
        self.assertRegex(text, r"edge\.max_head_bytes +\S+\n    Request line .*\n    Allowed: 1KiB to 64KiB.*\n"
                               r"    Unit: bytes; a change counts from the next reload on\n    TROUPE_EDGE_MAX_HEAD_BYTES\n")

    def test_the_nearest_word_is_suggested(self):
        for words, meant in ((("dploy",), "deploy"), (("lsit", "--json"), "list"), (("help", "setings"), "settings"),
                             (("deploy", ".", "--memory", "1"), "--memory-mb"), (("list", "--jsno"), "--json"),
                             (("serve", "--data-dri=x"), "--data-dir"), (("--admn", "x", "list"), "--admin")):
            with self.subTest(words=words):
                done = run(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(f"did you mean '{meant}'?", done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)


class DocumentationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts = {}
        for name in ("docs/cli.md", "README.md"):
            with open(os.path.join(support.SOURCE_DIR, name), encoding="utf-8") as file:
                cls.texts[name] = file.read()

    def test_every_documented_command_and_flag_exists(self):
        helps = {command: run(command, "--help").stdout for command in COMMANDS}
        for name, text in self.texts.items():
            for command, rest in re.findall(r"(?m)(?:^|[`(|] ?)troupe ([a-z]+)([^`\n#|)]*)", text):
                with self.subTest(file=name, command=command):
                    self.assertIn(command, COMMANDS)
                    for flag in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest.split(" -- ")[0]):
                        self.assertRegex(helps[command] + "--admin --json", rf"(?<!\S){flag}\b")

    def test_every_command_and_flag_is_documented(self):
        text = self.texts["docs/cli.md"]
        for command in COMMANDS:
            self.assertIn(f"## troupe {command}\n", text)
            self.assertRegex(text, rf"(?m)^troupe {command}")
            for flag in re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", run(command, "--help").stdout):
                if flag not in ("--help", "--admin", "--json"):
                    self.assertIn(f"`{flag}", text.split(f"## troupe {command}\n")[1].split("\n## ")[0])


if __name__ == "__main__":
    unittest.main()
