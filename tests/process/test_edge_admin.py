"""The admin port answers to programs on this machine and never to a web page, and reading changes nothing."""
import json
import os
import unittest

import support
import wire

FOREIGN_HOSTS = ("evil.example", "evil.example:9001", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1",
                 "10.0.0.1:9001", "0.0.0.0", "[::2]", "[2001:db8::1]:9001", "localhost:9001:1")


class AdminTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = support.Node("--set", "admin_hosts=troupe.internal")
        try:
            wire.deploy_hello(cls.node)
        except BaseException:
            cls.node.close()
            raise
        cls.port = int(cls.node.admin_address.rsplit(":", 1)[1])

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def connect(self):
        client = support.RawClient("127.0.0.1", self.port)
        self.addCleanup(client.close)
        return client

    def status(self, method, path, *fields):
        lines = [f"{method} {path} HTTP/1.1", *fields, "Connection: close", "Content-Length: 0", "", ""]
        responses = self.connect().send("\r\n".join(lines)).responses()
        self.assertEqual(len(responses), 1)
        return responses[0].status

    def picture(self):
        """Everything that a change would show in."""
        return [self.node.admin("GET", path)[2] for path in ("/v1/functions", "/v1/routes", "/v1/functions/hello")]

    def test_own_hosts(self):
        for host in ("localhost", f"localhost:{self.port}", "LOCALHOST", "127.0.0.1", f"127.0.0.1:{self.port}",
                     "127.1.2.3", "[::1]", f"[::1]:{self.port}", "troupe.internal", f"Troupe.Internal:{self.port}"):
            with self.subTest(host=host):
                self.assertEqual(self.status("GET", "/v1/functions", f"Host: {host}"), 200)

    def test_foreign_hosts(self):
        for host in FOREIGN_HOSTS:
            for method, path in (("GET", "/v1/functions"), ("GET", "/healthz"), ("DELETE", "/v1/functions/hello")):
                with self.subTest(host=host, method=method, path=path):
                    # What is no host at all may be refused as a malformed request before anybody asks whose it is.
                    allowed = (400, 403) if host.count(":") > 1 and "[" not in host else (403,)
                    self.assertIn(self.status(method, path, f"Host: {host}"), allowed)
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)

    def test_own_origin(self):
        for host in (f"localhost:{self.port}", f"127.0.0.1:{self.port}"):
            with self.subTest(host=host):
                self.assertEqual(self.status("GET", "/v1/functions", f"Host: {host}", f"Origin: http://{host}"), 200)

    def test_foreign_origins(self):
        own = f"localhost:{self.port}"
        before = self.picture()
        for origin in ("http://evil.example", "https://evil.example", f"http://evil.example:{self.port}", "null",
                       "http://localhost", f"http://localhost:{self.port + 1}", f"http://127.0.0.1:{self.port}",
                       f"http://{own}.evil.example", f"http://{own}/", "file://", f"ftp://{own}"):
            for method, path in (("GET", "/v1/functions"), ("POST", "/v1/blobs/missing"), ("PUT", "/v1/functions/x"),
                                 ("DELETE", "/v1/functions/hello"), ("OPTIONS", "/v1/functions/hello")):
                with self.subTest(origin=origin, method=method):
                    self.assertEqual(self.status(method, path, f"Host: {own}", f"Origin: {origin}"), 403)
        self.assertEqual(self.picture(), before)

    def test_two_origins_are_not_one(self):
        own = f"localhost:{self.port}"
        for fields in ((f"Origin: http://{own}", "Origin: http://evil.example"),
                       ("Origin: http://evil.example", f"Origin: http://{own}")):
            with self.subTest(fields=fields):
                self.assertIn(self.status("DELETE", "/v1/functions/none", f"Host: {own}", *fields), (400, 403))

    def test_an_absolute_target_does_not_hide_the_host(self):
        self.assertEqual(self.status("GET", "http://evil.example/v1/functions", "Host: localhost"), 403)

    def test_get_changes_nothing(self):
        before = self.picture()
        for path in ("/", "/v1", "/v1/functions", "/v1/functions/hello", "/v1/functions/new", "/v1/routes", "/v1/node",
                     "/v1/blobs/missing", "/v1/blobs/" + "0" * 64, "/v1/functions/hello/logs",
                     "/v1/functions/hello?method=DELETE", "/v1/functions/hello?_method=DELETE"):
            for body in (None, json.dumps({"runtime": "native", "code": "0" * 64})):
                with self.subTest(path=path, body=body):
                    headers = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
                    self.assertLess(self.node.admin("GET", path, body, headers)[0], 500)
        self.assertEqual(self.picture(), before)
        self.assertEqual(self.node.request("GET", "/hello")[0], 200)

    def test_wrong_method_says_which_is_right(self):
        status, headers, _ = self.node.admin("POST", "/v1/functions/hello")
        self.assertEqual(status, 405)
        self.assertIn("DELETE", headers["allow"])

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(self.node.admin("GET", path)[0], 200)
            status, _, body = self.node.admin("HEAD", path)
            self.assertEqual((status, body), (200, b""))
            status, headers, _ = self.node.admin("POST", path)
            self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.node.admin("GET", "/readyz")[0], 200)
        # They belong to the admin port: on the gateway they are paths like any other.
        self.assertEqual(self.node.request("GET", "/healthz")[0], 404)
        self.assertEqual(self.node.request("GET", "/v1/functions")[0], 404)

    def test_strictness_is_the_gateways(self):
        post = b"POST /v1/blobs/missing HTTP/1.1\r\nHost: localhost\r\n"
        for request, status in ((b"GET /healthz HTTP/1.1\r\n\r\n", 400),
                                (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
                                (post + b"Transfer-Encoding: gzip\r\n\r\n", 501),
                                (post + b"Content-Length: 70000001\r\n\r\n", 413)):
            with self.subTest(request=request):
                self.assertEqual([answer.status for answer in self.connect().send(request).responses()], [status])

    def test_names_with_bad_characters(self):
        for name in ("a%20b", "a.b", "%2e%2e", "a%2Fb", "x" * 65, "%C3%A4", ""):
            for method in ("GET", "PUT", "DELETE"):
                with self.subTest(name=name, method=method):
                    self.assertIn(self.node.admin(method, f"/v1/functions/{name}")[0], (400, 404))
        self.assertNotIn("..", os.listdir(self.node.data_dir))


if __name__ == "__main__":
    unittest.main()
