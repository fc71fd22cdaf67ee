"""The commands that talk to a node: what they take, refuse, print and return."""
import base64
import io
import json
import os
import socket
import struct
import subprocess
import unittest
import zipfile

import support

HELLO = "exports.handler = async () => ({statusCode: 200, body: 'hello'});"
NATIVE = r"""
#include <stdexcept>
#include <troupe/function.hpp>
troupe::response handler(const troupe::request& request, troupe::context& context) {
  const auto act = request.path_parameter("act");
  if (act == "throw")
    throw std::runtime_error("secret detail");
  if (act == "status")
    return {99, {}, "x"};
  if (act == "split")
    return {200, {{"x-a", "b\r\nset-cookie: evil=1"}}, "x"};
  if (act == "name")
    return {200, {{"x a", "b"}}, "x"};
  context.log("native " + std::string{context.function_name()});
  return troupe::response::text(std::string{request.method()} + " " + std::string{act} + " " +
                                    std::string{request.body()}, 201);
}
TROUPE_FUNCTION(handler)
"""


def run(*words, **more):
    env = {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}
    return subprocess.run([support.TROUPE, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60,
                          env={**env, **more.pop("env", {})}, **more)


def zipped(files):
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return bytes_.getvalue()


class DeployCase(unittest.TestCase):
    NATIVE = None

    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node(native=cls.NATIVE))
        cls.folder = cls.enterClassContext(support.TempDir())

    def tearDown(self):
        for function in json.loads(self.node.run("list", "--json", check=True).stdout)["functions"]:
            self.node.run("remove", function["name"], check=True)

    def write(self, name, files):
        """A folder of that name below this class's own; a file for bytes."""
        path = os.path.join(self.folder, name)
        if isinstance(files, bytes):
            support.write_files(self.folder, {name: files})
        else:
            os.makedirs(path, exist_ok=True)
            support.write_files(path, files)
        return path

    def names(self):
        return [f["name"] for f in json.loads(self.node.run("list", "--json", check=True).stdout)["functions"]]

    def assert_refused(self, done, code, *fragments):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr)
        self.assertEqual(self.names(), [])


