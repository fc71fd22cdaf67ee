"""`troupe invoke`: what goes over the wire, what is printed where, and the exit codes; then with a real node."""
import base64
import json
import os
import socket
import subprocess
import unittest

import fake_admin
import support

INVOCATIONS = "/2015-03-31/functions/hello/invocations"


def invoke(url, *words, stdin=None):
    env = {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}
    return subprocess.run([support.TROUPE, "invoke", *words, "--admin", url], input=stdin, capture_output=True,
                          timeout=support.PATIENCE_S, env=env)


class InvokeWireTest(unittest.TestCase):
    def call(self, answer, *words, stdin=None):
        """One invocation that is answered so: the finished command and the requests."""
        with fake_admin.FakeAdmin(lambda *_: answer) as admin:
            done = invoke(admin.url, "hello", *words, stdin=stdin)
        return done, admin.requests

    def test_payloads_reach_the_function_as_they_are(self):
        with support.TempDir() as folder:
            support.write_files(folder, {"event.json": '{"from": "a file"}\n'})
            for words, stdin, sent in (((), None, b"{}"),
                                       (("--payload", '{"a": [1, 2.50]}'), None, b'{"a": [1, 2.50]}'),
                                       (("--payload", "[1,2]"), None, b"[1,2]"), (("--payload", "-1"), None, b"-1"),
                                       (("--payload", '"text"'), None, b'"text"'),
                                       (("--payload", f"@{folder}/event.json"), None, b'{"from": "a file"}\n'),
                                       (("--payload", "-"), b'{"from": "a pipe"}', b'{"from": "a pipe"}')):
                with self.subTest(words=words):
                    done, requests = self.call((200, {}, b'{"ok":1.0}'), *words, stdin=stdin)
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b'{"ok":1.0}\n', b""))
                    (method, path, headers, body), = requests
                    self.assertEqual((method, path, body), ("POST", INVOCATIONS, sent))
                    self.assertNotIn("x-amz-log-type", headers)

    def test_a_function_error_is_printed_and_exits_with_1(self):
        payload = b'{"errorType":"TypeError","errorMessage":"x is\\nodd","trace":[]}'
        done, _ = self.call((200, {"X-Amz-Function-Error": "Unhandled"}, payload))
        self.assertEqual((done.returncode, done.stdout), (1, payload + b"\n"))
        self.assertEqual(done.stderr, b"troupe: the function failed: TypeError: x is\n")

    def test_the_log_tail_goes_to_standard_error(self):
        tail = b"START RequestId: 1\nprinted\nEND RequestId: 1\n"
        done, requests = self.call((200, {"X-Amz-Log-Result": base64.b64encode(tail).decode()}, b"null"), "--log-tail")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"null\n", tail))
        self.assertEqual(requests[0][2]["x-amz-log-type"], "Tail")

    def test_json_is_one_object_around_the_handlers_bytes(self):
        headers = {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "$LATEST",
                   "X-Amz-Log-Result": base64.b64encode(b"line\n").decode()}
        done, _ = self.call((200, headers, b'{"errorType":"E","n":1.50}'), "--json", "--log-tail")
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(b'"n":1.50', done.stdout)
        self.assertEqual(json.loads(done.stdout),
                         {"executed_version": "$LATEST", "function_error": "Unhandled", "log_tail": "line\n",
                          "payload": {"errorType": "E", "n": 1.5}})

    def test_refusals_of_the_node(self):
        for answer, said in (((404, {"x-amzn-ErrorType": "ResourceNotFoundException"},
                               {"Type": "User", "Message": "Function not found: arn:x"}),
                              "troupe: ResourceNotFoundException: Function not found: arn:x\n"),
                             ((429, {"x-amzn-ErrorType": "TooManyRequestsException"}, {"message": "Rate Exceeded."}),
                              "troupe: TooManyRequestsException: Rate Exceeded.\n"),
                             ((409, {}, {"error": {"code": "refused", "message": "not now"}}), "troupe: not now\n")):
            with self.subTest(status=answer[0]):
                done, requests = self.call(answer)
                self.assertEqual((done.returncode, done.stdout, done.stderr.decode()), (1, b"", said))
                self.assertEqual(len(requests), 1, "an invocation is never repeated")

    def test_bad_payloads_are_refused_before_anything_is_sent(self):
        with socket.socket() as taken, support.TempDir() as folder:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            support.write_files(folder, {"big": '"' + "x" * 6_291_456 + '"'})
            for words, stdin, code, said in ((("--payload", "{'a':1}"), None, 2, "line 1, column 2"),
                                             (("--payload", ""), None, 2, "not JSON"),
                                             (("--payload", "-"), b"{} {}", 2, "line 1, column 4"),
                                             (("--payload", "-"), b"1" * 6_291_457, 2, "6 MB"),
                                             (("--payload", f"@{folder}/big"), None, 2, "6 MB"),
                                             (("--payload", f"@{folder}/none"), None, 1, "none"),
                                             (("--payload", "{}"), None, 1, "cannot reach the node")):
                with self.subTest(words=words):
                    done = invoke(url, "hello", *words, stdin=stdin)
                    self.assertEqual((done.returncode, done.stdout), (code, b""), done.stderr)
                    self.assertIn(said, done.stderr.decode())
                    self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertEqual(invoke(url, "../v1/node").returncode, 2)


class InvokeNodeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())

    def test_an_answer(self):
        self.node.deploy_files("echo", "exports.handler = async (event) => ({got: event});")
        done = self.node.run("invoke", "echo", "--payload", '{"name":"ada"}', check=True)
        self.assertEqual((done.stdout, done.stderr), ('{"got":{"name":"ada"}}\n', ""))

    def test_a_function_without_a_route(self):
        self.node.deploy_files("hidden", "exports.handler = async () => 'found';", "--no-route")
        self.assertEqual(self.node.run("invoke", "hidden", check=True).stdout, '"found"\n')

    def test_an_error_with_its_log(self):
        self.node.deploy_files("fails", "exports.handler = async () => { console.log('before'); "
                                        "throw new TypeError('odd'); };")
        done = self.node.run("invoke", "fails", "--log-tail")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["errorType"], "TypeError")
        self.assertIn("before", done.stderr)
        self.assertIn("REPORT RequestId", done.stderr)
        self.assertTrue(done.stderr.endswith("troupe: the function failed: TypeError: odd\n"), done.stderr)

    def test_a_function_that_is_not_there(self):
        done = self.node.run("invoke", "nobody")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nobody", done.stderr)


if __name__ == "__main__":
    unittest.main()
