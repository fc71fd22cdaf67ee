"""The event that a Node.js handler gets, member by member, for requests as they came over the wire."""
import base64
import json
import re
import time
import unittest
import urllib.parse

import support

ECHO = "exports.handler = async (event) => ({statusCode: 200, body: JSON.stringify(event)});"
ALWAYS = {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"}
TRACE_ID = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")
COFFEE = "\N{HOT BEVERAGE}"
GRIN = "\N{GRINNING FACE}"


class EventTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        cls.node.deploy_files("echo", ECHO, "--route", "GET /pets/{id}", "--route", "ANY /any/{one}/{two}",
                              "--route", "POST /post", "--route", "GET /files/{proxy+}", "--route", "ANY /",
                              "--route", "$default")

    def send(self, request_line, *fields, body=b"", host="pets.example:8443"):
        """The response to a request with exactly these fields, `host` and, for a body, `content-length` first."""
        head = [request_line + " HTTP/1.1", f"host: {host}", *([f"content-length: {len(body)}"] if body else [])]
        wire = b"\r\n".join([line.encode("latin-1") for line in head] +
                            [f if isinstance(f, bytes) else f.encode("latin-1") for f in fields]) + b"\r\n\r\n" + body
        with self.node.connect() as client:
            return client.exchange(wire)

    def event(self, request_line, *fields, **more):
        answer = self.send(request_line, *fields, **more)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_events_that_are_alike_stay_whole(self):
        """After some dozens of them the node sends a worker only what differs."""
        events = [self.event(f"GET /pets/{number}%20?a={number}&b=x%20y", "Sec-CH-UA: \"A\";v=\"8\"", "User-Agent: agent",
                             "Cookie: session=abc123; theme=dark", "X-Long: " + "\xe9" * number)
                  for number in range(100)]

        for number, event in enumerate(events):
            self.assertEqual(event["rawPath"], f"/pets/{number} ")
            self.assertEqual(event["pathParameters"], {"id": f"{number} "})
            self.assertEqual(event["queryStringParameters"], {"a": str(number), "b": "x y"})
            self.assertEqual(event["headers"]["x-long"], "\xe9" * number)
            self.assertEqual(event["headers"]["sec-ch-ua"], '"A";v="8"')
            self.assertEqual(event["cookies"], ["session=abc123", "theme=dark"])
            self.assertEqual(list(event), list(events[0]))
            self.assertEqual(list(event["headers"]), list(events[0]["headers"]))
            self.assertEqual(list(event["requestContext"]), list(events[0]["requestContext"]))
        self.assertEqual(len({event["requestContext"]["requestId"] for event in events}), len(events))
        self.assertEqual(len({event["headers"]["x-amzn-trace-id"] for event in events}), len(events))

    def test_whole_event(self):
        before = int(time.time() * 1000)
        answer = self.send("GET /pets/6%207?a=1&a=2&b=x%20y", "Accept: text/html", "ACCEPT: application/json",
                           "User-Agent: agent", "Cookie: session=abc123; theme=dark", "Content-Type: text/plain",
                           "X-Forwarded-For: 192.0.2.1", body=b"meow")
        after = int(time.time() * 1000)
        event = answer.json()
        context = event["requestContext"]

        request_id = context.pop("requestId")
        self.assertRegex(request_id, r"\A[A-Za-z0-9_\-]{15}=\Z")
        self.assertEqual(answer.header("apigw-requestid"), request_id)
        moment = context.pop("timeEpoch")
        self.assertIsInstance(moment, int)
        self.assertTrue(before <= moment <= after, (before, moment, after))
        self.assertEqual(context.pop("time"), time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(moment // 1000)))
        self.assertRegex(event["headers"].pop("x-amzn-trace-id"), TRACE_ID)
        self.assertEqual(event, {
            "version": "2.0",
            "routeKey": "GET /pets/{id}",
            "rawPath": "/pets/6 7",
            "rawQueryString": "a=1&a=2&b=x%20y",
            "cookies": ["session=abc123", "theme=dark"],
            "headers": {
                "host": "pets.example:8443", "content-length": "4", "accept": "text/html,application/json",
                "user-agent": "agent", "content-type": "text/plain", "x-forwarded-for": "192.0.2.1,127.0.0.1",
                "x-forwarded-port": str(self.node.port), "x-forwarded-proto": "http",
            },
            "queryStringParameters": {"a": "1,2", "b": "x y"},
            "requestContext": {
                "accountId": "000000000000", "apiId": context["apiId"], "domainName": "pets.example",
                "domainPrefix": "pets",
                "http": {"method": "GET", "path": "/pets/6 7", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                         "userAgent": "agent"},
                "routeKey": "GET /pets/{id}", "stage": "$default",
            },
            "body": "meow",
            "pathParameters": {"id": "6 7"},
            "isBase64Encoded": False,
        })
        self.assertIsInstance(context["apiId"], str)
        self.assertTrue(context["apiId"])

    def test_empty_collections_are_absent(self):
        event = self.event("GET /")

        self.assertEqual(set(event), ALWAYS)
        self.assertEqual(event["rawQueryString"], "")
        self.assertEqual(event["requestContext"]["http"]["userAgent"], "")
        self.assertNotIn("authorizer", event["requestContext"])
        self.assertNotIn("authentication", event["requestContext"])
        self.assertEqual(set(self.event("GET /?")), ALWAYS)
        self.assertEqual(set(self.event("GET /", "cookie: ")), ALWAYS)

    def test_query(self):
        for query, expected in (
                ("a=1&b=2&a=3&a=", {"a": "1,3,", "b": "2"}),
                ("q=a,b&q=c", {"q": "a,b,c"}),
                ("k%20y=%E2%98%95&plus=a+b", {"k y": COFFEE, "plus": "a b"}),
                ("flag&empty=&=nameless", {"flag": "", "empty": "", "": "nameless"}),
                ("a=b=c&bad=%zz%", {"a": "b=c", "bad": "%zz%"}),
                ("__proto__=x&constructor=y", {"__proto__": "x", "constructor": "y"})):
            with self.subTest(query=query):
                event = self.event("GET /x?" + query)
                self.assertEqual(event["rawQueryString"], query)
                self.assertEqual(event["queryStringParameters"], expected)

    def test_path_is_decoded(self):
        for path in ("/a%23b", "/a%20b/c", "/" + urllib.parse.quote(GRIN), "/100%", "/a+b", "/%22quoted%22%5C", "/x/"):
            with self.subTest(path=path):
                event = self.event("GET " + path)
                decoded = path if path.endswith("%") else urllib.parse.unquote(path)
                self.assertEqual(event["rawPath"], decoded)
                self.assertEqual(event["requestContext"]["http"]["path"], decoded)

    def test_path_parameters(self):
        for target, key, expected in (
                ("/pets/%23" + urllib.parse.quote(GRIN), "GET /pets/{id}", {"id": "#" + GRIN}),
                ("/pets/a%2Fb", "GET /pets/{id}", {"id": "a/b"}),
                ("/any/1/2", "ANY /any/{one}/{two}", {"one": "1", "two": "2"}),
                ("/files/a/b%20c//d", "GET /files/{proxy+}", {"proxy": "a/b c//d"}),
                ("/nowhere/else", "$default", None), ("/", "ANY /", None)):
            with self.subTest(target=target):
                event = self.event("GET " + target)
                self.assertEqual(event["routeKey"], key)
                self.assertEqual(event["requestContext"]["routeKey"], key)
                self.assertEqual(event.get("pathParameters"), expected)

    def test_text_that_is_no_utf8_is_refused_in_paths_and_queries(self):
        for target in ("/pets/%FF", "/x?a=%C3", "/x%00", "/a/../b", "/a/%2e%2E/b"):
            with self.subTest(target=target):
                self.assertEqual(self.send("GET " + target).status, 400)

    def test_header_values(self):
        for value, expected in ((GRIN.encode(), GRIN), (b"caf\xe9", "caf\xe9"), (b"a%20b", "a%20b"), (b"", ""),
                                (b'"q\\"', '"q\\"')):
            with self.subTest(value=value):
                self.assertEqual(self.event("GET /", b"X-Thing: " + value)["headers"]["x-thing"], expected)

    def test_cookies_leave_the_headers(self):
        event = self.event("GET /", "cookie: a=1; b=2;c=x=y", "Cookie: d")

        self.assertEqual(event["cookies"], ["a=1", "b=2", "c=x=y", "d"])
        self.assertNotIn("cookie", event["headers"])

    def test_forwarding_headers(self):
        event = self.event("GET /", "x-forwarded-for: 192.0.2.1", "X-Forwarded-For: 198.51.100.7, 203.0.113.9",
                           "x-forwarded-proto: gopher", "x-forwarded-port: 70")
        self.assertEqual(event["headers"]["x-forwarded-for"], "192.0.2.1,198.51.100.7, 203.0.113.9,127.0.0.1")
        self.assertEqual(event["headers"]["x-forwarded-proto"], "http")
        self.assertEqual(event["headers"]["x-forwarded-port"], str(self.node.port))
        self.assertEqual(event["requestContext"]["http"]["sourceIp"], "127.0.0.1")

    def test_trace_id_is_kept_or_made(self):
        given = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        self.assertEqual(self.event("GET /", "X-Amzn-Trace-Id: " + given)["headers"]["x-amzn-trace-id"], given)
        for broken in ("nonsense", "Root=1-5759e988-bd86", ""):
            with self.subTest(given=broken):
                made = self.event("GET /", "x-amzn-trace-id: " + broken)["headers"]["x-amzn-trace-id"]
                self.assertRegex(made, TRACE_ID)

    def test_text_bodies(self):
        text = f'{{"a": "{COFFEE}"}}\r\n'
        for kind in ("application/json", "APPLICATION/JSON; charset=utf-8", "text/html", " text/x-own ;q=1",
                     "application/xml", "application/javascript"):
            with self.subTest(kind=kind):
                event = self.event("POST /post", f"content-type: {kind}", body=text.encode())
                self.assertEqual((event["body"], event["isBase64Encoded"]), (text, False))

    def test_other_bodies_are_base64(self):
        for kind, body in ((None, b"plain"), ("application/octet-stream", bytes(range(256))),
                           ("application/x-www-form-urlencoded", b"a=1&b=2"), ("application/ld+json", b"{}"),
                           ("application/jsonp", b"x"), ("text/plain", b"caf\xe9"), ("", b"x")):
            with self.subTest(kind=kind):
                event = self.event("POST /post", *([] if kind is None else [f"content-type: {kind}"]), body=body)
                self.assertEqual((base64.b64decode(event["body"], validate=True), event["isBase64Encoded"]),
                                 (body, True))

    def test_chunked_body(self):
        with self.node.connect() as client:
            event = client.exchange(b"POST /post HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
                                    b"content-type: text/plain\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").json()
        self.assertEqual(event["body"], "abcde")

    def test_methods(self):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            with self.subTest(method=method):
                self.assertEqual(self.event(f"{method} /elsewhere")["requestContext"]["http"]["method"], method)

    def test_domain(self):
        for host, name, prefix in (("api.shop.example", "api.shop.example", "api"),
                                   ("localhost:1", "localhost", "localhost"),
                                   ("127.0.0.1:80", "127.0.0.1", "127")):
            with self.subTest(host=host):
                context = self.event("GET /", host=host)["requestContext"]
                self.assertEqual((context["domainName"], context["domainPrefix"]), (name, prefix))

    def test_request_ids_differ(self):
        with self.node.connect() as client:
            wire = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
            ids = {client.exchange(wire).header("apigw-requestid") for _ in range(50)}
        self.assertEqual(len(ids), 50)

    def test_the_events_text_is_json_whatever_came(self):
        hostile = bytes(byte for byte in range(1, 256) if byte not in b"\r\n\0" and not byte < 32 and byte != 127)
        answer = self.send('GET /x?%22=%5C&%01=%1f', b"x-all: " + hostile, "content-type: text/plain",
                           body=b'\x00\x01"\\\x7f')
        self.assertEqual(answer.status, 200, answer)
        event = json.loads(answer.body)
        self.assertEqual(event["headers"]["x-all"], hostile.decode("latin-1").strip())
        self.assertEqual(event["queryStringParameters"], {'"': "\\", "\x01": "\x1f"})


if __name__ == "__main__":
    unittest.main()