class DeployTest(DeployCase):
    def test_folder_with_everything_inferred(self):
        done = self.node.deploy(self.write("my-hello", {"index.js": HELLO}))
        self.assertIn("deployed my-hello (version 1", done.stdout)
        self.assertIn("ANY /my-hello", done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.node.request("GET", "/my-hello/x")[2], b"hello")

    def test_relative_and_trailing_slash_paths(self):
        self.write("relative", {"index.js": HELLO})
        for path, cwd in (("relative", self.folder), ("./relative/", self.folder),
                          (".", os.path.join(self.folder, "relative"))):
            with self.subTest(path=path):
                self.assertEqual(self.node.run("deploy", path, cwd=cwd, check=True).returncode, 0)
                self.assertEqual(self.names(), ["relative"])

    def test_an_existing_name_is_updated(self):
        self.node.deploy_files("f", HELLO)
        done = self.node.deploy_files("f", HELLO.replace("hello", "again"), "--env", "A1=b")
        self.assertIn("updated f (version 2", done.stdout)
        self.assertEqual(self.node.request("GET", "/f")[2], b"again")

    def test_the_same_code_again(self):
        self.node.deploy_files("f", HELLO)
        self.node.deploy_files("f", HELLO)
        self.assertEqual(self.node.request("GET", "/f")[2], b"hello")

    def test_zip(self):
        files = {"index.js": "exports.handler = async () => require('./lib/word.js');",
                 "lib/word.js": "module.exports = 'zipped';"}
        self.node.deploy(self.write("packed.zip", zipped(files)))
        self.assertEqual(self.node.request("GET", "/packed")[2], b"zipped")

    @staticmethod
    def damaged(archive):
        """The archive with one bit of its first member's data changed."""
        name, extra = struct.unpack_from("<HH", archive, 26)
        at = 30 + name + extra + 10
        return archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1:]

    def test_evil_zips(self):
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        bomb = zipped({"index.js": HELLO, "bomb": "\0" * 60_000_000})
        whole = zipped({"index.js": HELLO})
        for name, content in (("slip", zipped({"index.js": HELLO, "../../evil.js": "x"})),
                              ("absolute", zipped({"index.js": HELLO, "/tmp/evil": "x"})),
                              ("link", zipped({"index.js": HELLO, link: "/etc/passwd"})),
                              ("through", zipped({"index.js": HELLO, "a": "file", "a/b": "x"})),
                              ("backslash", zipped({"index.js": HELLO, "a\\..\\b": "x"})), ("bomb", bomb),
                              ("cut", whole[:-30]),
                              ("damaged", self.damaged(whole)), ("no-zip", b"nothing at all"),
                              ("empty", b""), ("twice", b"".join([whole[:-22],
                                                                  struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, 58, 0,
                                                                              0)]))):
            with self.subTest(zip=name):
                done = self.node.run("deploy", self.write(name + ".zip", content), "--handler", "index.handler")
                self.assertIn(done.returncode, (1, 2), done.stdout)
                self.assert_refused(done, done.returncode)
        self.assertFalse(os.path.exists("/tmp/evil"))

    def test_what_takes_longer_than_a_second_says_so(self):
        slow = {"index.mjs": "await new Promise((done) => setTimeout(done, 1600));\n"
                             "export const handler = async () => 'slow';"}
        done = self.node.deploy_files("slow", slow)
        self.assertIn("starts the first instance", done.stderr)
        self.assertIn("deployed slow", done.stdout)
        self.assertEqual(self.node.request("GET", "/slow")[2], b"slow")

    def test_links_out_of_the_folder_are_refused(self):
        path = self.write("linked", {"index.js": HELLO})
        os.symlink("/etc/passwd", os.path.join(path, "link"))
        done = self.node.run("deploy", path)
        self.assertIn(done.returncode, (1, 2))
        self.assert_refused(done, done.returncode, "link", "/etc/passwd")

    def test_links_within_the_folder_and_modes_are_kept(self):
        path = self.write("modes",
                          {"index.js": "const {execFileSync} = require('child_process');\n"
                                        "exports.handler = async () => execFileSync('./link').toString();",
                                    "bin/run": "#!/bin/sh\necho ran\n"})
        os.chmod(os.path.join(path, "bin", "run"), 0o755)
        os.symlink("bin/run", os.path.join(path, "link"))
        self.node.deploy(path)
        self.assertEqual(self.node.request("GET", "/modes")[2], b"ran\n")

    def test_names_with_bad_characters(self):
        path = self.write("named", {"index.js": HELLO})
        for name in ("a b", "a/b", "../x", "", "x" * 65, "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "a.b", "a\nb"):
            with self.subTest(name=name):
                self.assert_refused(self.node.run("deploy", path, "--name", name), 2, "a-z A-Z 0-9 - _")
        self.assert_refused(self.node.run("deploy", self.write("bad name!", {"index.js": HELLO})), 2, "--name")

    def test_no_function_in_it(self):
        self.assert_refused(self.node.run("deploy", self.write("empty", {})), 2, "holds no files")
        self.assert_refused(self.node.run("deploy", self.write("text", {"readme.txt": "hello"})), 2, "--handler")
        self.assert_refused(self.node.run("deploy", self.write("other", {"index.js": "exports.a = 1; exports.b = 2;"})),
                            2, "--handler", "a, b")

    def test_paths_that_are_no_code(self):
        missing = os.path.join(self.folder, "nowhere")
        self.assert_refused(self.node.run("deploy", missing), 1, missing, "No such file")
        self.assert_refused(self.node.run("deploy", self.write("single.js", HELLO.encode())), 2, "single.js", "folder")
        fifo = os.path.join(self.folder, "pipe.zip")
        os.mkfifo(fifo)
        self.assert_refused(self.node.run("deploy", fifo, timeout_s=20), 1, "pipe.zip")

    def test_bad_routes(self):
        path = self.write("routed", {"index.js": HELLO})
        for key in ("GET", "get /x", "GET x", "FETCH /x", "GET /x y", "GET /{a}/{a}", "GET /{a+}/b", "GET /a{b}",
                    "GET //x", "GET /a?b", "",
                    "$other", "GET /%zz", "GET /../x"):
            with self.subTest(key=key):
                done = self.node.run("deploy", path, "--route", key)
                self.assertIn(done.returncode, (1, 2))
                self.assert_refused(done, done.returncode, f"'{key}'")
        self.assert_refused(self.node.run("deploy", path, "--route", "GET /a", "--route", "GET /a"), 1, "twice")
        self.assert_refused(self.node.run("deploy", path, "--route", "GET /a", "--no-route"), 2, "--no-route")

    def test_bad_environment(self):
        path = self.write("environment", {"index.js": HELLO})
        for variable, fragment in (("bad", "NAME=VALUE"), ("=x", "NAME=VALUE"), ("1A=x", "1A"), ("A-B=x", "A-B"),
                                   ("AWS_REGION=x", "reserved"),
                                   ("_HANDLER=x", "_HANDLER"), ("BIG=" + "x" * 4096, "4096")):
            with self.subTest(variable=variable[:20]):
                self.assert_refused(self.node.run("deploy", path, "--env", variable), 2, fragment)

    def test_values_out_of_range(self):
        path = self.write("ranged", {"index.js": HELLO})
        for flags in (("--timeout-s", "0"), ("--timeout-s", "901"), ("--timeout-s", "soon"), ("--timeout-s", "nan"),
                      ("--concurrency", "0"), ("--concurrency", "1001"),
                      ("--memory-mb", "1"), ("--runtime", "cobol"), ("--handler", "x" * 129), ("--unknown",),
                      ("--timeout-s",)):
            with self.subTest(flags=flags):
                done = self.node.run("deploy", path, *flags)
                self.assert_refused(done, 2, flags[1][:20]
                                    if flags[0] == "--runtime" else flags[0].lstrip("-").split("-")[0])

    def test_a_shared_object_needs_no_flag_of_the_node(self):
        self.node.deploy(support.NATIVE_HELLO, "--route", "GET /native/{name}")
        self.assertEqual(self.node.request("GET", "/native/x")[0], 200)

    def test_remove(self):
        self.node.deploy_files("f", HELLO)
        self.assertEqual(self.node.run("remove", "f", check=True).stdout, "removed f\n")
        done = self.node.run("remove", "f")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("'f' is not deployed", done.stderr)
        self.assertEqual(self.node.run("remove", "../v1/node").returncode, 2)

    def test_list_and_routes_for_people(self):
        self.node.deploy_files("one", HELLO, "--route", "GET /pets/{id}")
        listed = self.node.run("list", check=True).stdout.splitlines()
        self.assertEqual(listed[0].split(), ["FUNCTION", "RUNTIME", "VERSION", "READY/MIN/MAX", "MEMORY", "TIMEOUT",
                                             "AGE", "ROUTES"])
        self.assertRegex(listed[1], r"^one\tnodejs\S*\t1\t1/0/-\t128MB\t3s\t\d+s\tGET /pets/\{id\}$")
        self.assertEqual([line.split() for line in self.node.run("routes", check=True).stdout.splitlines()],
                         [["ROUTE", "FUNCTION"], ["GET", "/pets/{id}", "one"]])

    def test_json(self):
        done = self.node.deploy_files("f", HELLO, "--json", "--env", "A1=b", "--timeout-s", "1.5", "--concurrency", "7",
                                      "--memory-mb", "256")
        answer = json.loads(done.stdout)
        self.assertEqual({key: answer[key] for key in ("name", "version", "timeout_ms", "concurrency", "memory_mb",
                                                       "environment", "created")},
                         {"name": "f", "version": 1, "timeout_ms": 1500, "concurrency": 7, "memory_mb": 256,
                          "environment": {"A1": "b"},
                          "created": True})
        self.assertEqual(json.loads(self.node.run("list", "--json").stdout)["functions"][0]["routes"],
                         ["ANY /f", "ANY /f/{proxy+}"])
        self.assertEqual({route["function"] for route in json.loads(self.node.run("routes",
                                                                                  "--json").stdout)["routes"]}, {"f"})
        logs = json.loads(self.node.run("logs", "f", "--json").stdout)
        self.assertEqual((logs["function"], logs["lines"]), ("f", []))
        self.assertEqual(json.loads(self.node.run("remove", "f", "--json").stdout), {"removed": "f"})
        failed = self.node.run("remove", "f", "--json")
        self.assertEqual(json.loads(failed.stderr)["error"]["code"], "no_such_function")
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))

    def test_deployments_at_once(self):
        support.parallel(8, lambda i: self.node.deploy_files(f"f{i}", HELLO.replace("hello", f"hello {i}")))
        self.assertEqual([self.node.request("GET", f"/f{i}")[2] for i in range(8)],
                         [f"hello {i}".encode() for i in range(8)])

    def test_one_name_at_once(self):
        done = support.parallel(6, lambda i: self.node.deploy_files("f", HELLO.replace("hello", f"hello {i}"),
                                                                    check=False))
        good = [i for i, each in enumerate(done) if each.returncode == 0]
        self.assertTrue(good)
        for each in done:
            if each.returncode != 0:
                self.assertEqual(each.returncode, 1)
                self.assertIn("another deployment", each.stderr)
        self.assertRegex(self.node.request("GET", "/f")[2], rb"^hello \d$")


