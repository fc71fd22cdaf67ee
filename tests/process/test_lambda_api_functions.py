"""boto3 creates, reads, changes, lists and deletes functions of a node."""
import io
import unittest
import urllib.request
import zipfile

import lambda_client

lambda_client.use_debian_python()

import support  # noqa: E402  pylint: disable=wrong-import-position
from lambda_client import ECHO, client, create, payload_of, settled, sha256_of, wait, zip_of  # noqa: E402  pylint: disable=wrong-import-position

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


class FunctionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.api = client(cls.node)

    def test_a_created_function_has_all_fields(self):
        archive = zip_of(ECHO)
        made = create(self.api, "fields", Description="d", Environment={"Variables": {"ONE": "1"}}, Timeout=7,
                      Architectures=["arm64"], EphemeralStorage={"Size": 1024}, TracingConfig={"Mode": "Active"})
        self.assertEqual(made["ResponseMetadata"]["HTTPStatusCode"], 201)
        for name, value in {"FunctionArn": ARN + "fields", "Runtime": "nodejs20.x", "Handler": "index.handler",
                            "CodeSize": len(archive), "CodeSha256": sha256_of(archive), "Version": "$LATEST",
                            "Description": "d", "Timeout": 7, "MemorySize": 128, "State": "Pending",
                            "Environment": {"Variables": {"ONE": "1"}}, "Architectures": ["arm64"],
                            "EphemeralStorage": {"Size": 1024}, "TracingConfig": {"Mode": "Active"},
                            "PackageType": "Zip"}.items():
            self.assertEqual(made[name], value, name)
        self.assertNotIn("LastUpdateStatus", made)
        self.assertRegex(made["LastModified"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")
        for waiter in ("function_exists", "function_active", "function_updated", "function_active_v2",
                       "function_updated_v2", "published_version_active"):
            wait(self.api, waiter, "fields")
        read = self.api.get_function_configuration(FunctionName="fields")
        self.assertEqual((read["State"], read["LastUpdateStatus"]), ("Active", "Successful"))
        self.assertEqual(read["RevisionId"], made["RevisionId"])
        self.assertNotIn("StateReason", read)

    def test_every_name_of_a_function_finds_it(self):
        settled(self.api, "named")
        for name in ("named", ARN + "named", "000000000000:function:named", "function:named", "named:$LATEST",
                     ARN + "named:$LATEST"):
            with self.subTest(name=name):
                found = self.api.get_function(FunctionName=name)["Configuration"]
                self.assertEqual(found["FunctionArn"], ARN + "named" + (":$LATEST" if "$" in name else ""))
                self.assertEqual(self.api.invoke(FunctionName=name)["StatusCode"], 200)

    def test_code_can_be_downloaded_and_deployed_again(self):
        files = {"index.js": ECHO, "lib/data.txt": "data"}
        settled(self.api, "source", files)
        location = self.api.get_function(FunctionName="source")["Code"]["Location"]
        with urllib.request.urlopen(location, timeout=30) as answer:
            self.assertEqual(answer.headers["content-type"], "application/zip")
            archive = answer.read()
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            self.assertEqual({name: opened.read(name).decode() for name in opened.namelist()}, files)
        updated = self.api.update_function_code(FunctionName="source", ZipFile=archive)
        self.assertEqual(updated["CodeSha256"], sha256_of(archive))
        wait(self.api, "function_updated", "source")
        self.assertEqual(payload_of(self.api.invoke(FunctionName="source", Payload=b"[1]")), [1])
        status, _, _ = self.node.admin("GET", "/v1/functions/source/code", headers={"Host": "evil.example"})
        self.assertEqual(status, 403)

    def test_a_change_keeps_what_was_not_sent(self):
        before = settled(self.api, "kept", Description="d", Timeout=9, Environment={"Variables": {"ONE": "1", "TWO": "2"}})
        after = self.api.update_function_configuration(FunctionName="kept", MemorySize=512,
                                                       Environment={"Variables": {"THREE": "3"}})
        self.assertEqual((after["State"], after["LastUpdateStatus"]), ("Active", "InProgress"))
        self.assertEqual((after["MemorySize"], after["Timeout"], after["Description"]), (512, 9, "d"))
        self.assertEqual(after["Environment"], {"Variables": {"THREE": "3"}})
        self.assertEqual(after["CodeSha256"], before["CodeSha256"])
        self.assertNotEqual(after["RevisionId"], before["RevisionId"])
        wait(self.api, "function_updated_v2", "kept")

    def test_a_dry_run_of_an_update_changes_nothing(self):
        before = settled(self.api, "dry")
        self.api.update_function_code(FunctionName="dry", ZipFile=zip_of("x"), DryRun=True)
        after = self.api.get_function_configuration(FunctionName="dry")
        self.assertEqual((after["RevisionId"], after["CodeSha256"]), (before["RevisionId"], before["CodeSha256"]))

    def test_functions_are_listed_in_pages(self):
        names = [f"page-{number}" for number in range(5)]
        for name in names:
            create(self.api, name)
        pages = list(self.api.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
        self.assertGreater(len(pages), 2)
        listed = [function["FunctionName"] for page in pages for function in page["Functions"]]
        self.assertEqual(listed, sorted(set(listed)))
        self.assertLessEqual(set(names), set(listed))
        self.assertNotIn("State", pages[0]["Functions"][0])

    def test_tags_come_and_go_without_a_new_version(self):
        before = settled(self.api, "tagged", Tags={"a": "1"})
        self.api.tag_resource(Resource=ARN + "tagged", Tags={"b": "2", "c": "3"})
        self.api.untag_resource(Resource=ARN + "tagged", TagKeys=["a", "c"])
        self.assertEqual(self.api.list_tags(Resource=ARN + "tagged")["Tags"], {"b": "2"})
        after = self.api.get_function_configuration(FunctionName="tagged")
        self.assertEqual((after["LastModified"], after["LastUpdateStatus"]), (before["LastModified"], "Successful"))

    def test_what_infrastructure_tools_ask_has_an_answer(self):
        settled(self.api, "asked")
        self.assertEqual(self.api.get_function_code_signing_config(FunctionName="asked")["CodeSigningConfigArn"], "")
        self.assertNotIn("ReservedConcurrentExecutions", self.api.get_function_concurrency(FunctionName="asked"))
        versions = self.api.list_versions_by_function(FunctionName="asked")["Versions"]
        self.assertEqual([each["FunctionArn"] for each in versions], [ARN + "asked:$LATEST"])
        usage = self.api.get_account_settings()["AccountUsage"]
        self.assertGreaterEqual(usage["FunctionCount"], 1)

    def test_a_deleted_function_leaves_its_routes_and_can_be_made_again(self):
        self.node.deploy_files("routed", "exports.handler = async () => 'old';", "--route", "GET /routed")
        self.assertEqual(self.node.request("GET", "/routed")[2], b"old")
        self.assertEqual(self.api.delete_function(FunctionName="routed")["ResponseMetadata"]["HTTPStatusCode"], 204)
        status, headers, _ = self.node.request("GET", "/routed")
        self.assertEqual((status, headers["x-troupe-error"]), (500, "no_such_function"))
        settled(self.api, "routed", "exports.handler = async () => 'new';")
        self.assertEqual(self.node.request("GET", "/routed")[2], b"new")
        self.api.delete_function(FunctionName="routed")
        self.node.run("remove", "routed", check=True)
        self.assertEqual(self.node.request("GET", "/routed")[0], 404)

    def test_functions_of_the_command_line_are_there_too(self):
        self.node.deploy_files("folder", ECHO, "--no-route")
        found = self.api.get_function_configuration(FunctionName="folder")
        self.assertEqual((found["State"], found["Role"], found["Version"]), ("Active", "", "$LATEST"))
        self.assertEqual(payload_of(self.api.invoke(FunctionName="folder", Payload=b"7")), 7)


class RestartTest(unittest.TestCase):
    def test_functions_survive_a_restart_of_the_node(self):
        with support.Node() as node:
            api = client(node)
            before = settled(api, "kept", Tags={"a": "1"}, Description="d")
            node.terminate()
            node.start()
            api = client(node)
            after = api.get_function(FunctionName="kept")
            for volatile in ("ResponseMetadata",):
                before.pop(volatile)
            self.assertEqual(after["Configuration"], before)
            self.assertEqual(after["Tags"], {"a": "1"})
            self.assertEqual(payload_of(api.invoke(FunctionName="kept", Payload=b"1")), 1)


if __name__ == "__main__":
    unittest.main()
