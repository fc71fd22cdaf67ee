"""What clients see when functions fail, in both modes of `errors`, and that a failure stays with its own call."""
import json
import os
import time
import unittest

import support

HANDLER = """
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
exports.handler = async (event) => {
  const {act, ms} = event.queryStringParameters ?? {};
  if (act === 'throw') throw new TypeError('secret detail');
  if (act === 'exit') process.exit(Number(ms ?? 0));
  if (act === 'kill') process.kill(process.pid, 'SIGKILL');
  if (act === 'abort') process.abort();
  if (act === 'spin') for (;;) ;
  if (act === 'never') return new Promise(() => setInterval(() => {}, 1000));
  if (act === 'reject') { Promise.reject(new Error('nobody looks')); await sleep(5000); }
  if (act === 'uncaught') { setTimeout(() => { throw new Error('nobody catches'); }, 1); await sleep(5000); }
  if (act === 'malformed') return {statusCode: 'x'};
  if (act === 'sleep') await sleep(Number(ms));
  return {statusCode: 200, body: String(process.pid)};
};"""

MESSAGES = {413: "Request Entity Too Large", 500: "Internal Server Error", 502: "Bad Gateway",
            503: "Service Unavailable",
            504: "Gateway Timeout"}
CAUSES = {"throw": "function_error", "exit": "function_crashed", "exit&ms=3": "function_crashed",
          "kill": "function_crashed",
          "abort": "function_crashed", "reject": "function_error", "uncaught": "function_error",
          "malformed": "malformed_answer"}


class FailureCase(unittest.TestCase):
    def assert_error(self, answer, status, cause):
        got, headers, body = answer
        self.assertEqual((got, body), (status, b'{"message":"%s"}' % MESSAGES[status].encode()))
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["x-troupe-error"], cause)
        self.assertIn("apigw-requestid", headers)

    def pid_of(self, node, path="/f"):
        """The worker that answers: a replacement may still be starting, during which calls wait."""
        status, _, body = node.request("GET", path)
        self.assertEqual(status, 200, body)
        return int(body)


