"""Shared objects in processes of their own: what a handler sees, and what its end does to the node, which is nothing; and
inside the node, where its end is the node's, but not for ever."""
import http.client
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


class NativeCase(unittest.TestCase):
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


class NativeProcessTest(NativeCase):
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


class NativeInProcessTest(NativeCase):
    def die(self, node, act="crash"):
        """Calls the function, which takes the node with it, and starts the node again."""
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            node.request("GET", f"/f/{act}")
        node.process.wait(support.PATIENCE_S)
        node.start()

    def kill_while_idle(self, node):
        node.kill()
        node.start()

    def isolated(self, node):
        return "object_isolated" in node.log()

    def test_an_object_that_took_the_node_with_it_twice_is_not_let_in_again(self):
        with support.Node(native="in-process") as node:
            self.serve(node)
            self.assertEqual(self.pid_of(node), node.pid)
            self.die(node)
            self.assertEqual(self.pid_of(node), node.pid)
            self.assertFalse(self.isolated(node))
            self.die(node, "exit")
            self.assertNotEqual(self.pid_of(node), node.pid)
            self.assertTrue(self.isolated(node))
            status, headers, body = node.request("GET", "/f/crash")
            self.assertEqual((status, headers["x-troupe-error"], json.loads(body)),
                             (500, "function_crashed", {"message": "Internal Server Error"}))
            self.assertIsNone(node.process.poll())
            self.assertEqual(node.terminate(), 0)
            node.start()
            self.assertNotEqual(self.pid_of(node), node.pid, "a clean end is no reason to trust it again")
            self.serve(node, "--memory-mb", "256")
            self.assertNotEqual(self.pid_of(node), node.pid)

    def test_another_end_between_two_such_deaths_breaks_the_row(self):
        for between in ("clean", "killed while nothing ran"):
            with self.subTest(between=between), support.Node(native="in-process") as node:
                self.serve(node)
                self.die(node)
                if between == "clean":
                    self.assertEqual(node.terminate(), 0)
                    node.start()
                else:
                    self.kill_while_idle(node)
                self.die(node)
                self.assertEqual(self.pid_of(node), node.pid)

    def test_an_object_whose_load_ends_the_node_is_not_let_in_again(self):
        source = "#include <cstdlib>\n#include <unistd.h>\n" + HANDLER + """
            const bool bad = [] {
              if (::access("%s", F_OK) == 0)
                std::_Exit(9);
              return true;
            }();
            """
        trap = self.folder + "/trap"
        loads_badly = support.build_native(source % trap, self.folder, "loads_badly")
        with support.Node(native="in-process") as node:
            node.deploy(loads_badly, "--name", "f", "--route", "ANY /f/{act}")
            node.kill()
            with open(trap, "w", encoding="utf-8"):
                pass
            for _ in range(2):
                with self.assertRaises(AssertionError):
                    node.start()
                self.assertEqual(node.process.wait(support.PATIENCE_S), 9)
            node.start()
            self.assertTrue(self.isolated(node))
            self.assertEqual(node.request("GET", "/f/pid")[1]["x-troupe-error"], "init_failed")


if __name__ == "__main__":
    unittest.main()
