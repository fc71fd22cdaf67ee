"""What a request costs in system calls of the gateway's loop under load: at most 2.2, counted by strace."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import unittest

import support
import wire

MAX_CALLS_PER_REQUEST = 2.2
CONNECTIONS = 64


def thread_named(pid, name):
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == name:
                    return int(task)
    raise AssertionError(f"no thread {name} in {pid}")


class Counted:
    """Counts the system calls of one thread between enter and exit: `calls` {name: count}, `total`."""

    def __init__(self, thread, folder):
        self.report = os.path.join(folder, f"strace-{thread}")
        self.words = ["strace", "-c", "-o", self.report, "-p", str(thread)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        if "attached" not in said:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            raise AssertionError(f"strace does not attach: {said}")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(support.PATIENCE_S)
        self.process.stderr.close()
        self.calls = {}
        with open(self.report, encoding="utf-8") as report:
            for line in report:
                row = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*", line)
                if row and row[2] != "total":
                    self.calls[row[2]] = int(row[1])
        self.total = sum(self.calls.values())


class SystemCallsTest(unittest.TestCase):
    def setUp(self):
        folder = support.TempDir()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.node = support.Node()
        self.addCleanup(self.node.close)
        wire.deploy_hello(self.node)
        self.loop = thread_named(self.node.pid, "loop-0")

    def check(self, counted, requests):
        self.assertGreaterEqual(requests, 3000)
        self.assertGreaterEqual(counted.total, requests, "the loop was not the thread that was counted")
        self.assertLessEqual(counted.total / requests, MAX_CALLS_PER_REQUEST,
                             f"{counted.total} calls for {requests} requests: {counted.calls}")

    def load(self, request, rounds):
        clients = [self.node.connect() for _ in range(CONNECTIONS)]
        try:
            for client in clients:  # accepted and warm before anything is counted
                client.exchange(request)
            with Counted(self.loop, self.folder) as counted:
                for _ in range(rounds):
                    for client in clients:
                        client.send(request)
                    for client in clients:
                        self.assertEqual(client.response().status, 200)
            return counted
        finally:
            for client in clients:
                client.close()

    def test_64_connections_that_stay(self):
        rounds = 80
        self.check(self.load(wire.get(), rounds), rounds * CONNECTIONS)

    def test_64_connections_that_post(self):
        rounds = 60
        self.check(self.load(wire.post(b"b" * 200), rounds), rounds * CONNECTIONS)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_wrk(self):
        with Counted(self.loop, self.folder) as counted:
            done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", "-d2s",
                                   f"http://{self.node.host}:{self.node.port}/hello"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=support.PATIENCE_S, check=True)
        self.assertNotIn("Non-2xx", done.stdout)
        self.check(counted, int(re.search(r"(\d+) requests in", done.stdout)[1]))


if __name__ == "__main__":
    unittest.main()
