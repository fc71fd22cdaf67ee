"""Shared objects in processes of their own: what a handler sees, and what its end does to the node, which is nothing."""
import json
import unittest

import support

HANDLER = r"""
#include <csignal>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <troupe/function.hpp>

std::string view(troupe_bytes bytes) {
  return {bytes.data, bytes.size};
}
long overflow(long depth) {
  volatile char space[4096];
  space[0] = static_cast<char>(depth);
  return overflow(depth + 1) + space[0];
}
troupe::response handler(const troupe::request& request, troupe::context& context) {
  const auto act = request.path_parameter("act");
  if (act == "crash")
    std::raise(SIGSEGV);
  if (act == "overflow")
    return troupe::response::text(std::to_string(overflow(0)));
  if (act == "exit")
    std::exit(3);
  if (act == "spin")
    for (;;) {
    }
  if (act == "pid")
    return troupe::response::text(std::to_string(::getpid()) + " " + std::to_string(::getppid()));
  if (act == "environment")
    return troupe::response::text(std::getenv("GREETING"));
  context.log("seen");
  std::string all{request.method()};
  for (const auto part : {request.raw_path(), request.raw_query(), request.route_key(), request.source_ip(),
                          request.path_parameter("act"), request.body()})
    all += "\n" + std::string{part};
  for (std::size_t i = 0; i < request.raw().header_count; ++i)
    all += "\n" + view(request.raw().headers[i].name) + "=" + view(request.raw().headers[i].value);
  return {202, {{"X-One", "1"}, {"x-one", "2"}}, all};
}
TROUPE_FUNCTION(handler)
"""


class NativeProcessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.object = support.build_native(HANDLER, cls.folder, "f")

    def serve(self, node, *flags):
        node.deploy(self.object, "--name", "f", "--route", "ANY /f/{act}", *flags)

    def pid_of(self, node):
        status, _, body = node.request("GET", "/f/pid")
        self.assertEqual(status, 200)
        return int(body.split()[0])

    def test_a_handler_cannot_tell_where_it_runs(self):
        seen = []
        for isolation in ("process", "in-process"):
            with support.Node(native=isolation) as node:
                self.serve(node)
                status, headers, body = node.request(
                    "PUT", "/f/a%20%C3%A9?x=%20&y", headers={"Host": "here", "X-MiXed": "caf\xe9"},
                    body=b"\0\xff binary\r\n")
                seen.append((status, headers["x-one"], body))
                self.assertTrue(any(line.endswith("seen") for line in node.logs("f")), node.logs("f"))
        self.assertEqual(seen[0], seen[1])
        self.assertIn(b"\0\xff binary\r\n", seen[0][2])
        self.assertIn(b"\nX-MiXed=", seen[0][2])

    def test_its_end_ends_nothing_else(self):
        with support.Node(native="process") as node:
            self.serve(node, "--timeout-s", "1", "--env", "GREETING=h\xe9")
            self.assertEqual(node.request("GET", "/f/environment")[2].decode(), "h\xe9")
            for act, cause in (("crash", "function_crashed"), ("overflow", "function_crashed"),
                               ("exit", "function_crashed"), ("spin", "function_timeout")):
                with self.subTest(act=act):
                    pid = self.pid_of(node)
                    self.assertNotEqual(pid, node.pid)
                    status, headers, body = node.request("GET", f"/f/{act}")
                    self.assertEqual((status, headers["x-troupe-error"], json.loads(body)),
                                     (500, cause, {"message": "Internal Server Error"}))
                    support.wait_until(lambda p=pid: not support.is_alive(p), "the end of the process", 5)
                    self.assertNotEqual(self.pid_of(node), pid)

    def test_an_object_that_does_not_load_is_named_when_it_is_deployed(self):
        strange = support.build_native("int unrelated = 1;", self.folder, "strange")
        with support.Node(native="process") as node:
            done = node.run("deploy", strange)
            self.assertEqual(done.returncode, 1)
            self.assertIn("troupe_function_entry", done.stderr)
            self.assertEqual(node.request("GET", "/strange")[1]["x-troupe-error"], "init_failed")


if __name__ == "__main__":
    unittest.main()
