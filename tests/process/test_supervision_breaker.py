"""Starts that fail: counted, delayed longer and longer, refused once the breaker is open, tried again, forgiven."""
import concurrent.futures
import json
import os
import signal
import time
import unittest

import support
from metrics import metrics_of, total, values

# Notes each start in a file; fails while another file is there.
CODE = """const fs = require('fs');
fs.appendFileSync(%s, Date.now() + '\\n');
if (fs.existsSync(%s)) throw new RangeError('the file is there');
exports.handler = async (event) => {
  if (event.rawPath === '/f/exit') process.exit(1);
  return String(process.pid);
};"""


# Says when it loads, and goes on once another file is there.
GATED = """const fs = require('fs');
fs.writeFileSync(%s + process.pid, '');
while (!fs.existsSync(%s)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
exports.handler = async () => String(process.pid);"""


class KilledStartTest(unittest.TestCase):
    """A worker that somebody kills while it loads says nothing of its code: who waits has the next one."""

    def setUp(self):
        self.folder = self.enterContext(support.TempDir())
        self.node = self.enterContext(support.Node())
        self.threads = self.enterContext(concurrent.futures.ThreadPoolExecutor(8))

    def loading(self, known=()):
        """The process that loads now."""
        def found():
            return next((int(name[5:]) for name in os.listdir(self.folder)
                         if name.startswith("load-") and int(name[5:]) not in known), None)
        return support.wait_until(found, "a worker that loads")

    def deploy(self):
        code = GATED % (json.dumps(os.path.join(self.folder, "load-")), json.dumps(os.path.join(self.folder, "go")))
        return self.node.deploy_files("f", code, "--max-instances", "1")

    def test_its_deployment_has_the_next_one(self):
        deployed = self.threads.submit(self.deploy)
        first = self.loading()
        os.kill(first, signal.SIGKILL)
        second = self.loading({first})
        support.write_files(self.folder, {"go": ""})
        deployed.result()
        self.assertEqual(self.node.request("GET", "/f")[::2], (200, str(second).encode()))

    def test_calls_that_wait_have_the_next_one(self):
        support.write_files(self.folder, {"go": ""})
        self.deploy()
        known = {self.loading()}
        self.node.terminate()
        self.node.start()
        os.unlink(os.path.join(self.folder, "go"))
        calls = [self.threads.submit(self.node.request, "GET", "/f") for _ in range(8)]
        first = self.loading(known)
        os.kill(first, signal.SIGKILL)
        second = self.loading(known | {first})
        support.write_files(self.folder, {"go": ""})
        self.assertEqual([call.result()[::2] for call in calls], [(200, str(second).encode())] * 8)

    def test_one_that_was_killed_before_it_read_its_code_counts_as_well(self):
        with support.Node(stem_cells=True) as node:
            node.deploy_files("f", "exports.handler = async () => String(process.pid);")
            used = int(node.request("GET", "/f")[2])
            support.wait_until(lambda: json.loads(node.admin("GET", "/v1/node")[2])["instances"]["generic"] >= 1,
                               "a generic worker")
            waiting = []
            for pid in node.pids():
                with open(f"/proc/{pid}/cmdline", "rb") as command:
                    if b"worker.cjs" in command.read() and pid != used:
                        os.kill(pid, signal.SIGSTOP)
                        waiting.append(pid)
            deployed = self.threads.submit(node.deploy_files, "g", "exports.handler = async () => 'well';")
            support.wait_until(lambda: total(metrics_of(node), "troupe_function_instances", function="g",
                                             state="starting"), "a worker that is to load")
            for pid in waiting:
                os.kill(pid, signal.SIGKILL)
            deployed.result()
            self.assertEqual(node.request("GET", "/g")[::2], (200, b"well"))

    def test_that_every_start_is_killed_is_told(self):
        done = self.node.deploy_files("f", "process.kill(process.pid, 'SIGKILL'); exports.handler = async () => '';",
                                      "--handler", "index.handler", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("signal: killed", done.stderr)


class BreakerTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(support.TempDir())
        self.starts_path, self.broken_path = os.path.join(folder, "starts"), os.path.join(folder, "broken")
        self.node = self.enterContext(support.Node())
        self.node.deploy_files("neighbor", "exports.handler = async () => 'well';")
        support.write_files(folder, {"broken": ""})
        done = self.node.deploy_files("f", CODE % (json.dumps(self.starts_path), json.dumps(self.broken_path)),
                                      "--handler", "index.handler", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the file is there", done.stderr)

    def starts(self):
        """When it was started, in ms."""
        with open(self.starts_path, encoding="ascii") as file:
            return [int(line) for line in file.read().split()]

    def cause(self):
        status, headers, _ = self.node.request("GET", "/f")
        return (status, headers.get("x-troupe-error"))

    def breaker(self):
        """What the metrics say of it."""
        return values(metrics_of(self.node), "troupe_function_breaker", "state", function="f")

    def wait_told(self, *events):
        """Until the node's log says this of breakers."""
        def told():
            lines = [json.loads(line) for line in self.node.log().splitlines() if '"event":"breaker_' in line]
            return [(line["event"], line["function"]) for line in lines]
        support.wait_until(lambda: told() == [(event, "f") for event in events], f"the lines {events}")

    def until_open(self):
        seen = []

        def is_open():
            seen.append(self.cause())
            return seen[-1] == (503, "breaker_open")
        support.wait_until(is_open, "the open breaker", 30)
        self.assertLessEqual(set(seen), {(500, "init_failed"), (503, "breaker_open")})

    def test_opens_after_five_starts_that_came_slower_and_slower(self):
        self.until_open()
        starts = self.starts()
        self.assertEqual(len(starts), 5)
        self.wait_told("breaker_opened")
        gaps = [later - earlier for earlier, later in zip(starts, starts[1:])]
        for gap, least in zip(gaps[1:], (95, 195, 395)):  # the first restart is at once
            self.assertGreaterEqual(gap, least, gaps)

    def test_refuses_without_a_start_while_it_is_open(self):
        self.until_open()
        began = time.monotonic()
        answers = [self.node.request("GET", "/f") for _ in range(50)]
        self.assertEqual({(status, headers["x-troupe-error"], headers["retry-after"])
                          for status, headers, _ in answers}, {(503, "breaker_open", "1")})
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(len(self.starts()), 5)
        status, headers, _ = self.node.admin("POST", "/2015-03-31/functions/f/invocations", b"{}")
        self.assertEqual((status, headers.get("x-amzn-errortype")), (503, "ServiceException"))
        self.assertEqual(self.node.request("GET", "/neighbor")[::2], (200, b"well"))

    def test_one_trial_closes_it(self):
        self.assertEqual(self.breaker(), {"closed": 1})
        self.until_open()
        self.assertEqual(self.breaker(), {"open": 1})
        os.unlink(self.broken_path)
        opened = self.starts()[-1]
        support.wait_until(lambda: self.cause()[0] == 200, "the trial that succeeds", 20)
        starts = self.starts()
        self.assertEqual(len(starts), 6, "a single trial")
        self.wait_told("breaker_opened", "breaker_closed")
        self.assertEqual(self.breaker(), {"closed": 1})
        self.assertGreaterEqual(starts[-1] - opened, 9500)
        self.assertLess(starts[-1] - opened, 14000)

    def test_a_failed_trial_keeps_it_open(self):
        self.until_open()
        support.wait_until(lambda: self.cause() and len(self.starts()) == 6, "the trial", 20)
        support.wait_until(lambda: self.cause() == (503, "breaker_open"), "refusals again", 5)
        self.assertEqual(len(self.starts()), 6)

    def test_a_deployment_forgets_it(self):
        self.until_open()
        self.node.deploy_files("f", "exports.handler = async () => 'mended';")
        self.assertEqual(self.node.request("GET", "/f")[::2], (200, b"mended"))

    def test_crashes_never_open_it(self):
        os.unlink(self.broken_path)
        self.node.deploy_files("f", CODE % (json.dumps(self.starts_path), json.dumps(self.broken_path)) + "// again")
        crashed = 0

        def six_crashes():
            nonlocal crashed
            status, headers, _ = self.node.request("GET", "/f/exit")
            self.assertIn((status, headers["x-troupe-error"]), ((500, "function_crashed"), (503, "overloaded")))
            crashed += status == 500
            return crashed >= 6
        support.wait_until(six_crashes, "six crashes in a row", 30)
        support.wait_until(lambda: self.cause()[0] == 200, "an answer", 30)


if __name__ == "__main__":
    unittest.main()
