"""Code that loads for long: up to 10 s it may, beyond that its start has failed and says so."""
import json
import time
import unittest

import support


def loads_for(ms):
    return {"index.mjs": f"await new Promise((done) => setTimeout(done, {ms}));\n"
                         "export const handler = async () => 'loaded';"}


class LongInitTest(unittest.TestCase):
    def test_within_its_limit_it_is_waited_for(self):
        with support.Node() as node:
            done = node.deploy_files("slow", loads_for(8000))
            self.assertIn("starts the first instance", done.stderr)
            self.assertEqual(node.request("GET", "/slow")[::2], (200, b"loaded"))

    def test_beyond_its_limit_it_has_failed(self):
        for title, files in (("waiting", loads_for(60000)), ("computing", "for (;;) ;")):
            with self.subTest(title), support.Node() as node:
                node.deploy_files("neighbor", "exports.handler = async () => 'well';")
                began = time.monotonic()
                done = node.deploy_files("slow", files, "--handler", "index.handler", check=False)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("Initialization timed out after 10.00 seconds", done.stderr)
                self.assertTrue(9.9 < time.monotonic() - began < 20)
                status, headers, body = node.admin("POST", "/2015-03-31/functions/slow/invocations", b"{}")
                self.assertEqual((status, headers.get("x-amz-function-error")), (200, "Unhandled"), body)
                self.assertEqual(json.loads(body)["errorType"], "Sandbox.Timedout")
                self.assertEqual(node.request("GET", "/neighbor")[::2], (200, b"well"))
                answers = support.parallel(2, lambda _, n=node: n.request("GET", "/slow"))
                self.assertEqual({(status, headers["x-troupe-error"]) for status, headers, _ in answers},
                                 {(500, "init_failed")})


if __name__ == "__main__":
    unittest.main()