class StatusTest(FailureCase):
    def check(self, node, expected, acts):
        for act in acts:
            with self.subTest(act=act):
                self.assert_error(node.request("GET", f"/f?act={act}"), expected, CAUSES[act])
                self.pid_of(node)

    def test_strict(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            self.check(node, 500, CAUSES)

    def test_truthful(self):
        with support.Node("--set", "errors=truthful") as node:
            node.deploy_files("f", HANDLER)
            node.deploy_files("slow", HANDLER, "--timeout-s", "0.3")
            self.check(node, 502, ("throw", "kill", "malformed"))
            self.assert_error(node.request("GET", "/slow?act=never"), 504, "function_timeout")
            broken = node.deploy_files("broken", "throw new Error('at load')", "--handler", "index.handler",
                                       check=False)
            self.assertEqual(broken.returncode, 1)
            self.assert_error(node.request("GET", "/broken"), 502, "init_failed")

    def test_the_cause_is_in_the_nodes_log_and_not_in_the_answer(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            _, headers, body = node.request("GET", "/f?act=throw")
            self.assertNotIn(b"secret", body)
            line = support.wait_until(lambda: [json.loads(line) for line in node.log().splitlines()
                                               if '"event":"request"' in line],
                                      "the failed call in the node's log")[0]
            self.assertEqual((line["function"], line["cause"], line["detail"], line["request_id"]),
                             ("f", "function_error", "TypeError", headers["apigw-requestid"]))


class TimeoutTest(FailureCase):
    def test_kills_and_replaces_the_worker(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER, "--timeout-s", "1")
            for act in ("spin", "never"):
                with self.subTest(act=act):
                    pid = self.pid_of(node)
                    began = time.monotonic()
                    self.assert_error(node.request("GET", f"/f?act={act}"), 500, "function_timeout")
                    took = time.monotonic() - began
                    self.assertGreaterEqual(took, 0.99)
                    self.assertLess(took, 2.5)
                    support.wait_until(lambda p=pid: not support.is_alive(p), "the end of the worker that timed out", 5)
                    self.assertNotEqual(self.pid_of(node), pid)
            self.assertTrue(any("Task timed out after 1.00 seconds" in line for line in node.logs("f")), node.logs("f"))

    def test_with_overlapping_calls_answers_only_the_late_one(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER, "--timeout-s", "1", "--concurrency", "10")
            pid = self.pid_of(node)
            late, fine = support.parallel(2, lambda i: node.request("GET", "/f?act=" + ("never", "sleep&ms=800")[i]))
            self.assert_error(late, 500, "function_timeout")
            self.assertEqual((fine[0], int(fine[2])), (200, pid))
            support.wait_until(lambda: not support.is_alive(pid), "the end of the worker that timed out", 5)
            self.assertNotEqual(self.pid_of(node), pid)


class CrashTest(FailureCase):
    def test_takes_only_the_calls_of_its_worker(self):
        with support.Node() as node:
            for name in ("bad", "good"):
                node.deploy_files(name, HANDLER, "--concurrency", "10")
            bad, good = self.pid_of(node, "/bad"), self.pid_of(node, "/good")

            def call(i):
                path = "/bad?act=kill" if i == 0 else "/good?act=sleep&ms=200"
                return node.request("GET", path)
            answers = support.parallel(11, call)

            self.assert_error(answers[0], 500, "function_crashed")
            self.assertEqual([(status, int(body)) for status, _, body in answers[1:]], [(200, good)] * 10)
            self.assertNotEqual(self.pid_of(node, "/bad"), bad)

    def test_with_concurrency_1_other_instances_go_on(self):
        with support.Node("--set", "queue.max_age=20s", "--set", "queue.shedding=off") as node:
            node.deploy_files("f", HANDLER, "--timeout-s", "20")

            def hold(i):  # several instances, all busy
                return node.request("GET", "/f?act=sleep&ms=600")
            self.assertEqual({status for status, _, _ in support.parallel(8, hold)}, {200})
            answers = support.parallel(6, lambda i: node.request("GET", "/f?act=" +
                                                                 ("kill" if i == 0 else "sleep&ms=300")))
            self.assert_error(answers[0], 500, "function_crashed")
            self.assertEqual([status for status, _, _ in answers[1:]], [200] * 5)

    def test_is_replaced_before_the_next_call(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            self.assert_error(node.request("GET", "/f?act=exit"), 500, "function_crashed")

            def ready():
                return json.loads(node.run("list", "--json").stdout)["functions"][0]["instances"]["ready"]
            support.wait_until(lambda: ready() == 1, "the replacement of the crashed worker")

    def test_of_an_idle_worker_costs_no_call(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            for _ in range(2):
                pid = self.pid_of(node)
                os.kill(pid, 9)
                support.wait_until(lambda p=pid: not support.is_alive(p), "the end of the killed worker")
                support.wait_until(lambda p=pid: node.request("GET", "/f")[2] not in (b"", str(p).encode()),
                                   "an answer of another worker")
                self.pid_of(node)


class AnswerLimitTest(FailureCase):
    def test_answers_while_the_function_runs_on(self):
        with support.TempDir() as folder, support.Node("--set", "edge.answer_timeout=300ms") as node:
            mark = os.path.join(folder, "ran-to-its-end")
            node.deploy_files("f", f"""
const fs = require('fs');
exports.handler = async (event) => {{
  if (event.rawPath !== '/f/slow') return 'quick ' + event.rawPath;
  await new Promise((done) => setTimeout(done, 1000));
  fs.writeFileSync({json.dumps(mark)}, '');
  return 'late';
}};""", "--concurrency", "10")
            self.assertEqual(node.request("GET", "/f/warm")[0], 200)
            with node.connect() as client:
                began = time.monotonic()
                answer = client.exchange("GET /f/slow HTTP/1.1\r\nhost: a\r\n\r\n")
                self.assertLess(time.monotonic() - began, 0.95)
                self.assertEqual((answer.status, answer.body), (503, b'{"message":"Service Unavailable"}'))
                self.assertEqual(answer.header("x-troupe-error"), "budget_spent")
                # The same connection goes on while the late answer comes in: it must not reach any of these requests.
                count = 0
                while not os.path.exists(mark) or count < 200:
                    count += 1
                    answer = client.exchange(f"GET /f/{count} HTTP/1.1\r\nhost: a\r\n\r\n")
                    self.assertEqual((answer.status, answer.body), (200, f"quick /f/{count}".encode()))

    def test_truthful_status(self):
        with support.Node("--set", "edge.answer_timeout=200ms", "--set", "errors=truthful") as node:
            node.deploy_files("f", HANDLER)
            self.assert_error(node.request("GET", "/f?act=sleep&ms=900"), 504, "budget_spent")


class OverloadTest(FailureCase):
    def test_full_queue(self):
        with support.Node("--set", "queue.max_calls=2") as node:
            node.deploy_files("f", HANDLER, "--timeout-s", "20")
            answers = support.parallel(16, lambda _: node.request("GET", "/f?act=sleep&ms=500"))
            refused = [answer for answer in answers if answer[0] != 200]
            self.assertTrue(refused, "16 calls at once fitted into a queue of 2")
            for answer in refused:
                self.assert_error(answer, 503, "overloaded")
                self.assertEqual(answer[1]["retry-after"], "1")
            self.assertGreaterEqual(len(answers) - len(refused), 3)


class TimingTest(FailureCase):
    def test_on_request(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            value = node.request("GET", "/f?act=sleep&ms=50", headers={"x-troupe-timing": "1"})[1]["server-timing"]
            parts = {part.split(";dur=")[0].strip(): float(part.split(";dur=")[1]) for part in value.split(",")}
            self.assertEqual(set(parts), {"queue", "cold", "run"})
            self.assertGreaterEqual(parts["run"], 49)
            self.assertLess(parts["cold"], 50)
            for headers in ({}, {"x-troupe-timing": "0"}):
                self.assertNotIn("server-timing", node.request("GET", "/f", headers=headers)[1])


class GoneClientTest(FailureCase):
    def test_disturbs_nobody(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER, "--timeout-s", "10")
            pid = self.pid_of(node)
            with node.connect() as client:
                client.send("GET /f?act=sleep&ms=300 HTTP/1.1\r\nhost: a\r\n\r\n")
            self.assertEqual({status for status, _, _ in support.parallel(4, lambda _: node.request("GET", "/f"))},
                             {200})
            self.assertTrue(support.is_alive(pid))


if __name__ == "__main__":
    unittest.main()
