"""One connection over its life: order of pipelined answers, keep-alive, Expect, HEAD, half-closed clients."""
import os
import select
import unittest

import support
import wire
from wire import CHUNKED, get, post

SLOW = """
exports.handler = async (event) => {
  await new Promise((done) => setTimeout(done, 300));
  return { statusCode: 200, body: event.rawPath };
};
"""


class ConnectionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = support.TempDir()
        try:
            source = os.path.join(cls.folder.__enter__(), "slow")
            support.write_files(source, {"index.js": SLOW})
            cls.node = support.Node()
            wire.deploy_hello(cls.node)
            cls.node.deploy(source, "--runtime", "nodejs20", "--handler", "index.handler", "--name", "slow",
                            "--concurrency", "4")
            cls.fence = wire.Fence(cls.node)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for name in ("fence", "node"):
            if hasattr(cls, name):
                getattr(cls, name).close()
        cls.folder.__exit__()

    def connect(self):
        client = self.node.connect()
        self.addCleanup(client.close)
        return client

    def assert_only_and_closed(self, status, responses):
        self.assertEqual([(answer.status, answer.header("connection")) for answer in responses], [(status, "close")])

    def assert_stays_open(self, client):
        self.assertEqual(client.exchange(get()).status, 200)

    # Pipelining.

    MIXED = [
        (get("/hello/ada"), 200, b'{"message":"Hello, world!"}'),
        (post(b"length"), 200, b"length"),
        (b"POST /hello HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n4\r\nchun\r\n3\r\nked\r\n0\r\n\r\n", 200, b"chunked"),
        (b"POST /hello HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n2;a=b\r\nex\r\n0\r\nT: v\r\n\r\n", 200, b"ex"),
        (post(b""), 200, b""),
        (post(b"\r\n\r\nGET / HTTP/1.1"), 200, b"\r\n\r\nGET / HTTP/1.1"),
    ]

    def test_six_requests_of_mixed_framing_in_one_segment(self):
        client = self.connect().send(b"".join(request for request, _, _ in self.MIXED))
        for request, status, body in self.MIXED:
            answer = client.response()
            self.assertEqual((answer.status, answer.body), (status, body), request)
        self.assert_stays_open(client)

    def test_the_same_cut_everywhere(self):
        whole = b"".join(request for request, _, _ in self.MIXED) + wire.LAST
        expected = [(status, body) for _, status, body in self.MIXED]
        for begin in range(1, len(whole), 100):
            cuts = range(begin, min(begin + 100, len(whole)))
            results = wire.converse(self.node, self.fence, [[whole[:at], whole[at:]] for at in cuts])
            for at, result in zip(cuts, results):
                self.assertIsInstance(result, list, f"cut at {at}: {result}")
                self.assertEqual([(answer.status, answer.body) for answer in result[:-1]], expected, f"cut at {at}")
                self.assertEqual(result[-1].status, 404)

    def test_slow_answers_keep_their_order(self):
        client = self.connect().send(get("/slow/1") + get("/hello") + get("/slow/2") + post(b"x"))
        self.assertEqual([client.response().body for _ in range(4)],
                         [b"/slow/1", b'{"message":"Hello, world!"}', b"/slow/2", b"x"])

    def test_more_than_64_kib_pipelined_behind_a_running_request(self):
        count, body = 300, b"b" * 1000
        client = self.connect()
        client.send(get("/slow/1"))
        client.send(b"".join(post(b"%06d" % number + body) for number in range(count)))

        self.assertEqual(client.response().body, b"/slow/1")
        for number in range(count):
            answer = client.response()
            self.assertEqual((answer.status, answer.body[:6], len(answer.body)), (200, b"%06d" % number, 1006))
        self.assert_stays_open(client)

    def test_what_waits_behind_a_running_request_is_bounded(self):
        # Nothing is refused: reading stops, and the client's own socket fills up.
        client = self.connect()
        client.send(get("/slow/1"))
        block = post(b"b" * 60_000) * 20
        sent = 0
        with wire.Spending(self.node.pid) as spent:
            client.socket.setblocking(False)
            while sent < 64 * len(block) and select.select([], [client.socket], [], 0.05)[1]:
                sent += client.socket.send(block[sent % len(block):])
            client.socket.settimeout(support.PATIENCE_S)
        self.assertLess(spent.peak_growth, 4 * 1024 * 1024)
        self.assertEqual(client.response().body, b"/slow/1")
        for _ in range(sent * 20 // len(block)):
            self.assertEqual(client.response().status, 200)

    # Keep-alive.

    def test_http_1_1_stays_open_unless_told(self):
        client = self.connect()
        for _ in range(3):
            self.assertIsNone(client.exchange(get()).header("connection"))
        self.assertIsNone(client.exchange(get("/hello", "Connection: foo, keep-alive")).header("connection"))
        self.assertEqual(client.exchange(get("/hello", "Connection: close")).header("connection"), "close")
        self.assertTrue(client.is_closed())

    def test_close_in_any_connection_field_counts(self):
        for fields in (["Connection: keep-alive, close"], ["Connection: Close"], ["Connection: ,close,"],
                       ["Connection: foo", "Connection: close"]):
            with self.subTest(fields=fields):
                responses = self.connect().send(get("/hello", *fields) + get()).responses()
                self.assert_only_and_closed(200, responses)

    def test_http_1_0_closes_unless_told(self):
        request = b"GET /hello HTTP/1.0\r\n"
        for fields in (b"", b"Host: a\r\n", b"Connection: keep-alive, close\r\n", b"Connection: foo\r\n"):
            with self.subTest(fields=fields):
                responses = self.connect().send(request + fields + b"\r\n").responses()
                self.assert_only_and_closed(200, responses)
        client = self.connect()
        for _ in range(2):
            answer = client.exchange(request + b"Connection: Keep-Alive\r\n\r\n")
            self.assertEqual((answer.status, answer.header("connection")), (200, "keep-alive"))
        self.assert_stays_open(client)

    def test_http_1_0_is_never_answered_in_chunks(self):
        answer = self.connect().exchange(b"POST /hello HTTP/1.0\r\nContent-Length: 100000\r\n\r\n", b"b" * 100_000)
        self.assertIsNone(answer.header("transfer-encoding"))
        self.assertEqual(len(answer.body), 100_000)

    # Expect (BT24).

    EXPECT = b"POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

    def test_bt24_continue_is_sent_when_the_client_waits(self):
        chunked = b"POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n" + CHUNKED + b"\r\n"
        for head, body in ((self.EXPECT, b"hello"), (chunked, b"5\r\nhello\r\n0\r\n\r\n")):
            with self.subTest(head=head):
                client = self.connect()
                self.assertEqual(client.exchange(head).status, 100)
                answer = client.exchange(body)
                self.assertEqual((answer.status, answer.body), (200, b"hello"))
                self.assert_stays_open(client)

    def test_bt24_continue_exactly_when_the_segment_ends_with_the_head(self):
        whole = self.EXPECT + b"hello" + wire.LAST
        cuts = range(1, len(self.EXPECT) + 5)
        results = wire.converse(self.node, self.fence, [[whole[:at], whole[at:]] for at in cuts])
        for at, result in zip(cuts, results):
            with self.subTest(at=at):
                self.assertIsInstance(result, list, result)
                expected = [100, 200, 404] if at == len(self.EXPECT) else [200, 404]
                self.assertEqual([answer.status for answer in result], expected)

    def test_bt24_no_continue_when_the_body_is_there(self):
        answer = self.connect().exchange(self.EXPECT + b"hello")
        self.assertEqual((answer.status, answer.body), (200, b"hello"))

    def test_bt24_too_large_is_refused_before_the_upload(self):
        head = b"POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10000001\r\n\r\n"
        responses = self.connect().send(head).responses()
        self.assert_only_and_closed(413, responses)

    def test_bt24_http_1_0_and_no_body_get_no_continue(self):
        client = self.connect()
        client.send(b"POST /hello HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        self.fence.wait()
        self.assertEqual([answer.status for answer in client.send(b"hello").responses()], [200])
        for fields in ((), ("Content-Length: 0",)):
            client = self.connect()
            self.assertEqual(client.exchange(get("/hello", "Expect: 100-continue", *fields)).status, 200)
            self.assert_stays_open(client)

    def test_another_expectation_is_417(self):
        responses = self.connect().send(get("/hello", "Expect: miracles")).responses()
        self.assertEqual([answer.status for answer in responses], [417])

    def test_continue_follows_the_answers_of_earlier_requests(self):
        client = self.connect().send(get("/slow/1") + self.EXPECT)
        self.assertEqual([client.response().status for _ in range(2)], [200, 100])
        self.assertEqual(client.exchange(b"hello").body, b"hello")

    # Methods and routes.

    def test_head_has_the_fields_of_get_and_no_body(self):
        client = self.connect()
        answer = client.exchange(get().replace(b"GET", b"HEAD"), to="HEAD")
        self.assertEqual((answer.status, answer.header("content-length")), (200, "27"))
        self.assert_stays_open(client)
        missing = client.exchange(get("/unknown").replace(b"GET", b"HEAD"), to="HEAD")
        self.assertEqual((missing.status, missing.header("content-length")), (404, "23"))
        self.assert_stays_open(client)

    def test_unknown_route(self):
        client = self.connect()
        for path in ("/unknown", "/", "/hell", "/hello2", "//hello", "/Hello", "/hello%2Fx"):
            answer = client.exchange(get(path))
            self.assertEqual((answer.status, answer.body), (404, b'{"message":"Not Found"}'), path)
            self.assertEqual(answer.header("content-type"), "application/json")
            self.assertRegex(answer.header("apigw-requestid"), r"^[A-Za-z0-9_\-]{15}=$")
        self.assertEqual(client.exchange(post(b"body", "/unknown")).status, 404)
        self.assert_stays_open(client)

    def test_options_of_the_server_is_no_route(self):
        client = self.connect()
        self.assertEqual(client.exchange(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 404)
        self.assert_stays_open(client)
        self.assert_only_and_closed(400, client.send(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n").responses())

    # The end of the client.

    def test_half_closed_client_gets_all_its_answers(self):
        client = self.connect().send(get("/slow/1") + get() + get("/slow/2") + post(b"last")).half_close()
        self.assertEqual([answer.body for answer in client.responses()],
                         [b"/slow/1", b'{"message":"Hello, world!"}', b"/slow/2", b"last"])

    def test_half_closed_client_gets_a_large_answer(self):
        body = b"b" * 5_000_000
        self.assertEqual(self.connect().send(post(body)).half_close().response().body, body)

    def test_half_closed_while_the_call_runs(self):
        client = self.connect().send(get("/slow/1"))
        self.fence.wait()
        self.assertEqual([answer.body for answer in client.half_close().responses()], [b"/slow/1"])

    def test_half_a_request_and_an_end_is_no_request(self):
        for piece in (b"", b"GET /hello HT", post(b"hello")[:-1]):
            with self.subTest(piece=piece):
                self.assertEqual(self.connect().send(piece).half_close().responses(), [])
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)

    def test_clients_that_vanish_disturb_nobody(self):
        for request in (get("/slow/1"), post(b"b" * 1_000_000), b"GET /hello HT", b""):
            for _ in range(10):
                client = self.node.connect()
                client.socket.setsockopt(support.socket.SOL_SOCKET, support.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.send(request)
                client.close()
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)


if __name__ == "__main__":
    unittest.main()
