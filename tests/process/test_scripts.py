"""The scripts of the clone say what they do and refuse what they do not know, before they install or build anything."""
import os
import socket
import subprocess
import unittest

import support

SCRIPTS = ("scripts/demo", "scripts/install-packages", "scripts/lint", "scripts/test", "scripts/repeat",
           "scripts/check-headers", "scripts/draw-pictures", "scripts/fuzz", "bench/run")


def run(*words, env=None):
    return subprocess.run(words, cwd=support.SOURCE_DIR, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, timeout=60)


class ScriptsTest(unittest.TestCase):
    def test_each_explains_itself(self):
        for script in SCRIPTS:
            with self.subTest(script=script):
                done = run(script, "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(script, done.stdout)

    def test_wrong_usage_exits_with_2(self):
        for words in (("scripts/demo", "--port"), ("scripts/demo", "--nodes"), ("scripts/demo", "--nodes", "0"),
                      ("scripts/demo", "--nodes", "3", "4"), ("scripts/demo", "--nodes", "many"),
                      ("scripts/install-packages",), ("scripts/install-packages", "magic"),
                      ("scripts/draw-pictures", "--quick"), ("scripts/test", "--repeat", "--full"),
                      ("scripts/test", "--label"), ("scripts/repeat",), ("scripts/repeat", "build", "--minutes", "0"),
                      ("scripts/repeat", "/nowhere"), ("scripts/fuzz", "--seconds", "many"), ("scripts/fuzz", "magic"),
                      ("bench/run", "--only", "iis"), ("bench/run", "cold", "--tries", "1"),
                      ("bench/run", "functions", "--only", "native"), ("bench/run", "cluster", "--only", "native,lua")):
            with self.subTest(words=words):
                done = run(*words)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)

    def test_demo_names_the_port_that_is_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            free = {"DEMO_HTTP": "127.0.0.1:1", "DEMO_ADMIN": "127.0.0.1:11", "DEMO_CLUSTER": "127.0.0.1:21"}
            # Of a cluster every node has its own: the second gateway, the control plane of the second node.
            for variable, words, first in (("DEMO_HTTP", (), port), ("DEMO_ADMIN", (), port),
                                           ("DEMO_HTTP", ("--nodes", "2"), port - 1),
                                           ("DEMO_CLUSTER", ("--nodes", "2"), port - 3)):
                with self.subTest(variable=variable, words=words):
                    done = run("scripts/demo", *words, env={**free, variable: f"127.0.0.1:{first}"})
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"port {port} is in use", done.stderr)
                    self.assertIn(variable, done.stderr)


if __name__ == "__main__":
    unittest.main()
