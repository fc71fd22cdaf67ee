"""Deploys each case of a table of handlers, asks it through HTTP and through invoke, and holds it to all it says.

An expectation that was not checked is a failure, and so is a line in the log that nobody expected.
"""
import base64
import json
import os
import re
import unittest
import urllib.parse

import support
from handlers.expect import FLOOD, ISO, KEPT_LOG_BYTES, UUID

# The node's own secrets: no function may see them.
NODE_SECRETS = {"AWS_SECRET_ACCESS_KEY": "of-the-node-4711", "DATABASE_PASSWORD": "of-the-node-4712"}

# What troupe itself says: of each call, of failed ones, of a worker's end, and what the interpreters say of errors.
PLATFORM = re.compile(rf"^(INIT_START |INIT_REPORT |START |END |REPORT |RequestId: {UUID} Error: )"
                      rf"|^{ISO}\s(?:{UUID}|-|undefined)\s(?:Task timed out after |Error: Runtime exited )"
                      rf"|^{ISO}\t(?:{UUID}|undefined)\tERROR\t(?:Uncaught Exception|Unhandled Promise Rejection)\s"
                      rf"|^\[ERROR\]\t{ISO}\t\t|^Traceback \(most recent call last\):|^  ")
REPORT = re.compile(rf"REPORT RequestId: ({UUID})\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\t"
                    r"Memory Size: (\d+) MB\tMax Memory Used: (\d+) MB\t(?:Init Duration: (\d+\.\d\d) ms\t)?")
INTERPRETERS = ("node", "python3", "troupe")


class Checked:
    """A dict whose keys are taken one by one; what is left over was never checked."""

    def __init__(self, expectations):
        self._left = dict(expectations)

    def take(self, key):
        return self._left.pop(key)

    def take_if(self, key, otherwise=None):
        return self._left.pop(key, otherwise)

    def left(self):
        return sorted(self._left)


