"""From what a Node.js handler returns to the bytes that the client gets, and the statuses of what goes wrong."""
import base64
import json
import unittest

import support

# Answers with the value of the JavaScript expression that it gets as text.
ANSWER = "exports.handler = async (event) => eval('(' + (event.body ?? 'null') + ')');"
MAX_PAYLOAD = 6_291_556
LARGE = f"""
let calls = 0;
exports.handler = async (event) => {{
  const body = (size) => 'x'.repeat(size - '{{"statusCode":200,"body":""}}'.length);
  const wanted = event.queryStringParameters?.size;
  ++calls;
  if (wanted) return {{statusCode: 200, body: body(Number(wanted))}};
  return {{statusCode: 200, body: `${{process.pid}} ${{(event.body ?? '').length}}`}};
}};"""


class AnswerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.node.deploy_files("answer", ANSWER, "--route", "ANY /answer")
        cls.node.deploy_files("large", LARGE, "--route", "POST /large", "--timeout-s", "20", "--memory-mb", "1024")

    def ask(self, expression, method="POST"):
        """The response to the value of a JavaScript expression, from a connection that must stay usable."""
        body = expression.encode()
        wire = (f"{method} /answer HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n"
                f"content-length: {len(body)}\r\n\r\n").encode() + body
        with self.node.connect() as client:
            answer = client.exchange(wire, to=method)
            self.assertEqual(client.exchange("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").status, 404)
        self.assertRegex(answer.header("apigw-requestid"), r"\A[A-Za-z0-9_\-]{15}=\Z")
        self.assertIsNotNone(answer.header("date"))
        return answer

    def assert_gateway_error(self, answer, status, message, cause):
        self.assertEqual((answer.status, answer.body), (status,
                                                        json.dumps({"message": message},
                                                                   separators=(",", ":")).encode()))
        self.assertEqual(answer.header("content-type"), "application/json")
        self.assertEqual(answer.header("x-troupe-error"), cause)

    def assert_malformed(self, expression):
        with self.subTest(returned=expression):
            self.assert_gateway_error(self.ask(expression), 500, "Internal Server Error", "malformed_answer")

    def test_strings_are_the_body(self):
        for expression, expected in ((r'"test"', "test"), ('""', ""),
                                     (r"'Special \"quoted\" text'", 'Special "quoted" text'),
                                     ("'{\"name\": \"John Doe\", \"age\":'", '{"name": "John Doe", "age":'),
                                     ("'Hello, World!'", "Hello, World!"),
                                     (r"'\u2615\n\t\u{1F600}\\'", "\u2615\n\t\U0001F600\\")):
            with self.subTest(returned=expression):
                answer = self.ask(expression)
                self.assertEqual((answer.status, answer.header("content-type"), answer.body),
                                 (200, "application/json", expected.encode()))

    def test_other_values_are_the_body_as_json(self):
        for expression, expected in (
                ('{"name":"John Doe","age":30}', '{"name":"John Doe","age":30}'), ("[1,2,3,4,5]", "[1,2,3,4,5]"),
                ("42", "42"), ("1.5e300", "1.5e+300"), ("true", "true"), ("null", "null"), ("undefined", "null"),
                                     ("{}", "{}"),
                ('{body: "hi"}', '{"body":"hi"}'), ('{statuscode: 201, StatusCode: 202}',
                                                    '{"statuscode":201,"StatusCode":202}'),
                ('{headers: {"x-a": "b"}, body: "hi", cookies: ["a=b"]}',
                 '{"headers":{"x-a":"b"},"body":"hi","cookies":["a=b"]}'),
                ('[{"statusCode": 404}]', '[{"statusCode":404}]')):
            with self.subTest(returned=expression):
                answer = self.ask(expression)
                self.assertEqual((answer.status, answer.header("content-type"), answer.body),
                                 (200, "application/json", expected.encode()))
                self.assertIsNone(answer.header("x-a"))
                self.assertIsNone(answer.header("set-cookie"))

    def test_statuses(self):
        for written, status in (("200", 200), ("201", 201), ("299", 299), ("404", 404), ("500", 500), ("599", 599),
                                ('"202"', 202)):
            with self.subTest(written=written):
                answer = self.ask(f'{{statusCode: {written}, body: "own"}}')
                self.assertEqual((answer.status, answer.body), (status, b"own"))
                self.assertIsNone(answer.header("x-troupe-error"))

    def test_malformed_statuses(self):
        for written in ("200.5", "0", "-1", "-200", "99", "100", "199", "600", "1000", '"abc"', '"200.5"', '""', "null",
                        "true",
                        "[200]", "{}", "1e300"):
            self.assert_malformed(f"{{statusCode: {written}, body: 'x'}}")

    def test_malformed_members(self):
        for members in ("body: {a: 1}", "body: [1]", "body: 42", "body: true", "headers: 'x'", "headers: [1]",
                        "headers: {'x-a': ['b']}", "headers: {'x-a': {b: 1}}", "body: '!', isBase64Encoded: true",
                        "body: 'abcde', isBase64Encoded: true", "body: 'ab cd', isBase64Encoded: true"):
            self.assert_malformed(f"{{statusCode: 200, {members}}}")

    def test_response_splitting_is_refused(self):
        for members in (r"headers: {'x-a': 'b\r\nset-cookie: evil=1'}", r"headers: {'x-a': 'b\nc'}",
                        r"headers: {'x-a': 'b\rc'}",
                        r"headers: {'x-a': 'b\0c'}", r"headers: {'x-a\r\nx-b': 'c'}", r"headers: {'x a': 'c'}",
                        "headers: {'': 'c'}", "headers: {'x-a:': 'c'}", r"cookies: ['a=b\r\nx-evil: 1']"):
            self.assert_malformed(f"{{statusCode: 200, {members}, body: 'x'}}")

    def test_headers(self):
        answer = self.ask("""{statusCode: 200, body: 'b', headers: {
                              'X-List': 'test,shouldhavesecondvalue', 'x-number': 5, 'x-true': true,
                              'x-empty': '', 'x-quote': '"a\\\\b"', 'Content-Type': 'text/html'}}""")
        self.assertEqual([answer.header(name) for name in ("x-list", "x-number", "x-true", "x-empty", "x-quote")],
                         ["test,shouldhavesecondvalue", "5", "true", "", '"a\\b"'])
        self.assertEqual(answer.header("content-type"), "text/html")

    def test_framing_headers_of_a_handler_do_not_count(self):
        answer = self.ask("""{statusCode: 200, body: 'four', headers: {
                              'content-length': '1', 'transfer-encoding': 'chunked', connection: 'close',
                              'apigw-requestid': 'mine', date: 'today', 'keep-alive': 'x', upgrade: 'h2c'}}""")
        self.assertEqual((answer.header("content-length"), answer.body), ("4", b"four"))
        self.assertIsNone(answer.header("transfer-encoding"))
        self.assertNotIn("mine", answer.headers("apigw-requestid"))

    def test_default_content_type(self):
        for members in ("body: '{}'", "headers: {'x-a': 'b'}, body: 'x'", "headers: null, body: 'x'", "body: null",
                        "a: 1"):
            with self.subTest(members=members):
                self.assertEqual(self.ask(f"{{statusCode: 200, {members}}}").header("content-type"),
                                 "text/plain; charset=utf-8")

    def test_cookies_come_first(self):
        answer = self.ask("""{statusCode: 200, headers: {'Set-Cookie': 'last=1', 'x-a': 'b'},
                              cookies: ['a=1; Path=/', 'b=2']}""")
        self.assertEqual(answer.headers("set-cookie"), ["a=1; Path=/", "b=2", "last=1"])
        self.assertEqual(self.ask("{statusCode: 200, cookies: 'a=1'}").headers("set-cookie"), [])

    def test_bodies(self):
        everything = bytes(range(256)) * 3
        encoded = base64.b64encode(everything).decode()
        for members, expected in (
                (f"body: '{encoded}', isBase64Encoded: true", everything),
                (f"body: '{encoded}', isBase64Encoded: true, headers: {{'content-type': 'text/plain'}}", everything),
                (f"body: '{encoded}', isBase64Encoded: false", encoded.encode()),
                ("body: '', isBase64Encoded: true", b""), ("body: null", b""), ("other: [{deep: 1}]", b""),
                (r"body: '\u2615\0\u{1F600}'", "\u2615\0\U0001F600".encode()),
                ("body: 'b', multiValueHeaders: {'x-many': ['1', '2']}, unknown: {a: 1}", b"b")):
            with self.subTest(members=members[:60]):
                answer = self.ask(f"{{statusCode: 200, {members}}}")
                self.assertEqual((answer.status, answer.body), (200, expected))
                self.assertEqual(answer.header("content-length"), str(len(expected)))
                self.assertIsNone(answer.header("x-many"))

    def test_statuses_without_body(self):
        for status in (204, 304):
            with self.subTest(status=status):
                answer = self.ask(f"{{statusCode: {status}, body: 'must not appear', headers: {{'x-a': 'b'}}}}")
                self.assertEqual((answer.status, answer.body, answer.header("x-a")), (status, b"", "b"))
                self.assertIsNone(answer.header("transfer-encoding"))

    def test_head_has_the_headers_only(self):
        answer = self.ask("{statusCode: 200, body: 'four'}", method="HEAD")
        self.assertEqual((answer.status, answer.header("content-length"), answer.body), (200, "4", b""))

    def test_unserializable_answers_are_errors_of_the_function(self):
        for expression in ("1n", "(() => { const a = {}; a.a = a; return a; })()", "() => 1", "Symbol('x')"):
            with self.subTest(returned=expression):
                self.assert_gateway_error(self.ask(expression), 500, "Internal Server Error", "function_error")

    def test_unknown_routes(self):
        for request in ("GET /nowhere", "OPTIONS /large", "GET /large", "POST /answer/more"):
            with self.subTest(request=request), self.node.connect() as client:
                answer = client.exchange(f"{request} HTTP/1.1\r\nhost: a\r\norigin: http://a\r\n"
                                         "access-control-request-method: GET\r\n\r\n")
                self.assert_gateway_error(answer, 404, "Not Found", "no_such_route")
                self.assertEqual(len(answer.body), 23)

    def large(self, query="", body=b"", kind="text/plain"):
        with self.node.connect() as client:
            return client.exchange(f"POST /large{query} HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\n"
                                   f"content-length: {len(body)}\r\n\r\n", body)

    def test_answer_over_the_limit(self):
        pid, other = self.large().body, self.ask("process.pid").body

        at_limit = self.large(f"?size={MAX_PAYLOAD}")
        self.assertEqual((at_limit.status, len(at_limit.body)), (200, MAX_PAYLOAD - 28))
        for size in (MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD, 40_000_000):
            with self.subTest(size=size):
                self.assert_gateway_error(self.large(f"?size={size}"), 500, "Internal Server Error", "answer_too_large")
                self.assertEqual(self.large().body, pid)
        self.assertEqual(self.ask("process.pid").body, other)

    def test_event_over_the_limit(self):
        pid = self.large().body

        self.assertEqual(self.large(body=b"x" * 6_000_000).body.split()[1], b"6000000")
        self.assertEqual(self.large(body=b"\0" * 4_500_000, kind="application/octet-stream").status, 200)
        for body, kind in ((b"x" * 6_300_000, "text/plain"), (b"\0" * 5_000_000, "application/octet-stream"),
                           (b'"' * 4_000_000, "text/plain")):
            with self.subTest(kind=kind, size=len(body)):
                self.assert_gateway_error(self.large(body=body, kind=kind), 413, "Request Entity Too Large",
                                          "payload_too_large")
                self.assertEqual(self.large().body, pid)


if __name__ == "__main__":
    unittest.main()
