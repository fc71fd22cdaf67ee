"""Each wrong request of the Lambda API has the documented error, changes nothing, and is applied once when repeated."""
import base64
import concurrent.futures
import json
import random
import unittest

import lambda_client

lambda_client.use_debian_python()

import botocore.exceptions  # noqa: E402  pylint: disable=wrong-import-position

import support  # noqa: E402  pylint: disable=wrong-import-position
from lambda_client import ECHO, ROLE, client, code_of, create, message_of, payload_of, sdk_try, settled, zip_of  # noqa: E402  pylint: disable=wrong-import-position

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
FUNCTIONS = "/2015-03-31/functions"


def creation(name, files=ECHO):
    return json.dumps({"FunctionName": name, "Runtime": "nodejs20.x", "Role": ROLE, "Handler": "index.handler",
                       "Code": {"ZipFile": base64.b64encode(zip_of(files)).decode()}}).encode()


class ErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.api = client(cls.node, parameter_validation=False)
        settled(cls.api, "there")

    def refused(self, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        return caught

    def test_creations(self):
        for settings, status, error in (
                ({"FunctionName": "a b"}, 400, "ValidationException"),
                ({"Role": "x"}, 400, "ValidationException"),
                ({"Timeout": 901}, 400, "ValidationException"),
                ({"MemorySize": 1}, 400, "ValidationException"),
                ({"Handler": "a b"}, 400, "ValidationException"),
                ({"Runtime": "cobol"}, 400, "InvalidParameterValueException"),
                ({"Publish": True}, 400, "InvalidParameterValueException"),
                ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, 400, "InvalidParameterValueException"),
                ({"Code": {"ZipFile": b""}}, 400, "InvalidParameterValueException"),
                ({"Code": {"ZipFile": b"no archive"}}, 400, "InvalidParameterValueException"),
                ({"Code": {"ZipFile": zip_of(ECHO)[:-8]}}, 400, "InvalidParameterValueException"),
                ({"Code": {"ZipFile": zip_of({"../x": "x"})}}, 400, "InvalidParameterValueException"),
                ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, 400, "InvalidParameterValueException"),
                ({"PackageType": "Image", "Code": {"ImageUri": "i"}}, 400, "InvalidParameterValueException"),
                ({"FunctionName": "there"}, 409, "ResourceConflictException")):
            with self.subTest(settings=list(settings.items())[0][0]):
                caught = self.refused(create, api=self.api, **{"name": "new", **settings})
                self.assertEqual(code_of(caught), (status, error), message_of(caught))
        self.assertEqual(message_of(self.refused(create, api=self.api, name="there")), "Function already exist: there")
        self.assertEqual(code_of(self.refused(self.api.get_function, FunctionName="new"))[0], 404)

    def test_changes(self):
        before = self.api.get_function_configuration(FunctionName="there")
        for call, arguments, status, error in (
                (self.api.update_function_configuration, {"RevisionId": "stale", "Timeout": 4}, 412,
                 "PreconditionFailedException"),
                (self.api.update_function_code, {"RevisionId": "stale", "ZipFile": zip_of("x")}, 412,
                 "PreconditionFailedException"),
                (self.api.update_function_code, {"ZipFile": b"x"}, 400, "InvalidParameterValueException"),
                (self.api.update_function_configuration, {"Timeout": 0}, 400, "ValidationException"),
                (self.api.update_function_configuration, {"FunctionName": "none"}, 404, "ResourceNotFoundException"),
                (self.api.update_function_code, {"FunctionName": "none", "ZipFile": zip_of("x")}, 404,
                 "ResourceNotFoundException"),
                (self.api.delete_function, {"FunctionName": "none"}, 404, "ResourceNotFoundException"),
                (self.api.delete_function, {"Qualifier": "$LATEST"}, 400, "InvalidParameterValueException"),
                (self.api.delete_function, {"Qualifier": "1"}, 400, "InvalidParameterValueException"),
                (self.api.get_function, {"FunctionName": "there:prod", "Qualifier": "$LATEST"}, 400,
                 "InvalidParameterValueException"),
                (self.api.get_function, {"FunctionName": ARN.replace("us-east-1", "eu-west-1") + "there"}, 404,
                 "ResourceNotFoundException"),
                (self.api.publish_version, {}, 404, "UnknownOperationException")):
            with self.subTest(call=call.__name__, arguments=list(arguments)):
                caught = self.refused(call, **{"FunctionName": "there", **arguments})
                self.assertEqual(code_of(caught), (status, error), message_of(caught))
        after = self.api.get_function_configuration(FunctionName="there")
        self.assertEqual(after["RevisionId"], before["RevisionId"])
        self.api.update_function_configuration(FunctionName="there", RevisionId=after["RevisionId"], Timeout=3)
        lambda_client.wait(self.api, "function_updated_v2", "there")

    def test_a_body_that_is_too_large_is_refused(self):
        caught = self.refused(create, api=self.api, name="big", Code={"ZipFile": b"x" * 53_000_000})
        self.assertEqual(code_of(caught)[0], 413)

    def test_the_largest_archive_goes_through(self):
        # Stored without compression, so that the request itself is as large as it may be.
        filler = random.Random(7).randbytes(50_000_000)
        out = settled(self.api, "large", {"index.js": ECHO, "filler": filler})
        self.assertGreater(out["CodeSize"], 50_000_000)
        self.assertEqual(payload_of(self.api.invoke(FunctionName="large", Payload=b"1")), 1)

    def test_a_client_may_ask_before_it_sends_the_body(self):
        host, port = self.node.admin_address.rsplit(":", 1)
        with support.RawClient(host, int(port)) as raw:
            body = creation("asked-first")
            raw.send(f"POST {FUNCTIONS}/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n")
            self.assertEqual(raw.response().status, 100)
            self.assertEqual(raw.send(body).response().status, 201)

    def test_other_paths_and_origins(self):
        status, headers, body = self.node.admin("GET", "/2015-03-31/event-source-mappings/")
        self.assertEqual((status, headers["x-amzn-errortype"]), (404, "UnknownOperationException"))
        self.assertIn("message", json.loads(body))
        self.assertEqual(self.node.admin("GET", FUNCTIONS, headers={"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(self.node.admin("POST", FUNCTIONS, creation("x"), {"Host": "evil.example"})[0], 403)

    def test_a_second_change_while_one_runs_is_refused(self):
        settled(self.api, "busy")
        slow = "require('child_process').execSync('sleep 1'); exports.handler = async () => 1;"
        self.api.update_function_code(FunctionName="busy", ZipFile=zip_of(slow))
        caught = self.refused(self.api.update_function_configuration, FunctionName="busy", Timeout=4)
        self.assertEqual(code_of(caught), (409, "ResourceConflictException"))
        self.assertEqual(message_of(caught), "The operation cannot be performed at this time. An update is in progress "
                                             f"for resource: {ARN}busy")
        lambda_client.wait(self.api, "function_updated_v2", "busy")
        self.api.update_function_configuration(FunctionName="busy", Timeout=4)

    def test_of_creations_at_the_same_time_one_wins(self):
        def make(number):
            try:
                return create(client(self.node), "raced", f"exports.handler = async () => {number};")
            except botocore.exceptions.ClientError as refused:
                self.assertEqual(refused.response["Error"]["Code"], "ResourceConflictException")
                return None
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            made = [answer for answer in pool.map(make, range(6)) if answer]
        self.assertEqual(len(made), 1)
        self.assertEqual(self.api.get_function_configuration(FunctionName="raced")["CodeSha256"],
                         made[0]["CodeSha256"])


class RetryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.api = client(cls.node)

    def twice(self, method, path, body=b"", sdk_id="11111111-0000-4000-8000-000000000001", between=lambda: None):
        first = sdk_try(self.node, method, path, body, sdk_id)
        between()
        second = sdk_try(self.node, method, path, body, sdk_id)
        self.assertEqual((first[0], first[2]), (second[0], second[2]))
        return first

    def test_a_repeated_creation_is_answered_as_the_first(self):
        self.assertEqual(self.twice("POST", FUNCTIONS, creation("one"))[0], 201)
        again = sdk_try(self.node, "POST", FUNCTIONS, creation("one"), "22222222-0000-4000-8000-000000000001")
        self.assertEqual(again[0], 409)
        stranger = sdk_try(self.node, "POST", FUNCTIONS, creation("one"), "11111111-0000-4000-8000-000000000001",
                           key="OTHER")
        self.assertEqual(stranger[0], 409)

    def test_a_repeat_after_another_change_is_answered_as_the_first(self):
        def change():
            lambda_client.wait(self.api, "function_updated_v2", "two")
            self.api.update_function_configuration(FunctionName="two", Timeout=9)
            lambda_client.wait(self.api, "function_updated_v2", "two")
        status, _, body = self.twice("POST", FUNCTIONS, creation("two"), between=change)
        self.assertEqual((status, body["Timeout"]), (201, 3))
        self.assertEqual(self.api.get_function_configuration(FunctionName="two")["Timeout"], 9)

    def test_a_repeated_change_is_applied_once(self):
        settled(self.api, "three")
        before = self.api.get_function_configuration(FunctionName="three")["RevisionId"]
        body = json.dumps({"Timeout": 8, "RevisionId": before}).encode()
        status, _, answer = self.twice("PUT", FUNCTIONS + "/three/configuration", body)
        self.assertEqual((status, answer["Timeout"]), (200, 8))
        after = self.api.get_function_configuration(FunctionName="three")
        self.assertEqual(after["RevisionId"], answer["RevisionId"])

    def test_a_repeated_deletion_succeeds_again(self):
        settled(self.api, "four")
        self.assertEqual(self.twice("DELETE", FUNCTIONS + "/four")[0], 204)
        self.assertEqual(sdk_try(self.node, "DELETE", FUNCTIONS + "/four", sdk_id="3")[0], 404)

    def test_tries_at_the_same_time_are_one_request(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = [*pool.map(lambda _: sdk_try(self.node, "POST", FUNCTIONS, creation("five"), "5"), range(6))]
        self.assertEqual({status for status, _, _ in answers}, {201})
        self.assertEqual(len({body["RevisionId"] for _, _, body in answers}), 1)

    def test_a_repeat_after_a_restart_is_still_known(self):
        body = creation("six")  # once: the time in its zip would make it another request
        with support.Node() as node:
            first = sdk_try(node, "POST", FUNCTIONS, body)
            node.terminate()
            node.start()
            second = sdk_try(node, "POST", FUNCTIONS, body)
        self.assertEqual((first[0], first[2]), (second[0], second[2]))


if __name__ == "__main__":
    unittest.main()
