"""Every cause of a failure, in both columns of `errors` over HTTP and as invoke shows it, while a neighbor runs on."""
import json
import re
import threading
import time
import unittest

import support

HANDLER = """const kept = [];
exports.handler = async (event) => {
  const act = event.requestContext ? event.queryStringParameters?.act : event.act;
  if (act === 'throw') throw new TypeError('thrown');
  if (act === 'exit') process.exit(3);
  if (act === 'kill') process.kill(process.pid, 'SIGKILL');
  if (act === 'hang') for (;;) ;
  if (act === 'malformed') return {statusCode: 'x'};
  if (act === 'memory') for (let i = 0; i < 64; ++i) {
    kept.push(Buffer.alloc(16 << 20, 1));
    await new Promise((done) => setImmediate(done));
  }
  if (act === 'sleep') await new Promise((done) => setTimeout(done, 1500));
  return String(process.pid);
};"""
MESSAGES = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
EXIT = r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: "

# Cause: what the handler does, x-troupe-error, status when strict and when truthful, errorType and message on invoke.
CALLS = {
    "handler error": ("throw", "function_error", 500, 502, "TypeError", "thrown"),
    "exit": ("exit", "function_crashed", 500, 502, "Runtime.ExitError", EXIT + "exit status 3"),
    "crash": ("kill", "function_crashed", 500, 502, "Runtime.ExitError", EXIT + "signal: killed"),
    "hang": ("hang", "function_timeout", 500, 504, "Sandbox.Timedout",
             r"RequestId: [0-9a-f-]{36} Error: Task timed out after 2\.00 seconds"),
    "memory overrun": ("memory", "memory_exceeded", 500, 502, "Runtime.ExitError", EXIT + "signal: killed"),
    "malformed answer": ("malformed", "malformed_answer", 500, 502, None, None),
}


