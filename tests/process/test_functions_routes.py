"""Which function answers which request: route keys, their priority, default routes, what deployments do to them."""
import json
import unittest

import support

KEY = """exports.handler = async (event) =>
  ({statusCode: 200, body: JSON.stringify([event.routeKey, event.pathParameters])});"""


def key_of(node, method, path):
    """The route key and path parameters of the answer, or the status of a refusal."""
    status, _, body = node.request(method, path)
    return tuple(json.loads(body)) if status == 200 else status


class RouteTest(unittest.TestCase):
    def deploy(self, node, name, *keys):
        return node.deploy_files(name, KEY, *(word for key in keys for word in ("--route", key)))

    def check(self, node, *cases):
        for method, path, *expected in cases:
            with self.subTest(request=f"{method} {path}"):
                expected = expected[0] if isinstance(expected[0], int) else (expected[0], expected[1]
                                                                             if expected[1:] else None)
                self.assertEqual(key_of(node, method, path), expected)

    def test_documented_example_of_priorities(self):
        with support.Node() as node:
            self.deploy(node, "pets", "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}",
                        "$default")
            self.check(node,
                       ("GET", "/pets/dog/1", "GET /pets/dog/1"),
                       ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
                       ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
                       ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
                       ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
                       ("GET", "/pets", "ANY /{proxy+}", {"proxy": "pets"}),
                       ("GET", "/", "$default"))

    def test_order_within_a_tier(self):
        with support.Node() as node:
            # The method before the path, then segments from left to right, literals first.
            self.deploy(node, "one", "ANY /pets/dog", "GET /pets/{id}", "GET /a/b/{c}", "GET /a/{b}/ccccc",
                        "GET /long/er/{proxy+}", "GET /long/{proxy+}", "GET /x/{y+}", "GET /x/{y}")
            self.check(node,
                       ("GET", "/pets/dog", "GET /pets/{id}", {"id": "dog"}),
                       ("PUT", "/pets/dog", "ANY /pets/dog"),
                       ("PUT", "/pets/cat", 404),
                       ("GET", "/a/b/ccccc", "GET /a/b/{c}", {"c": "ccccc"}),
                       ("GET", "/a/z/ccccc", "GET /a/{b}/ccccc", {"b": "z"}),
                       ("GET", "/long/er/1/2", "GET /long/er/{proxy+}", {"proxy": "1/2"}),
                       ("GET", "/long/er", "GET /long/{proxy+}", {"proxy": "er"}),
                       ("GET", "/long", 404),
                       ("GET", "/x/1", "GET /x/{y}", {"y": "1"}),
                       ("GET", "/x/1/2", "GET /x/{y+}", {"y": "1/2"}))

    def test_paths_are_compared_by_decoded_segments(self):
        with support.Node() as node:
            self.deploy(node, "one", "GET /pets/{id}", "GET /a%20b", "GET /caf\N{LATIN SMALL LETTER E WITH ACUTE}")
            self.check(node,
                       ("GET", "/p%65ts/1", "GET /pets/{id}", {"id": "1"}),
                       ("GET", "/pets/1%2F2", "GET /pets/{id}", {"id": "1/2"}),
                       ("GET", "/pets%2F1", 404),
                       ("GET", "/pets/1/", 404),
                       ("GET", "/pets//1", 404),
                       ("GET", "/pets/", 404),
                       ("GET", "/Pets/1", 404),
                       ("GET", "/a%20b", "GET /a%20b"),
                       ("GET", "/caf%C3%A9", "GET /caf\N{LATIN SMALL LETTER E WITH ACUTE}"))

    def test_default_routes(self):
        with support.Node() as node:
            node.deploy_files("hello_1", KEY)
            self.check(node,
                       ("GET", "/hello_1", "ANY /hello_1"),
                       ("DELETE", "/hello_1/a/b", "ANY /hello_1/{proxy+}", {"proxy": "a/b"}),
                       ("GET", "/hello_1x", 404),
                       ("GET", "/", 404))
            self.assertEqual({(r["route"], r["function"]) for r in json.loads(node.run("routes",
                                                                                       "--json").stdout)["routes"]},
                             {("ANY /hello_1", "hello_1"), ("ANY /hello_1/{proxy+}", "hello_1")})

    def test_no_route(self):
        with support.Node() as node:
            node.deploy_files("hidden", KEY, "--no-route")
            self.check(node, ("GET", "/hidden", 404))
            self.assertEqual(json.loads(node.run("routes", "--json").stdout), {"routes": []})
            self.assertEqual(len(json.loads(node.run("list", "--json").stdout)["functions"]), 1)

    def test_a_deployment_replaces_the_routes_of_the_one_before(self):
        with support.Node() as node:
            self.deploy(node, "one", "GET /old", "GET /kept")
            self.deploy(node, "one", "GET /kept", "GET /new")
            self.check(node, ("GET", "/old", 404), ("GET", "/kept", "GET /kept"), ("GET", "/new", "GET /new"))

    def test_a_route_of_another_function_is_refused_by_name(self):
        with support.Node() as node:
            self.deploy(node, "holder", "GET /pets/{id}", "$default")
            for key in ("GET /pets/{id}", "GET /pets/{other}", "$default"):
                with self.subTest(key=key):
                    done = node.deploy_files("rival", KEY, "--route", "GET /fine", "--route", key, check=False)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("'holder'", done.stderr)
                    self.assertIn(key, done.stderr)
            self.check(node, ("GET", "/pets/1", "GET /pets/{id}", {"id": "1"}), ("GET", "/fine", "$default"))
            self.assertEqual([f["name"] for f in json.loads(node.run("list", "--json").stdout)["functions"]],
                             ["holder"])

    def test_removed_routes_are_free_again(self):
        with support.Node() as node:
            self.deploy(node, "first", "GET /thing")
            node.run("remove", "first", check=True)
            self.check(node, ("GET", "/thing", 404))
            self.deploy(node, "second", "GET /thing")
            self.check(node, ("GET", "/thing", "GET /thing"))


if __name__ == "__main__":
    unittest.main()