class RuntimeTest(unittest.TestCase):
    def test_an_interpreter_that_does_not_start_is_not_installed(self):
        with support.TempDir() as folder:
            wrapper = os.path.join(support.write_files(folder, {"python3.77": "#!/bin/sh\nexit 127\n"}), "python3.77")
            os.chmod(wrapper, 0o755)
            why = (f"runtime python3.77 is not installed on this node: {wrapper} cannot be started: "
                   "it ended with status 127")
            with support.Node(env={"PATH": f"{folder}:{os.environ['PATH']}"}) as node:
                module = {"app.py": "def handler(event, context):\n  return 'ran'"}
                done = node.deploy_files("f", module, "--runtime", "python3.77", "--handler", "app.handler", check=False)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", f"troupe: {why}\n"))
                status, _, body = node.admin("POST", "/2015-03-31/functions", json.dumps(
                    {"FunctionName": "f", "Runtime": "python3.77", "Handler": "app.handler",
                     "Role": "arn:aws:iam::000000000000:role/r",
                     "Code": {"ZipFile": base64.b64encode(zipped(module)).decode()}}))
                self.assertEqual((status, json.loads(body)["message"]), (400, why))
                self.assertEqual(node.admin("GET", "/v1/functions/f")[0], 404)
                os.unlink(wrapper)  # the machine's python3 will do now
                node.deploy_files("f", module, "--runtime", "python3.77", "--handler", "app.handler")
                self.assertEqual(node.request("GET", "/f")[2], b"ran")


