"""Every example does what its README says."""
import glob
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import support

EXAMPLES = os.path.join(support.SOURCE_DIR, "examples")
EMBEDDING = os.path.join(support.BINARY_DIR, "examples", "embedding", "embedding")
AWS_SDK = os.path.join(EXAMPLES, "aws-sdk")


def installed_sdk():
    """The example after `npm install`: kept in the build, so that its 110 MB come over the network once."""
    kept = hashlib.sha256()
    for name in ("package.json", "index.js"):
        with open(os.path.join(AWS_SDK, name), "rb") as file:
            kept.update(file.read())
    target = os.path.join(support.BINARY_DIR, "tests", "aws-sdk-" + kept.hexdigest()[:16])
    if os.path.isdir(target):
        return target
    os.makedirs(os.path.dirname(target), exist_ok=True)
    # Renamed when it is whole: of two runs at once one wins.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as making:
        folder = shutil.copytree(AWS_SDK, os.path.join(making, "aws-sdk"),
                                 ignore=shutil.ignore_patterns("node_modules"))
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f"npm cannot install the SDK: {done.stderr.strip()[-300:]}")
        try:
            os.rename(folder, target)
        except OSError:
            if not os.path.isdir(target):
                raise
    return target


class HelloTest(unittest.TestCase):
    def test_hello(self):
        with support.Node() as node:
            node.deploy(os.path.join(EXAMPLES, "hello"), "--route", "GET /hello/{name}")
            status, headers, body = node.request("GET", "/hello/ada")
            self.assertEqual((status, headers["content-type"], body),
                             (200, "application/json", b'{"message":"Hello, ada!"}'))

    def test_hello_with_its_default_routes(self):
        with support.Node() as node:
            node.deploy(os.path.join(EXAMPLES, "hello"))
            self.assertEqual(node.request("GET", "/hello")[2], b'{"message":"Hello, world!"}')


class NativeHelloTest(unittest.TestCase):
    def test_native_hello(self):
        with support.Node() as node:
            node.deploy(support.NATIVE_HELLO, "--route", "GET /native/{name}", "--route", "POST /echo")
            self.assertEqual(node.request("GET", "/native/a%22b")[2], b'{"message":"Hello, a\\"b!"}')
            body = bytes(range(256)) * 4096
            status, headers, echoed = node.request("POST", "/echo", body=body, headers={"content-type": "image/png"})
            self.assertEqual((status, headers["content-type"]), (200, "image/png"))
            self.assertTrue(echoed == body)


@unittest.skipUnless(os.path.exists(EMBEDDING), f"{EMBEDDING} is not built")
class EmbeddingTest(unittest.TestCase):
    def setUp(self):
        self.data_dir = os.path.join(self.enterContext(support.TempDir()), "data")

    def start(self):
        """The program and its gateway's port: one that was free, as it takes no 0; another if it was taken."""
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            process = subprocess.Popen([EMBEDDING], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL,
                                       env={**os.environ, "PORT": str(port), "ADMIN_PORT": "0", "DATA_DIR": self.data_dir})
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)

            def serving(process=process):
                if process.poll() is not None:
                    return "ended"
                try:
                    with open(os.path.join(self.data_dir, "node.json"), encoding="utf-8") as file:
                        return json.load(file)["pid"] == process.pid and "serves"
                except (OSError, ValueError):
                    return None
            if support.wait_until(serving, "the embedding program serves") == "serves":
                return process, port
        self.fail("the embedding program does not start")
        return None

    def test_embedding(self):
        process, port = self.start()

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=support.PATIENCE_S)
        self.addCleanup(connection.close)
        answers = []
        for path in ("/hello/ada", "/visits", "/visits", "/hello"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read().decode()))
        self.assertEqual(answers[0], (200, "Hello, ada!\n"))
        # One connection stays on one loop, and each loop has a counter of its own.
        self.assertRegex(answers[1][1], r"^visit 1 on loop \d+\n$")
        self.assertEqual(answers[2][1], answers[1][1].replace("visit 1", "visit 2"))
        self.assertEqual(answers[3][0], 404)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(support.PATIENCE_S), 0)

    def test_its_functions_are_listed_and_cannot_be_replaced(self):
        self.start()
        with open(os.path.join(self.data_dir, "node.json"), encoding="utf-8") as file:
            admin = "http://" + json.load(file)["admin"]

        def run(*words):
            return subprocess.run([support.TROUPE, *words, "--admin", admin], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True,
                                  timeout=support.PATIENCE_S, check=False)
        listed = json.loads(run("list", "--json").stdout)["functions"]
        self.assertEqual({(f["name"], f["runtime"], f["form"]) for f in listed},
                         {("hello", "native", "program"), ("visits", "native", "program")})
        self.assertIn("GET /visits", run("routes").stdout)
        self.assertIn("\t-\tGET /visits", run("list").stdout, "what was not deployed has no age")
        refused = run("deploy", os.path.join(EXAMPLES, "hello"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("'hello'", refused.stderr)


class AwsSdkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("npm") is None:
            raise unittest.SkipTest("npm is not installed (apt-get install npm)")
        cls.folder = installed_sdk()

    def test_deploys_in_seconds_and_the_first_request_is_warm(self):
        with support.Node() as node:
            began = time.monotonic()
            done = node.deploy(self.folder, "--name", "aws-sdk", "--route", "GET /aws-sdk", timeout_s=120)
            deployed_in = time.monotonic() - began
            with node.connect() as client:
                began = time.monotonic()
                answer = client.exchange("GET /aws-sdk HTTP/1.1\r\nhost: a\r\n\r\n")
                took = time.monotonic() - began

            self.assertEqual((answer.status, answer.body), (200, b'{"message":"Hello, world!"}'))
            self.assertLess(took, 0.05, "a cold start takes 0.2 s and more")
            self.assertLess(deployed_in, 30)
            if deployed_in > 3:  # below that each step may have kept within the second that a progress line waits for
                self.assertTrue(done.stderr.strip(), "no progress line")
            self.assertGreater(json.loads(node.run("list", "--json").stdout)["functions"][0]["code_bytes"], 50_000_000)

    def test_the_same_folder_again_is_not_sent_again(self):
        with support.Node() as node:
            digests = {json.loads(node.deploy(self.folder, "--name", name, "--json",
                                              timeout_s=120).stdout)["code_sha256"]
                       for name in ("first", "second")}
            self.assertEqual(len(digests), 1)
            blobs = sum(os.path.getsize(path) for path in glob.glob(os.path.join(node.data_dir, "blobs", "**", "*"),
                                                                    recursive=True)
                        if os.path.isfile(path))
            self.assertLess(blobs, 1.5 * json.loads(node.run("list", "--json").stdout)["functions"][0]["code_bytes"])


if __name__ == "__main__":
    unittest.main()
