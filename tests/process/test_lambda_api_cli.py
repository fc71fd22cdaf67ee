"""The aws command line manages and calls functions of a node with nothing but --endpoint-url."""
import base64
import json
import os
import random
import unittest

import lambda_client

lambda_client.use_debian_python()

import support  # noqa: E402  pylint: disable=wrong-import-position
from lambda_client import ECHO, ROLE, aws, sha256_of, zip_of  # noqa: E402  pylint: disable=wrong-import-position


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.node = cls.enterClassContext(support.Node())

    def aws(self, *arguments):
        done = aws(self.node, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments):
        done = aws(self.node, *arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def invoke(self, name, *arguments):
        out = os.path.join(self.folder, "out")
        answer = self.aws("invoke", "--function-name", name, *arguments, out)
        with open(out, encoding="utf-8") as file:
            return answer, file.read()

    def test_the_life_of_a_function(self):
        first, second = zip_of(ECHO), zip_of("exports.handler = async () => process.env.WHO;")
        made = self.aws("create-function", "--function-name", "hello", "--runtime", "nodejs20.x", "--role", ROLE,
                        "--handler", "index.handler", "--zip-file", "fileb://" + self.file("a.zip", first),
                        "--timeout", "5", "--memory-size", "256", "--tags", "team=blue")
        self.assertEqual((made["State"], made["CodeSha256"], made["Timeout"]), ("Pending", sha256_of(first), 5))
        for waiter in ("function-exists", "function-active-v2", "function-updated-v2"):
            self.aws("wait", waiter, "--function-name", "hello")

        answer, body = self.invoke("hello", "--payload", '{"a":1}', "--cli-binary-format", "raw-in-base64-out",
                                   "--log-type", "Tail")
        self.assertEqual((answer["StatusCode"], answer["ExecutedVersion"], body), (200, "$LATEST", '{"a":1}'))
        self.assertIn("START RequestId: ", base64.b64decode(answer["LogResult"]).decode())
        self.assertEqual(self.invoke("hello")[1], "{}")
        self.assertEqual(self.invoke("hello", "--invocation-type", "DryRun")[0]["StatusCode"], 204)

        self.aws("update-function-configuration", "--function-name", "hello", "--environment", "Variables={WHO=me}")
        self.aws("wait", "function-updated-v2", "--function-name", "hello")
        updated = self.aws("update-function-code", "--function-name", "hello", "--zip-file",
                           "fileb://" + self.file("b.zip", second))
        self.assertEqual((updated["LastUpdateStatus"], updated["CodeSha256"]), ("InProgress", sha256_of(second)))
        self.assertEqual((updated["Timeout"], updated["Environment"]), (5, {"Variables": {"WHO": "me"}}))
        self.aws("wait", "function-updated-v2", "--function-name", "hello")
        self.assertEqual(self.invoke("hello")[1], '"me"')

        self.assertEqual(self.aws("get-function", "--function-name", "hello")["Tags"], {"team": "blue"})
        self.aws("delete-function", "--function-name", "hello")
        self.assertIn("ResourceNotFoundException", self.refused("get-function", "--function-name", "hello"))

    def test_the_largest_archive_goes_through(self):
        archive = zip_of({"index.js": ECHO, "filler": random.Random(7).randbytes(50_000_000)})
        made = self.aws("create-function", "--function-name", "large", "--runtime", "nodejs20.x", "--role", ROLE,
                        "--handler", "index.handler", "--zip-file", "fileb://" + self.file("large.zip", archive))
        self.assertEqual((made["CodeSize"], made["CodeSha256"]), (len(archive), sha256_of(archive)))

    def test_errors_are_shown_by_name(self):
        self.assertIn("ResourceNotFoundException", self.refused("get-function-configuration", "--function-name", "no"))
        self.assertIn("Function not found: arn:aws:lambda:us-east-1:000000000000:function:no",
                      self.refused("delete-function", "--function-name", "no"))
        self.assertIn("InvalidParameterValueException",
                      self.refused("invoke", "--function-name", "no", "--qualifier", "prod", "/dev/null"))
        self.assertIn("UnknownOperationException", self.refused("publish-version", "--function-name", "no"))

    def test_the_account(self):
        settings = self.aws("get-account-settings")
        self.assertEqual(settings["AccountLimit"]["CodeSizeUnzipped"], 262144000)
        self.assertGreater(settings["AccountLimit"]["ConcurrentExecutions"], 0)


if __name__ == "__main__":
    unittest.main()
