"""A line in the log for each request, whoever reads the log and however slowly."""
import concurrent.futures
import json
import os
import pty
import re
import time
import unittest

import support
import wire
from metrics import metrics_of, total, values

HANDLER = """exports.handler = async (event) => {
  const {status, ms} = event.queryStringParameters ?? {};
  if (event.rawPath.endsWith('/fail')) throw new Error('on purpose');
  if (ms) await new Promise((done) => setTimeout(done, Number(ms)));
  return {statusCode: Number(status ?? 200), body: 'fine'};
};
"""


def requests_of(text):
    """The lines about requests in a log of JSON lines."""
    return [json.loads(line) for line in text.splitlines() if '"event":"request"' in line]


def requests_logged(node, count):
    """The lines of the access log, once there are `count`."""
    def lines():
        found = requests_of(node.log())
        return found if len(found) >= count else None
    return support.wait_until(lines, f"{count} lines of requests")


def node_with_log_at(path, *flags):
    """A node whose standard error is this file, pipe or terminal."""
    return support.Node(*flags, prefix=["sh", "-c", 'exec "$@" 2>"$0"', path])


class AccessLogTest(unittest.TestCase):
    def test_each_request_has_a_line(self):
        with support.Node() as node:
            node.deploy_files("shop", HANDLER, "--route", "GET /shop/{what}")
            _, headers, _ = node.request("GET", "/shop/a?secret=1&ms=30")
            node.request("GET", "/nowhere")
            node.request("GET", "/shop/fail")
            node.request("HEAD", "/nowhere")
            first, second, third, fourth = requests_logged(node, 4)
        self.assertEqual((first["method"], first["path"], first["route"], first["function"], first["status"]),
                         ("GET", "/shop/a", "GET /shop/{what}", "shop", 200))
        self.assertEqual((first["request_id"], first["peer"], first["cause"], first["level"]),
                         (headers["apigw-requestid"], "127.0.0.1", "", "info"))
        self.assertRegex(first["invocation_id"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual(first["bytes"], len("fine"))
        self.assertGreaterEqual(first["run_ms"], 29)
        self.assertGreaterEqual(first["total_ms"], first["queue_ms"] + first["run_ms"] - 1)
        self.assertNotIn("secret", json.dumps(first))
        self.assertEqual((second["path"], second["status"], second["cause"], second["function"]),
                         ("/nowhere", 404, "no_such_route", ""))
        self.assertEqual((third["status"], third["cause"], third["level"]), (500, "function_error", "warning"))
        self.assertGreater(second["bytes"], 0)
        self.assertEqual((fourth["method"], fourth["status"], fourth["bytes"]), ("HEAD", 404, 0))

    def test_the_line_of_a_request_that_waited_for_a_start_says_how_long(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            node.terminate()
            node.start()
            _, headers, _ = node.request("GET", "/f", headers={"x-troupe-timing": "1"})
            line, = requests_logged(node, 1)
        self.assertGreater(line["cold_ms"], 0)
        self.assertGreaterEqual(line["queue_ms"], line["cold_ms"])
        self.assertGreaterEqual(line["total_ms"], line["queue_ms"])
        told = dict(re.findall(r"(\w+);dur=([\d.]+)", headers["server-timing"]))
        for name in ("queue", "cold", "run"):
            self.assertAlmostEqual(float(told[name]), line[name + "_ms"], delta=0.002)

    def test_the_wait_of_a_call_that_is_refused_shows_in_answer_log_and_metrics(self):
        with support.Node("--set", "queue.max_age=300ms", "--set", "queue.shedding=off") as node, \
                node.connect() as runs:
            node.deploy_files("f", HANDLER, "--max-instances", "1")
            runs.send(wire.get("/f?ms=2000"))
            support.wait_until(lambda: any(line.startswith("START ") for line in node.logs("f")), "start of the call")
            status, headers, _ = node.request("GET", "/f", headers={"x-troupe-timing": "1"})
            line, = requests_logged(node, 1)
            seen = metrics_of(node)
            self.assertEqual(runs.response().status, 200)
        self.assertEqual((status, headers["x-troupe-error"]), (503, "overloaded"))
        self.assertGreaterEqual(line["queue_ms"], 300)
        self.assertGreaterEqual(line["total_ms"], line["queue_ms"])
        told = dict(re.findall(r"(\w+);dur=([\d.]+)", headers["server-timing"]))
        self.assertAlmostEqual(float(told["queue"]), line["queue_ms"], delta=0.002)
        self.assertEqual((line["cold_ms"], line["run_ms"]), (0, 0))
        self.assertGreaterEqual(total(seen, "troupe_http_queue_duration_seconds_sum", function="f"), 0.3)

    def test_what_a_call_waited_for_another_instance_is_no_cold_start(self):
        with support.Node("--set", "queue.max_age=60s", "--set", "queue.shedding=off") as node, node.connect() as hangs:
            node.deploy_files("f", HANDLER, "--max-instances", "1", "--timeout-s", "2")
            hangs.send(wire.get("/f?ms=60000"))
            support.wait_until(lambda: any(line.startswith("START ") for line in node.logs("f")), "start of the call")
            began = time.monotonic()
            self.assertEqual(node.request("GET", "/f?status=201")[0], 201)
            took_ms = 1000 * (time.monotonic() - began)
            self.assertEqual(hangs.response().header("x-troupe-error"), "function_timeout")
            waited, = [line for line in requests_logged(node, 2) if line["status"] == 201]
            seen = metrics_of(node)
        self.assertGreater(waited["cold_ms"], 0)
        self.assertLess(waited["cold_ms"], waited["queue_ms"])
        self.assertGreaterEqual(took_ms, waited["queue_ms"])
        # The rest of the two seconds that the other call had.
        self.assertGreater(waited["queue_ms"] - waited["cold_ms"], 500)
        self.assertEqual(total(seen, "troupe_http_cold_starts_total", function="f"), 1)

    def test_the_line_of_a_refused_request_says_what_was_read_of_it(self):
        refused = (
            (b"GET /bad?secret=1 HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n", ("GET", "/bad", 400)),
            (b"POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
             ("POST", "/chunks", 400)),
            (b"GET /long HTTP/1.1\r\nx: " + b"y" * 20_000, ("GET", "/long", 431)),
            (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", ("GET", "", 414)),
            (b"GE\x01T / HTTP/1.1\r\n\r\n", ("", "", 400)))
        with support.Node() as node:
            for sent, _ in refused:
                with node.connect() as client:
                    client.send(sent)
                    client.response()
            lines = requests_logged(node, len(refused))
        self.assertEqual([(each["method"], each["path"], each["status"]) for each in lines],
                         [expected for _, expected in refused])
        self.assertNotIn("secret", json.dumps(lines))

    def test_it_can_be_thinned_and_switched_off(self):
        with support.Node("--set", "log.access_one_in=10") as node:
            for _ in range(20):
                node.request("GET", "/nowhere")
            node.terminate()
            self.assertEqual(len(requests_logged(node, 2)), 2)

    def test_off_writes_nothing_of_any_request(self):
        with support.Node("--set", "log.access=off") as node:
            node.deploy_files("f", HANDLER)
            ids = [node.request("GET", path)[1]["apigw-requestid"]
                   for path in ("/f", "/f/fail", "/f?status=no", "/nowhere")]
            node.terminate()
            for word in (*ids, '"event":"request"', '"level":"warning"'):
                self.assertNotIn(word, node.log())

    def test_a_failed_call_has_one_line_with_what_went_wrong(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            ids = [node.request("GET", path)[1]["apigw-requestid"] for path in ("/f/fail", "/f?status=no", "/f")]
            thrown, malformed, well = requests_logged(node, 3)
            node.terminate()
            for each in ids:
                self.assertEqual(node.log().count(each), 1)
        self.assertEqual((thrown["cause"], thrown["detail"]), ("function_error", "Error"))
        self.assertEqual(malformed["cause"], "malformed_answer")
        self.assertIn("statusCode", malformed["detail"])
        self.assertEqual(well["detail"], "")

    def test_failures_alone_can_be_logged(self):
        with support.Node("--set", "log.access=failed", "--set", "log.access_one_in=10") as node:
            node.deploy_files("f", HANDLER)
            for path in ("/f", "/nowhere", "/f/fail", "/f?status=599"):
                node.request("GET", path)
            node.terminate()
            self.assertEqual([line["status"] for line in requests_of(node.log())], [500, 599])

    def test_a_terminal_gets_lines_for_people(self):
        ours, theirs = pty.openpty()
        try:
            with node_with_log_at(os.ttyname(theirs)) as node:
                node.request("GET", "/no where".replace(" ", "%20"))
                seen = ""
                while "/no%20where" not in seen or not seen.endswith("\n"):
                    seen += os.read(ours, 4096).decode()
        finally:
            os.close(ours)
            os.close(theirs)
        line, = [line for line in seen.splitlines() if " request " in line]
        self.assertRegex(line, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    request method=GET path=/no%20where '
                               r'status=404 route="" function="" cause=no_such_route bytes=\d+ total_ms=')
        self.assertNotIn("{", seen)


class StoppedReaderTest(unittest.TestCase):
    """The log goes to a pipe that nobody reads for a while."""
    # What lies in the pipe and in the node until lines are lost is some megabytes: long paths are a shorter way there.
    PATH = "/" + "x" * 8000
    CLIENTS, REQUESTS = 4, 400

    def setUp(self):
        self.pipe = os.path.join(self.enterContext(support.TempDir()), "log")
        os.mkfifo(self.pipe)
        self.reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(lambda: os.close(self.reader))
        self.node = self.enterContext(node_with_log_at(self.pipe))
        os.set_blocking(self.reader, True)

    def ask(self, _):
        with self.node.connect() as client:
            return [client.exchange(wire.get(self.PATH)).status for _ in range(self.REQUESTS)]

    def lost(self):
        return total(metrics_of(self.node), "troupe_log_lines_dropped_total")

    def read_into(self, lines):
        with open(self.reader, closefd=False, encoding="utf-8") as log:
            lines.extend(log)

    def test_no_request_waits_and_each_line_is_written_or_counted_as_lost(self):
        count = self.CLIENTS * self.REQUESTS
        answers = support.parallel(self.CLIENTS, self.ask)
        self.assertEqual(answers, [[404] * self.REQUESTS] * self.CLIENTS)
        support.wait_until(lambda: self.lost() > 0, "lost lines are counted")
        self.assertEqual(self.node.request("GET", "/after")[0], 404)

        lines = []
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            reading = threads.submit(self.read_into, lines)
            support.wait_until(lambda: sum('"event":"request"' in line for line in list(lines)) + self.lost() == count + 1,
                               "each line is written or counted")
            self.node.terminate()
            reading.result(support.PATIENCE_S)
        for line in lines:
            json.loads(line)


class HeadersTest(unittest.TestCase):
    """What each answer says of itself: its id, its cause if it failed, its times if they were asked for."""

    def test_every_answer_has_an_id_of_its_own(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            with node.connect() as client:
                answers = [client.exchange(wire.get(path)) for path in ("/f", "/f/fail", "/nowhere", "/f")]
                answers.append(client.exchange("GET /%00 HTTP/1.1\r\nhost: a\r\n\r\n"))
            for broken in ("nonsense\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nx: " + "y" * 20000 + "\r\n\r\n"):
                with node.connect() as client:
                    answers.append(client.exchange(broken))
            lines = requests_logged(node, len(answers))
        self.assertEqual([answer.status for answer in answers], [200, 500, 404, 200, 400, 400, 431])
        ids = [answer.header("apigw-requestid") for answer in answers]
        self.assertEqual(len(set(ids)), len(ids))
        for each in ids:
            self.assertRegex(each, r"\A[A-Za-z0-9_\-]{15}=\Z")
        self.assertEqual({line["request_id"] for line in lines}, set(ids))

    def test_header_log_and_metrics_name_the_same_cause(self):
        with support.Node() as node:
            node.deploy_files("f", HANDLER)
            answers = [node.request("GET", path) for path in ("/f", "/f/fail", "/f?status=no", "/nowhere")]
            lines = requests_logged(node, len(answers))
            causes = [headers.get("x-troupe-error", "") for _, headers, _ in answers]
            self.assertEqual(causes, ["", "function_error", "malformed_answer", "no_such_route"])
            self.assertEqual([line["cause"] for line in lines], causes)
            self.assertEqual(values(metrics_of(node), "troupe_http_request_errors_total", "cause"),
                             {cause: 1 for cause in causes if cause})

    def test_so_do_those_of_what_is_refused_before_it_has_a_route(self):
        late = "POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"
        head = " /refused HTTP/1.1\r\nhost: a\r\n"
        refused = (
            ("GET" + head + "bad name: x\r\n\r\n", 400, "bad_request", "a malformed field name"),
            ("TRACE" + head + "\r\n", 405, "method_not_allowed", "CONNECT and TRACE are not served"),
            (late, 408, "request_timeout", "the request body took too long"),
            ("POST" + head + "content-length: 99999999999\r\n\r\n", 413, "content_too_large", "the body is too long"),
            ("GET /" + "x" * 9000 + " HTTP/1.1\r\nhost: a\r\n\r\n", 414, "uri_too_long", "the target is too long"),
            ("POST" + head + "expect: tea\r\ncontent-length: 1\r\n\r\n", 417, "expectation_failed",
             "an unknown expectation"),
            ("GET" + head + "x: " + "y" * 20_000, 431, "request_header_fields_too_large", "the head is too long"),
            ("BREW" + head + "\r\n", 501, "not_implemented", "an unknown method"),
            ("GET / HTTP/2.0\r\nhost: a\r\n\r\n", 505, "http_version_not_supported",
             "only HTTP/1.1 and HTTP/1.0 are served"))
        with support.Node("--set", "edge.body_progress_timeout=1s") as node:
            answers = []
            for sent, *_ in refused:
                with node.connect() as client:
                    answers.append(client.exchange(sent))
            lines = requests_logged(node, len(refused))
            counted = values(metrics_of(node), "troupe_http_request_errors_total", "cause")
        expected = [(status, cause) for _, status, cause, _ in refused]
        self.assertEqual([(each.status, each.header("x-troupe-error")) for each in answers], expected)
        self.assertEqual([(line["status"], line["cause"]) for line in lines], expected)
        self.assertEqual([line["detail"] for line in lines], [detail for *_, detail in refused])
        self.assertEqual(counted, {cause: 1 for _, cause in expected})
        self.assertEqual(answers[1].header("allow"), "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")

    def test_times_can_be_in_every_answer_of_a_function(self):
        with support.Node("--set", "timing=always") as node:
            node.deploy_files("f", HANDLER)
            pattern = re.compile(r"^queue;dur=\d+\.\d{3}, cold;dur=\d+\.\d{3}, run;dur=\d+\.\d{3}$")
            for path in ("/f", "/f/fail"):
                self.assertRegex(node.request("GET", path)[1]["server-timing"], pattern)
            self.assertNotIn("server-timing", node.request("GET", "/nowhere")[1])


if __name__ == "__main__":
    unittest.main()