class SuiteCase(unittest.TestCase):
    """Base of the tests that `make_tests` adds, all on one node."""

    main_file = "index.js"
    language = ()  # flags of every deployment, and those of one that names no handler of its own
    default_handler = ()

    @classmethod
    def setUpClass(cls):
        # Debian's interpreters, whatever comes first in the developer's own PATH.
        path = os.pathsep.join(["/usr/bin", "/bin", os.environ.get("PATH", "")])
        cls.node = cls.enterClassContext(support.Node(env={**NODE_SECRETS, "PATH": path}, stem_cells=True))

    def run_case(self, name, case):
        self.name = name
        self.expected = Checked(case)
        code = self.expected.take("code")
        files = dict(code) if isinstance(code, dict) else {self.main_file: code}
        self.mark = f"case-{name}.mark"
        files[self.mark] = name
        options = self.expected.take_if("options", ())
        options = [*self.language, *options, *(() if "--handler" in options else self.default_handler)]
        start = self.expected.take_if("start")
        self.starts = start is None
        done = self.node.deploy_files(name, files, *options, check=False)
        self.addCleanup(self.node.run, "remove", name)
        if self.starts:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            calls = self.expected.take("calls")
        else:
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            said = done.stderr + "\n".join(self.node.logs(name))
            self.assertTrue(start["kind"] in said or start["message"].pattern.search(said), said)
            calls = [start]
        log, after = self.expected.take("log"), self.expected.take("after")
        for way in (self.through_http, self.through_invoke):
            with self.subTest(way=way.__name__):
                self.one_pass(way, calls, log, after)
        self.assertEqual(self.expected.left(), [], "expectations that nothing checks")

    def one_pass(self, way, calls, log, after):
        before, seen = self.worker(after) if self.starts else None, len(self.node.logs(self.name))
        own_calls = [call for call in calls if way == self.through_http or "request" not in call]
        for call in own_calls:
            way(Checked(call))
        self.check_instance(before, after)
        if log == FLOOD:
            self.check_flood()
        else:
            self.check_log(seen, log, len(own_calls) if self.starts else 0)


    def through_http(self, call):
        event, request, http = call.take("event"), call.take_if("request"), Checked(call.take("http"))
        for other in ("value", "kind", "message"):
            call.take_if(other)
        if request is None:
            body = None if event is None else json.dumps(event).encode()
            fields = [] if event is None else [("content-type", "application/json")]
            request = {"method": "GET" if body is None else "POST", "path": "", "body": body, "fields": fields}
        answer = self.exchange(**request)
        self.assertEqual(answer.status, http.take("status"), answer)
        whole, as_json = http.take_if("body"), http.take_if("json", Checked)
        if as_json is not Checked:
            self.assertEqual(answer.json(), as_json)
            self.assertEqual(answer.header("content-type"), "application/json")
        elif whole is not None:
            self.assertEqual(answer.body, whole)
        else:
            self.fail("the case does not say which body HTTP has")
        for field, values in http.take_if("fields", {}).items():
            self.assertEqual(answer.headers(field), values, field)
        self.assertRegex(answer.header("apigw-requestid"), r"^[\w-]{15}=$")
        self.assertEqual(http.left() + call.left(), [], "expectations that nothing checks")

    def exchange(self, method, path, body, fields):
        lines = [f"{method} /{self.name}{path} HTTP/1.1", "host: suite.test", *(f"{n}: {v}" for n, v in fields)]
        if body is not None:
            lines.append(f"content-length: {len(body)}")
        with self.node.connect() as client:
            return client.exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""), to=method)

    def through_invoke(self, call):
        event = call.take("event")
        call.take("http")
        path = f"/2015-03-31/functions/{urllib.parse.quote(self.name)}/invocations"
        status, fields, body = self.node.admin("POST", path, json.dumps({} if event is None else event).encode(),
                                               {"X-Amz-Log-Type": "Tail"})
        self.assertEqual((status, fields.get("x-amz-executed-version")), (200, "$LATEST"), body[:1000])
        self.assertRegex(fields["x-amzn-requestid"], f"^{UUID}$")
        kind = call.take_if("kind")
        self.assertEqual(fields.get("x-amz-function-error"), None if kind is None else "Unhandled", body[:1000])
        if kind is None:
            self.assertEqual(json.loads(body), call.take("value"))
        else:
            payload = json.loads(body)
            self.assertEqual((payload["errorType"], payload["errorMessage"]), (kind, call.take("message")))
        tail = base64.b64decode(fields["x-amz-log-result"], validate=True)
        self.assertLessEqual(len(tail), 4096)
        text = tail.decode()  # cut between characters, never inside one
        if self.starts:
            self.assertIn(f"REPORT RequestId: {fields['x-amzn-requestid']}\t", text)
        self.assertEqual(call.left(), [], "expectations that nothing checks")


    def workers(self):
        """The pids of the case's instances: interpreters in the folder of its code, as children of the spawner."""
        found = []
        for pid in support.descendants(self.node.pid):
            try:
                program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                if program.startswith(INTERPRETERS) and os.path.exists(f"/proc/{pid}/cwd/{self.mark}"):
                    found.append(pid)
            except OSError:
                continue  # ended meanwhile
        return found

    def worker(self, after):
        if after == "none":
            return None
        return support.wait_until(lambda: len(found := self.workers()) == 1 and found, "the one instance", 20)[0]

    def check_instance(self, before, after):
        if after == "kept":
            self.assertEqual(self.workers(), [before])
        elif after == "replaced":
            support.wait_until(lambda: not support.is_alive(before), "the end of the instance", 10)
            self.assertNotEqual(self.worker(after), before)
        elif after == "none":
            support.wait_until(lambda: not self.workers(), "no instance", 10)
        else:
            self.fail(f"no such state of an instance: {after!r}")

    def check_flood(self):
        def whole():
            kept = json.loads(self.node.run("logs", self.name, "--json", check=True).stdout)
            return kept if kept["dropped"] + kept["overwritten"] > 0 else None
        kept = support.wait_until(whole, "a flood of which not all is kept", 10)
        lines = [line["text"] for line in kept["lines"]]
        self.assertTrue(0 < sum(len(line) for line in lines) <= KEPT_LOG_BYTES)
        self.assertTrue(any("REPORT RequestId" in line for line in lines[-20:]), lines[-20:])

    def check_log(self, seen, patterns, calls):
        def own_lines():
            return [line for line in self.node.logs(self.name)[seen:] if not PLATFORM.search(line)]

        def unmatched():
            lines, missing = own_lines(), []
            for pattern in patterns:
                hit = next((i for i, line in enumerate(lines) if re.search(pattern, line, re.DOTALL)), None)
                if hit is None:
                    missing.append(pattern)
                else:
                    del lines[hit]
            return missing, lines
        try:
            support.wait_until(lambda: not unmatched()[0], "the handler's lines", 5)
        except AssertionError:
            self.fail(f"not in the log: {unmatched()[0]}; there is {own_lines()}")
        self.assertEqual(unmatched()[1], [], "lines that nobody expected")
        with self.subTest(what="START, END and REPORT"):
            self.check_reports(seen, calls)

    def check_reports(self, seen, calls):
        def reports():
            return [found for line in self.node.logs(self.name)[seen:] if (found := REPORT.search(line))]
        if calls == 0:
            return
        support.wait_until(lambda: len(reports()) >= calls, f"{calls} REPORT lines", 5)
        lines = self.node.logs(self.name)[seen:]
        ids = [found[1] for found in reports()]
        self.assertEqual(len(ids), calls, lines)
        self.assertEqual(len(set(ids)), calls, "one line for each call")
        for what, end in (("START", r" Version: \$LATEST$"), ("END", "$")):
            marked = [found[1] for line in lines if (found := re.search(rf"{what} RequestId: ({UUID}){end}", line))]
            self.assertEqual(sorted(marked), sorted(ids), what)
        for found in reports():
            took, billed, size, used = float(found[2]) + float(found[6] or 0), int(found[3]), int(found[4]), int(found[5])
            self.assertTrue(took - 0.02 <= billed < took + 1.02, found[0])
            self.assertGreater(used, 5, "an interpreter needs more")
            self.assertGreaterEqual(size, 128)


def add_tests(case_class, *tables):
    """Adds `test_<case>` to the class for each case of the tables; a name that occurs twice is an error."""
    for table in tables:
        for name, case in table.items():
            method = "test_" + name.replace("-", "_")
            if hasattr(case_class, method):
                raise ValueError(f"two cases are called {name}")
            setattr(case_class, method, lambda self, n=name, c=case: self.run_case(n, c))
