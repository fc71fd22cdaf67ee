"""What a deployment promised is still there after the node was killed, and a damaged store says so."""
import glob
import itertools
import json
import os
import subprocess
import unittest

import support

ROUNDS = 50
HELLO = "exports.handler = async (event) => ({statusCode: 200, body: process.env.ROUND ?? 'none'});"


class KilledNodeTest(unittest.TestCase):
    def test_acknowledged_deployments_survive(self):
        """Deploys, kills the node the moment the answer is there, and looks whether the next one has it: 50 times."""
        with support.TempDir() as data_dir:
            for i in range(ROUNDS):
                with support.Node(data_dir=os.path.join(data_dir, "node")) as node:
                    if i > 0:
                        self.check(node, i - 1)
                    node.deploy(support.NATIVE_HELLO, "--name", "hello", "--env", f"ROUND={i}", "--route",
                                f"GET /round-{i}/{{name}}")
                    node.kill()
            with support.Node(data_dir=os.path.join(data_dir, "node")) as node:
                self.check(node, ROUNDS - 1)

    def check(self, node, i):
        status, _, body = node.admin("GET", "/v1/functions")
        functions = json.loads(body)["functions"]
        self.assertEqual([(f["name"], f["version"], f["environment"], f["routes"]) for f in functions],
                         [("hello", i + 1, {"ROUND": str(i)}, [f"GET /round-{i}/{{name}}"])])
        self.assertEqual(node.request("GET", f"/round-{i}/ada")[::2], (200, b'{"message":"Hello, ada!"}'))
        if i > 0:
            self.assertEqual(node.request("GET", f"/round-{i - 1}/ada")[0], 404)

    def test_killed_while_deploying(self):
        """Whatever of a burst was acknowledged is there; what was not is there as a whole or not at all."""
        with support.TempDir() as folder, support.TempDir() as data_dir:
            support.write_files(folder, {"index.js": HELLO})
            where = os.path.join(data_dir, "node")
            for attempt in range(3):
                with support.Node(data_dir=where) as node:
                    tried = [f"f{attempt}-{i}" for i in range(6)]
                    running = [subprocess.Popen([support.TROUPE, "deploy", folder, "--name", name, "--env",
                                                 f"ROUND={name}",
                                                 "--admin", node.admin_url], stdin=subprocess.DEVNULL,
                                                stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL) for name in tried]
                    support.wait_until(lambda r=running: any(each.poll() == 0 for each in r),
                                       "the first acknowledged deployment")
                    node.kill()
                    codes = [each.wait(support.PATIENCE_S) for each in running]
                with support.Node(data_dir=where) as node:
                    listed = {f["name"]: f for f in json.loads(node.admin("GET", "/v1/functions")[2])["functions"]}
                    acknowledged = {name for name, code in zip(tried, codes) if code == 0}
                    self.assertLessEqual(acknowledged, set(listed))
                    for name in set(tried) & set(listed):
                        self.assertEqual(listed[name]["routes"], [f"ANY /{name}", f"ANY /{name}/{{proxy+}}"])
                        self.assertEqual(node.request("GET", f"/{name}")[::2], (200, name.encode()))


class RestartTest(unittest.TestCase):
    def test_functions_and_routes_survive(self):
        with support.TempDir() as data_dir:
            where = os.path.join(data_dir, "node")
            with support.Node(data_dir=where) as node:
                node.deploy_files("one", HELLO, "--route", "GET /one/{id}", "--env", "ROUND=first", "--concurrency",
                                  "3", "--timeout-s", "2.5")
                node.deploy_files("two", HELLO, "--env", "ROUND=second")
                node.deploy_files("gone", HELLO)
                node.run("remove", "gone", check=True)
                before = self.described(node)
                self.assertEqual(node.terminate(), 0)
            for end in (support.Node.terminate, support.Node.kill):
                with support.Node(data_dir=where) as node:
                    self.assertEqual(self.described(node), before)
                    self.assertEqual(node.request("GET", "/one/1")[::2], (200, b"first"))
                    self.assertEqual(node.request("GET", "/two")[::2], (200, b"second"))
                    self.assertEqual(node.request("GET", "/gone")[0], 404)
                    end(node)

    def described(self, node):
        functions = json.loads(node.admin("GET", "/v1/functions")[2])["functions"]
        for function in functions:
            function.pop("instances")
        return functions, json.loads(node.admin("GET", "/v1/routes")[2])

    def test_versions_go_on_after_a_restart(self):
        with support.TempDir() as data_dir:
            where = os.path.join(data_dir, "node")
            for version in (1, 2, 3):
                with support.Node(data_dir=where) as node:
                    answer = json.loads(node.deploy_files("f", HELLO, "--env", f"ROUND={version}", "--json").stdout)
                    self.assertEqual(answer["version"], version)
                    self.assertEqual(node.request("GET", "/f")[2], str(version).encode())

    def test_a_removal_survives_a_kill(self):
        with support.TempDir() as data_dir:
            where = os.path.join(data_dir, "node")
            with support.Node(data_dir=where) as node:
                node.deploy_files("f", HELLO)
                node.run("remove", "f", check=True)
                node.kill()
            with support.Node(data_dir=where) as node:
                self.assertEqual(self.described(node), ([], {"routes": []}))


class DamagedStoreTest(unittest.TestCase):
    def damaged(self, damage):
        """Starts a node on a data directory that had its store damaged: its exit code, output and the store's file."""
        with support.TempDir() as data_dir:
            where = os.path.join(data_dir, "node")
            with support.Node(data_dir=where) as node:
                node.deploy_files("f", HELLO)
                node.terminate()
                command = node.command()
            stores = [path for path in glob.glob(os.path.join(where, "**", "*"), recursive=True)
                      if os.path.isfile(path) and self.is_sqlite(path)]
            self.assertTrue(stores, "no store in the data directory")
            for path, extra in itertools.product(stores, ("-wal", "-shm")):
                if os.path.exists(path + extra):
                    os.unlink(path + extra)
            for path in stores:
                damage(path)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                                  env={k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")})
            return done, stores

    @staticmethod
    def is_sqlite(path):
        with open(path, "rb") as file:
            return file.read(16) == b"SQLite format 3\0"

    def assert_clear(self, done, stores):
        self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
        said = [line for line in done.stderr.splitlines() if line.startswith("troupe: ")]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertTrue(any(path in said[0] for path in stores), said[0])
        self.assertNotIn("node_ready", done.stderr)

    def test_overwritten_header(self):
        def damage(path):
            with open(path, "r+b") as file:
                file.write(b"this is no database any more" * 40)
        self.assert_clear(*self.damaged(damage))

    def test_overwritten_pages(self):
        def damage(path):
            with open(path, "r+b") as file:
                size = file.seek(0, 2)
                file.seek(100)
                file.write(b"\xa5" * (size - 100))
        self.assert_clear(*self.damaged(damage))

    def test_cut_off(self):
        def damage(path):
            os.truncate(path, os.path.getsize(path) // 2)
        self.assert_clear(*self.damaged(damage))


if __name__ == "__main__":
    unittest.main()
