"""boto3 invokes functions of a node: answers, failures, logs, refusals, and nothing that stays behind."""
import base64
import concurrent.futures
import json
import os
import socket
import unittest

import lambda_client

lambda_client.use_debian_python()

import botocore.exceptions  # noqa: E402  pylint: disable=wrong-import-position

import support  # noqa: E402  pylint: disable=wrong-import-position
from lambda_client import client, code_of, message_of, payload_of, settled  # noqa: E402  pylint: disable=wrong-import-position

HANDLER = """
exports.handler = async (event, context) => {
  switch (event.act) {
    case 'context': return { client: context.clientContext, id: context.awsRequestId, arn: context.invokedFunctionArn,
                             trace: process.env._X_AMZN_TRACE_ID };
    case 'throw': throw new TypeError('boom');
    case 'exit': process.exit(3);
    case 'hang': return new Promise(() => setInterval(() => {}, 1000));
    case 'log': console.log('a line of the call'); return 'done';
    case 'big': return 'x'.repeat(7 * 1024 * 1024);
    case 'binary': return Buffer.from(event.text).toString('base64');
    case 'nothing': return undefined;
    case 'sleep': return new Promise(done => setTimeout(() => done('slept'), event.ms));
    default: return event;
  }
};
"""


class InvokeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.api = client(cls.node)
        settled(cls.api, "acts", HANDLER, Timeout=2)
        settled(cls.api, "broken", "throw new Error('while loading');")
        settled(cls.api, "no-handler", "exports.other = 1;")

    def act(self, name, **event):
        return self.api.invoke(FunctionName="acts", Payload=json.dumps({"act": name, **event}))

    def failed(self, answer):
        self.assertEqual((answer["StatusCode"], answer["FunctionError"]), (200, "Unhandled"))
        self.assertEqual(answer["ExecutedVersion"], "$LATEST")
        return payload_of(answer)

    def test_an_answer_comes_back_as_it_is(self):
        for payload in (b'{"a":[1,2,{"b":null}]}', '"ü\\u0000"'.encode(), b"[]"):
            answer = self.api.invoke(FunctionName="acts", Payload=payload)
            self.assertEqual((answer["StatusCode"], answer["ExecutedVersion"]), (200, "$LATEST"))
            self.assertNotIn("FunctionError", answer)
            self.assertEqual(json.loads(answer["Payload"].read()), json.loads(payload))
        self.assertEqual(payload_of(self.api.invoke(FunctionName="acts")), {})
        self.assertEqual(payload_of(self.act("nothing")), None)

    def test_the_handler_sees_who_called_and_how(self):
        context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
        trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        self.api.meta.events.register_first(
            "before-sign.lambda.Invoke", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", trace),
            unique_id="trace")
        try:
            answer = self.api.invoke(FunctionName="acts", Payload=b'{"act":"context"}', ClientContext=context)
        finally:
            self.api.meta.events.unregister("before-sign.lambda.Invoke", unique_id="trace")
        seen = payload_of(answer)
        self.assertEqual(seen["id"], answer["ResponseMetadata"]["RequestId"])
        self.assertEqual(seen["arn"], "arn:aws:lambda:us-east-1:000000000000:function:acts")
        self.assertEqual(seen["client"], {"custom": {"k": "v"}})
        self.assertIn("Root=1-5759e988-bd862e3fe1be46a994272793", seen["trace"])

    def test_each_failure_has_its_payload(self):
        thrown = self.failed(self.act("throw"))
        self.assertEqual((thrown["errorType"], thrown["errorMessage"]), ("TypeError", "boom"))
        self.assertIn("Runtime exited with error: exit status 3", self.failed(self.act("exit"))["errorMessage"])
        timeout = self.failed(self.act("hang"))
        self.assertEqual(timeout["errorType"], "Sandbox.Timedout")
        self.assertRegex(timeout["errorMessage"], r"^RequestId: .* Error: Task timed out after 2.00 seconds$")
        self.assertEqual(self.failed(self.act("big"))["errorType"], "Function.ResponseSizeTooLarge")

    def test_a_function_that_does_not_start_says_why(self):
        self.assertEqual(self.failed(self.api.invoke(FunctionName="broken"))["errorMessage"], "while loading")
        self.assertEqual(self.failed(self.api.invoke(FunctionName="no-handler"))["errorType"],
                         "Runtime.HandlerNotFound")
        self.assertEqual(self.api.get_function_configuration(FunctionName="broken")["LastUpdateStatus"], "Successful")

    def test_the_tail_of_the_log_comes_with_the_answer(self):
        answer = self.api.invoke(FunctionName="acts", Payload=b'{"act":"log"}', LogType="Tail")
        tail = base64.b64decode(answer["LogResult"]).decode()
        request = answer["ResponseMetadata"]["RequestId"]
        self.assertEqual(tail.count(f"START RequestId: {request} Version: $LATEST"), 1, tail)
        self.assertIn("a line of the call", tail)
        self.assertIn(f"REPORT RequestId: {request}", tail)
        self.assertNotIn("LogResult", self.act("log"))

    def test_a_dry_run_runs_nothing(self):
        answer = self.api.invoke(FunctionName="acts", Payload=b'{"act":"exit"}', InvocationType="DryRun")
        self.assertEqual((answer["StatusCode"], answer["Payload"].read()), (204, b""))

    def test_refusals(self):
        for settings, status, error in (
                ({"InvocationType": "Event"}, 400, "InvalidParameterValueException"),
                ({"Payload": b"{"}, 400, "InvalidRequestContentException"),
                ({"Payload": b'"' + b"x" * 6291456 + b'"'}, 413, "RequestTooLargeException"),
                ({"ClientContext": "W10="}, 400, "InvalidRequestContentException"),
                ({"Qualifier": "prod"}, 400, "InvalidParameterValueException"),
                ({"FunctionName": "none"}, 404, "ResourceNotFoundException")):
            with self.subTest(settings={key: value[:30] for key, value in settings.items()}):
                with self.assertRaises(botocore.exceptions.ClientError) as caught:
                    self.api.invoke(**{"FunctionName": "acts", **settings})
                self.assertEqual(code_of(caught), (status, error))
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.api.invoke(FunctionName="none")
        self.assertEqual(message_of(caught),
                         "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none:$LATEST")
        path = "/2021-11-15/functions/acts/response-streaming-invocations"
        status, headers, body = self.node.admin("POST", path, "{}")
        self.assertEqual((status, headers["x-amzn-errortype"]), (400, "InvalidParameterValueException"))
        self.assertIn("InvokeWithResponseStream", json.loads(body)["message"])

    def test_functions_in_other_languages_answer_alike(self):
        settled(self.api, "python", {"app.py": "def handler(event, context):\n    return {'got': event}\n"},
                Runtime="python3.11", Handler="app.handler")
        self.assertEqual(payload_of(self.api.invoke(FunctionName="python", Payload=b"[1]")), {"got": [1]})
        self.node.deploy(support.NATIVE_HELLO, "--name", "native", "--no-route")
        answer = self.api.invoke(FunctionName="native")
        self.assertNotIn("FunctionError", answer)
        self.assertIn(b"Hello", answer["Payload"].read())

    def test_large_payloads_go_through(self):
        text = "x" * (5 * 1024 * 1024)
        self.assertEqual(payload_of(self.api.invoke(FunctionName="acts", Payload=json.dumps(text))), text)

    def test_calls_at_the_same_time_all_answer(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(self.api.invoke, FunctionName="acts", Payload=str(number)) for number in range(40)]
            self.assertEqual([payload_of(call.result()) for call in calls], list(range(40)))


