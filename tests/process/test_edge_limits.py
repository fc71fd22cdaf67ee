"""Limits of the edge: each over it is one clear refusal with a clean end, and one below it is served."""
import unittest

import support
import wire
from metrics import metrics_of, total, values

BODY = 10_000_000


def head_of(bytes_in_all, fields=3):
    """A GET whose head has exactly this many bytes, and this many fields."""
    start = b"GET /hello HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * (fields - 2)
    return start + b"P: " + b"p" * (bytes_in_all - len(start) - 7) + b"\r\n\r\n"


class LimitsTest(wire.HelloNodeTest):
    def answer(self, *pieces):
        with self.node.connect() as client:
            return client.exchange(*pieces)

    def assert_refused(self, status, *pieces):
        with self.node.connect() as client:
            responses = client.send(*pieces).responses()
        self.assertEqual([response.status for response in responses], [status])
        self.assertEqual(responses[0].header("connection"), "close")
        self.assertEqual(responses[0].header("content-type"), "application/json")
        self.assertIn("message", responses[0].json())
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)

    def test_head(self):
        self.assertEqual(len(head_of(10_240)), 10_240)
        self.assertEqual(self.answer(head_of(10_240)).status, 200)
        self.assert_refused(431, head_of(10_241))
        self.assert_refused(431, head_of(20_000)[:9_000], head_of(20_000)[9_000:])
        self.assert_refused(431, b"GET /hello HTTP/1.1\r\nHost: a\r\nP: " + b"p" * 300_000)

    def test_number_of_fields(self):
        self.assertEqual(self.answer(head_of(1000, fields=100)).status, 200)
        self.assert_refused(431, head_of(1000, fields=101))

    def test_ten_thousand_headers(self):
        self.assert_refused(431, head_of(70_000, fields=10_000))

    def test_target(self):
        longest = b"/hello/" + b"x" * (8_192 - 7)
        self.assertEqual(self.answer(b"GET " + longest + b" HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
        self.assertEqual(self.answer(b"GET /hello?" + longest[7:] + b" HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
        self.assert_refused(414, b"GET /hello?" + longest[7:] + b"x HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assert_refused(414, b"GET " + longest + b"x HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assert_refused(414, b"GET /" + b"x" * 50_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_body_of_known_length(self):
        answer = self.answer(wire.post(b"b" * BODY))
        self.assertEqual((answer.status, len(answer.body)), (200, BODY))
        self.assert_refused(413, f"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY + 1}\r\n\r\n")

    def test_chunked_body(self):
        head = b"POST /hello HTTP/1.1\r\nHost: a\r\n" + wire.CHUNKED + b"\r\n"
        answer = self.answer(head, f"{BODY:x}\r\n", b"b" * BODY, b"\r\n0\r\n\r\n")
        self.assertEqual((answer.status, len(answer.body)), (200, BODY))
        self.assert_refused(413, head, f"{BODY + 1:x}\r\n")
        self.assert_refused(413, head, f"{BODY:x}\r\n", b"b" * BODY, b"\r\n1\r\n")

    def test_refusal_reaches_a_client_that_sends_its_body_nevertheless(self):
        # Up to what the node takes behind a refusal no send fails either.
        for size in (1, 1000, 100_000, 500_000):
            with self.subTest(size=size):
                self.assert_refused(413, f"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY + size}\r\n\r\n",
                                    b"b" * size)
                self.assert_refused(400, b"POST /hello HTTP/1.1\r\nHost: a, b\r\n\r\n", b"b" * size)

    def test_refusal_reaches_a_client_that_sends_far_too_much(self):
        for head, status in ((f"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: {5 * BODY}\r\n\r\n".encode(), 413),
                             (b"POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400)):
            with self.subTest(status=status):
                responses, _ = wire.flood(self.node, head, b"b" * 1_000_000, 50)
                self.assertEqual([response.status for response in responses], [status])

    def test_refusal_behind_an_answer_in_the_same_segment(self):
        responses, _ = wire.flood(self.node, wire.get() + b"GET / HTTP/1.1\r\n\r\n", b"b" * 10_000, 50)
        self.assertEqual([response.status for response in responses], [200, 400])


class RaisedLimitsTest(unittest.TestCase):
    def test_a_body_larger_than_all_that_may_wait_is_served(self):
        size = 70_000_000  # more than the 64 MiB of bodies that wait for one function
        flags = ("--memory-mb", "1024", "--timeout-s", "30")
        with support.Node("--set", "edge.max_body_bytes=100MB", "--set", "worker.max_payload_bytes=100MB") as node:
            python = "def lambda_handler(event, _):\n    return len(event['body'])\n"
            node.deploy_files("js", "exports.handler = async (event) => event.body.length;", *flags)
            node.deploy_files("py", {"lambda_function.py": python}, *flags)
            for name in ("js", "py"):
                status, _, body = node.request("POST", f"/{name}", b"b" * size, {"content-type": "text/plain"})
                self.assertEqual((status, body), (200, str(size).encode()), name)


class ConnectionsTest(unittest.TestCase):
    def setUp(self):
        self.clients = []
        self.addCleanup(lambda: [client.close() for client in self.clients])

    def connect(self, node):
        self.clients.append(node.connect())
        return self.clients[-1]

    def test_those_above_the_limit_are_told_503_and_it_recovers(self):
        with support.Node("--set", "edge.max_connections=8") as node:
            wire.deploy_hello(node)
            # The deployment's own connection went to the admin port, which has a limit of its own.
            within = [self.connect(node) for _ in range(8)]
            for client in within:
                self.assertEqual(client.exchange(wire.get()).status, 200)

            for _ in range(3):
                above = [self.connect(node) for _ in range(40)]
                for client in above:
                    client.send(wire.get())
                for client in above:
                    answers = client.responses()
                    self.assertEqual([answer.status for answer in answers], [503])
                    self.assertEqual(answers[0].header("connection"), "close")
                    self.assertIsNotNone(answers[0].header("retry-after"))
                for client in above:
                    client.close()

            for client in within:
                self.assertEqual(client.exchange(wire.get()).status, 200)
            self.assertTrue(node.is_ready())
            seen = metrics_of(node)
            self.assertEqual(total(seen, "troupe_http_connections_limit"), 8)
            self.assertEqual(values(seen, "troupe_http_clients_turned_away_total", "reason"), {"connections": 120})
            self.assertEqual(node.log().count("connections_refused"), 1, node.log())
            within[0].close()
            support.wait_until(lambda: node.request("GET", "/hello")[0] == 200, "a free place")

    def test_those_far_above_the_limit_are_closed_and_counted(self):
        with support.Node("--set", "edge.max_connections=8") as node:
            wire.deploy_hello(node)
            within = [self.connect(node) for _ in range(8)]
            for client in within:
                self.assertEqual(client.exchange(wire.get()).status, 200)
            above = [self.connect(node) for _ in range(64 + 30)]
            turned_away = lambda: values(metrics_of(node), "troupe_http_clients_turned_away_total", "reason")
            support.wait_until(lambda: turned_away() == {"connections": len(above)}, "all are counted")
            for client in above:
                self.assertTrue(client.is_closed())
            for client in within:
                self.assertEqual(client.exchange(wire.get()).status, 200)
            self.assertEqual(node.log().count("connections_refused"), 1, node.log())

    def test_running_out_of_descriptors_is_survived_and_logged_once(self):
        few = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")
        with support.Node("--set", "edge.max_connections=1000", prefix=few) as node:
            wire.deploy_hello(node)
            clients = [self.connect(node) for _ in range(100)]
            support.wait_until(lambda: "descriptors_exhausted" in node.log(), "report of the exhaustion")
            for client in clients:
                client.send(wire.get("/hello", "Connection: close"))

            # Each gets its answer or is told to come back: places become free as the others are served.
            answers = [client.response() for client in clients]

            statuses = {answer.status for answer in answers}
            self.assertLessEqual(statuses, {200, 503})
            for answer in answers:
                if answer.status == 503:
                    self.assertEqual((answer.header("x-troupe-error"), answer.header("retry-after"), answer.json()),
                                     ("overloaded", "1", {"message": "Service Unavailable"}))
            self.assertIn(200, statuses)
            for client in clients:
                client.close()
            for _ in range(10):
                self.assertEqual(node.request("GET", "/hello")[0], 200)
            self.assertTrue(node.is_ready())
            self.assertEqual(node.log().count("descriptors_exhausted"), 1, node.log())
            self.assertEqual(values(metrics_of(node), "troupe_http_clients_turned_away_total", "reason"),
                             {"descriptors": sum(answer.status == 503 for answer in answers)})


if __name__ == "__main__":
    unittest.main()