class NativeDeployTest(DeployCase):
    NATIVE = "in-process"

    def test_shared_object(self):
        path = support.build_native(NATIVE, self.folder, "thing")
        self.node.deploy(path, "--route", "ANY /native/{act}")
        status, headers, body = self.node.request("POST", "/native/a%20b", body=b"body")
        self.assertEqual((status, headers["content-type"], body), (201, "text/plain; charset=utf-8", b"POST a b body"))
        self.assertTrue(any(line.endswith("native thing") for line in self.node.logs("thing")), self.node.logs("thing"))
        for act, cause in (("throw", "function_error"), ("status", "malformed_answer"), ("split", "malformed_answer"),
                           ("name", "malformed_answer")):
            with self.subTest(act=act):
                status, headers, body = self.node.request("GET", f"/native/{act}")
                self.assertEqual((status, headers["x-troupe-error"], body),
                                 (500, cause, b'{"message":"Internal Server Error"}'))
                self.assertNotIn("set-cookie", headers)

    def test_objects_that_are_no_functions(self):
        for name, content in (("text.so", b"not an object"), ("empty.so", b"")):
            with self.subTest(name=name):
                self.assert_refused(self.node.run("deploy", self.write(name, content)), 1)
        strange = support.build_native("int unrelated = 1;", self.folder, "strange")
        self.assert_refused(self.node.run("deploy", strange), 1, "troupe_function_entry")


class CommandLineTest(unittest.TestCase):
    def test_help_has_examples(self):
        for command in ("deploy", "invoke", "list", "routes", "remove", "logs", "serve", "completion", "help"):
            with self.subTest(command=command):
                done = run(command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, rf"Examples?:\n  troupe {command}")

    def test_help_of_the_program(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("serve", "deploy", "list", "routes", "remove", "logs", "--admin", "--json", "Exit codes"):
            self.assertIn(word, done.stdout)
        self.assertEqual(run("--version").returncode, 0)

    def test_help_is_the_same_by_every_way(self):
        for ways in ((("--help",), ("help",)), (("serve", "--help"), ("help", "serve"))):
            first, second = (run(*way).stdout for way in ways)
            with self.subTest(ways=ways):
                self.assertRegex(first, r"(?m)^Usage: troupe (serve )?\[OPTIONS\]")
                self.assertTrue(second.startswith(first.rstrip("\n")), second)
                self.assertRegex(first, r"Exit codes: 0 [^.]*\b70\b")

    def test_wrong_usage(self):
        for words in ((), ("fly",), ("deploy",), ("remove",), ("remove", "a", "b"), ("list", "--nothing"),
                      ("deploy", "a", "b"),
                      ("list", "--admin", "nonsense://x"), ("list", "--admin", "")):
            with self.subTest(words=words):
                done = run(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertTrue(done.stderr.startswith("troupe: "), done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_unreachable_node(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else can take it
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            with support.TempDir() as folder:
                support.write_files(folder, {"index.js": HELLO})
                for words in (("list",), ("routes",), ("remove", "f"), ("logs", "f"),
                              ("deploy", folder, "--name", "f")):
                    for done in (run(*words, "--admin", url), run(*words, env={"TROUPE_ADMIN": url})):
                        with self.subTest(words=words):
                            self.assertEqual((done.returncode, done.stdout), (1, ""))
                            self.assertIn(f"cannot reach the node at {url}", done.stderr)
                            self.assertIn("troupe serve", done.stderr)
                            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_the_gateway_is_no_admin_port(self):
        with support.Node() as node:
            done = run("list", "--admin", f"http://{node.host}:{node.port}")
            self.assertEqual(done.returncode, 1)
            self.assertIn("no troupe node", done.stderr)


if __name__ == "__main__":
    unittest.main()
