"""What a request costs in system calls of the gateway's loop under load: at most 2.2, counted by strace."""
import re
import shutil
import subprocess
import unittest

import support
import wire
from system_calls import Counted, thread_named

MAX_CALLS_PER_REQUEST = 2.2
CONNECTIONS = 64


class SystemCallsTest(unittest.TestCase):
    def setUp(self):
        folder = support.TempDir()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)
        # A thread that is traced waits at each system call, the ones that measure calls among them: the node would take that
        # for the function's.
        self.node = support.Node("--set", "native.execution=inline")
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
