"""A disk that is full, and files that are damaged: a clear error, and nothing is lost that was acknowledged.

The disk is a small tmpfs in a mount namespace of the test's own, which needs root or user namespaces.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import unittest

import support

DISK_BYTES = 16 << 20


def code(word):
    return f"exports.handler = async () => '{word}';"


class FullDiskTest(unittest.TestCase):
    why_not = ""

    def setUp(self):
        if self.why_not:
            self.skipTest(self.why_not)
        self.disk = self.enterContext(support.TempDir())
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.data_dir = os.path.join(self.disk, "node")
        self.large = support.write_files(self.enterContext(support.TempDir()),
                                         {"index.js": code("large"), "data": os.urandom(2 * DISK_BYTES)})

    def free(self):
        status = os.statvfs(self.disk)
        return status.f_bavail * status.f_frsize

    def assert_full(self, done):
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (1, "", 1), done.stderr)
        self.assertRegex(done.stderr, r"^troupe: .*([Ff]ull|[Nn]o space left)")

    def assert_all_there(self, node, functions):
        listed = json.loads(node.admin("GET", "/v1/functions")[2])["functions"]
        self.assertEqual({each["name"] for each in listed}, set(functions))
        for name in functions:
            self.assertEqual(node.request("GET", "/" + name)[::2], (200, name.encode()))

    def test_code_that_does_not_fit(self):
        with support.Node(data_dir=self.data_dir) as node:
            node.deploy_files("first", code("first"))
            before = self.free()
            self.assert_full(node.run("deploy", self.large, "--name", "large", "--handler", "index.handler"))
            self.assertEqual(node.admin("GET", "/v1/functions/large")[0], 404)
            self.assertGreater(self.free(), before - (1 << 20), "what did not fit left its pieces behind")
            node.deploy_files("second", code("second"))
            self.assert_full(node.run("deploy", self.large, "--name", "second", "--handler", "index.handler"))
            self.assert_all_there(node, ("first", "second"))
            node.kill()
        with support.Node(data_dir=self.data_dir) as node:
            self.assert_all_there(node, ("first", "second"))

    def test_code_that_does_not_fit_through_the_lambda_api(self):
        zip_path = os.path.join(self.large, "code.zip")
        subprocess.run([sys.executable, "-m", "zipfile", "-c", zip_path, os.path.join(self.large, "index.js"),
                        os.path.join(self.large, "data")], check=True)
        with open(zip_path, "rb") as file:
            packed = base64.b64encode(file.read()).decode()
        request = {"FunctionName": "large", "Runtime": "nodejs20.x", "Handler": "index.handler",
                   "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": packed}}
        with support.Node(data_dir=self.data_dir) as node:
            node.deploy_files("first", code("first"))
            status, headers, body = node.admin("POST", "/2015-03-31/functions", json.dumps(request).encode())
            self.assertEqual((status, headers.get("x-amzn-errortype")), (500, "ServiceException"), body)
            self.assertRegex(json.loads(body)["Message"], "[Ff]ull|[Nn]o space left")
            self.assertEqual(node.admin("GET", "/2015-03-31/functions/large")[0], 404)
            self.assert_all_there(node, ("first",))

    def test_not_one_byte_is_free(self):
        with support.Node(data_dir=self.data_dir) as node:
            node.deploy_files("first", code("first"))
            with support.ballast(self.disk):
                self.assert_full(node.deploy_files("second", code("second"), check=False))
                self.assertEqual(node.run("remove", "first").returncode, 1)
                self.assert_all_there(node, ("first",))
            node.deploy_files("third", code("third"))
            self.assert_all_there(node, ("first", "third"))
            node.kill()
        with support.Node(data_dir=self.data_dir) as node:
            self.assert_all_there(node, ("first", "third"))

    def test_a_node_on_a_full_disk_starts_with_all_it_had_or_says_why_not(self):
        with support.Node(data_dir=self.data_dir) as node:
            node.deploy_files("first", code("first"))
            self.assertEqual(node.terminate(), 0)
            command = node.command()
        with support.ballast(self.disk):
            done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True, env=node.environment())
            try:
                _, said = done.communicate(timeout=3)
                self.assertEqual(done.returncode, 2, said)
                self.assertRegex(said, "(?m)^troupe: .*([Ff]ull|[Nn]o space left)")
            except subprocess.TimeoutExpired:  # it runs
                done.terminate()
                done.communicate()
                self.assertEqual(done.returncode, 0)
        with support.Node(data_dir=self.data_dir) as node:
            self.assert_all_there(node, ("first",))


class DamagedCodeTest(unittest.TestCase):
    """A file of the store of code that lost its tail, as after a power loss: the machine's next start has to notice."""

    def test_is_told_and_mended_by_the_next_deployment(self):
        with support.TempDir() as folder:
            data_dir = os.path.join(folder, "node")
            with support.Node(data_dir=data_dir) as node:
                node.deploy_files("damaged", code("damaged"))
                node.deploy_files("whole", code("whole"))
                self.assertEqual(node.terminate(), 0)
            self.damage(data_dir, code("damaged").encode())
            os.unlink(os.path.join(data_dir, "code", ".boot"))
            with support.Node(data_dir=data_dir) as node:
                self.assertEqual(node.request("GET", "/whole")[::2], (200, b"whole"))
                status, headers, _ = node.request("GET", "/damaged")
                self.assertEqual((status, headers.get("x-troupe-error")), (500, "init_failed"))
                support.wait_until(lambda: [line for line in node.log().splitlines()
                                            if '"damaged"' in line and "damage" in json.loads(line).get("reason", "")],
                                   "the node's word on damaged code", 5)
                node.deploy_files("damaged", code("damaged"))
                self.assertEqual(node.request("GET", "/damaged")[::2], (200, b"damaged"))

    def damage(self, data_dir, content):
        name = hashlib.sha256(content).hexdigest()
        path = os.path.join(data_dir, "blobs", name[:2], name)
        os.chmod(path, 0o644)
        os.truncate(path, len(content) - 10)


if __name__ == "__main__":
    FullDiskTest.why_not = support.enter_own_mounts()
    unittest.main()