class Neighbor:
    """Calls another function all the time; afterwards `failed` and the longest that one call took, in seconds."""

    def __init__(self, node, name):
        self._node, self._path = node, "/" + name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failed, self.slowest_s, self.count = [], 0.0, 0

    def _run(self):
        while not self._stop.wait(0.005):
            began = time.monotonic()
            try:
                answer = self._node.request("GET", self._path)
            except OSError as problem:
                answer = (problem, {}, b"")
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.count += 1
            if answer[0] != 200:
                self.failed.append(answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class SupervisionCase(unittest.TestCase):
    def invoke(self, node, name, event, headers=None):
        return node.admin("POST", f"/2015-03-31/functions/{name}/invocations", json.dumps(event).encode(), headers)

    def assert_http(self, answer, status, cause):
        self.assertEqual((answer[0], answer[2]), (status, b'{"message":"%s"}' % MESSAGES[status].encode()), answer)
        self.assertEqual(answer[1]["x-troupe-error"], cause)
        self.assertEqual(answer[1].get("retry-after"), "1" if status == 503 else None)

    def assert_unhandled(self, answer, kind, message):
        status, headers, body = answer
        self.assertEqual((status, headers.get("x-amz-function-error")), (200, "Unhandled"), body)
        payload = json.loads(body)
        self.assertEqual(payload["errorType"], kind)
        self.assertRegex(payload["errorMessage"], f"^{message}$")

    def assert_refused(self, answer, status, kind, reason=None):
        got, headers, body = answer
        self.assertEqual((got, headers.get("x-amzn-errortype")), (status, kind), body)
        self.assertNotIn("x-amz-function-error", headers)
        self.assertEqual(json.loads(body).get("Reason"), reason)


class CallsTest(SupervisionCase):
    def check(self, errors):
        with support.Node("--set", f"errors={errors}") as node:
            node.deploy_files("neighbor", HANDLER)
            with Neighbor(node, "neighbor") as neighbor:
                for number, (cause, row) in enumerate(CALLS.items()):
                    with self.subTest(cause=cause, errors=errors):
                        self.check_row(node, f"f{number}", errors, *row)
            self.assertEqual(neighbor.failed, [])
            self.assertGreater(neighbor.count, 50)
            self.assertLess(neighbor.slowest_s, 1.5, "of a function whose neighbor hung for 2 s")

    def check_row(self, node, name, errors, act, cause, strict, truthful, kind, message):
        node.deploy_files(name, HANDLER, "--timeout-s", "2" if act == "hang" else "20")
        self.assert_http(node.request("GET", f"/{name}?act={act}"), strict if errors == "strict" else truthful, cause)
        self.assertEqual(node.request("GET", f"/{name}")[0], 200)
        if errors == "strict":  # invoke knows no such modes
            answer = self.invoke(node, name, {"act": act})
            if kind is None:
                self.assertEqual((answer[0], json.loads(answer[2])), (200, {"statusCode": "x"}))
            else:
                self.assert_unhandled(answer, kind, message)
            self.assertEqual(self.invoke(node, name, {})[0], 200)

    def test_strict(self):
        self.check("strict")

    def test_truthful(self):
        self.check("truthful")


class RefusalsTest(SupervisionCase):
    def test_failing_start(self):
        for errors, status in (("strict", 500), ("truthful", 502)):
            with self.subTest(errors=errors), support.Node("--set", f"errors={errors}") as node:
                node.deploy_files("f", "throw new RangeError('never starts');", "--handler", "index.handler",
                                  check=False)
                self.assert_http(node.request("GET", "/f"), status, "init_failed")
                self.assert_unhandled(self.invoke(node, "f", {}), "RangeError", "never starts")

    def test_full_queue(self):
        for errors in ("strict", "truthful"):
            with self.subTest(errors=errors), support.Node("--set", f"errors={errors}", "--set",
                                                           "queue.max_calls=2") as node:
                node.deploy_files("f", HANDLER, "--max-instances", "1", "--timeout-s", "20")

                def call(i, node=node):
                    return (node.request("GET", "/f?act=sleep") if i % 2 == 0 else
                            self.invoke(node, "f", {"act": "sleep"}))
                answers = support.parallel(12, call)
                by_way = [[answer for answer in answers[way::2] if answer[0] != 200] for way in (0, 1)]
                self.assertTrue(by_way[0] and by_way[1], [answer[0] for answer in answers])
                for answer in by_way[0]:
                    self.assert_http(answer, 503, "overloaded")
                for answer in by_way[1]:
                    self.assert_refused(answer, 429, "TooManyRequestsException", "ConcurrentInvocationLimitExceeded")

    def test_throttled_by_max_instances(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER, "--max-instances", "2", "--timeout-s", "20")
            answers = support.parallel(8, lambda _: node.request("GET", "/f?act=sleep"))
            refused = [answer for answer in answers if answer[0] != 200]
            self.assertEqual(len({answer[2] for answer in answers if answer[0] == 200}), 2, "two instances at most")
            self.assertTrue(refused, "eight calls of 1.5 s on two instances, and none waited longer than 1 s")
            for answer in refused:
                self.assert_http(answer, 503, "overloaded")

    def test_one_gigabyte_takes_nobody_along(self):
        with support.Node() as node:
            node.deploy_files("neighbor", HANDLER)
            node.deploy_files("f", HANDLER, "--timeout-s", "20")
            pid = node.request("GET", "/neighbor")[2]
            with Neighbor(node, "neighbor") as neighbor:
                for _ in range(3):
                    self.assert_http(node.request("GET", "/f?act=memory"), 500, "memory_exceeded")
                    support.wait_until(lambda: node.request("GET", "/f")[0] == 200, "f runs again", 10)
            self.assertEqual((neighbor.failed, node.request("GET", "/neighbor")[2]), ([], pid))
            reports = [line for line in node.logs("f") if re.search("Runtime.OutOfMemory", line)]
            self.assertEqual(len(reports), 3, node.logs("f"))


if __name__ == "__main__":
    unittest.main()