class GoneClientTest(unittest.TestCase):
    def test_a_client_that_goes_away_leaves_nothing(self):
        with support.Node() as node:
            api = client(node)
            settled(api, "acts", HANDLER, Timeout=2)

            def figures():
                """Actors and descriptors, without those of instances: calls at the same time make more of them."""
                seen = json.loads(node.admin("GET", "/v1/node")[2])
                ready = seen["instances"]["ready"]
                return seen["actors"] - ready, len(os.listdir(f"/proc/{node.pid}/fd")) - 2 * ready
            before = figures()
            host, port = node.admin_address.rsplit(":", 1)
            body = b'{"act":"sleep","ms":300}'
            for _ in range(5):
                with socket.create_connection((host, int(port))) as connection:
                    connection.sendall(b"POST /2015-03-31/functions/acts/invocations HTTP/1.1\r\nHost: localhost\r\n"
                                       b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.assertEqual(payload_of(api.invoke(FunctionName="acts", Payload=b'{"act":"sleep","ms":1}')), "slept")
            support.wait_until(lambda: figures()[0] <= before[0] and figures()[1] <= before[1], "as it was before")


class ThrottleTest(unittest.TestCase):
    def test_what_waits_too_long_is_throttled(self):
        with support.Node("--set", "queue.max_calls=1") as node:
            api = client(node)
            settled(api, "slow", HANDLER, Timeout=5)
            body = json.dumps({"act": "sleep", "ms": 1500})
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                calls = [pool.submit(client(node).invoke, FunctionName="slow", Payload=body) for _ in range(8)]
                failures = [call.exception() for call in calls if call.exception() is not None]
        self.assertGreater(len(failures), 0)
        for failure in failures:
            self.assertEqual(failure.response["ResponseMetadata"]["HTTPStatusCode"], 429)
            self.assertEqual(failure.response["Error"]["Code"], "TooManyRequestsException")
            self.assertEqual(failure.response["Reason"], "ConcurrentInvocationLimitExceeded")


if __name__ == "__main__":
    unittest.main()
