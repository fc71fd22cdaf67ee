"""What a lone call costs in system calls of its loop, with nothing that could share them: one wait, one read and one write
for each way of the bytes."""
import time
import unittest

import support
import wire
from system_calls import Counted, Traced, thread_named

HELLO = "exports.handler = async () => 'hello';"
CALLS = 500
# Ticks and pings come by the clock, not by the call.
OTHERS_PER_S = 100


class LoneCallTest(unittest.TestCase):
    def setUp(self):
        folder = support.TempDir()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)

    def check(self, node, path, per_call):
        client = node.connect()
        try:
            self.assertEqual(client.exchange(wire.get(path)).status, 200)
            with Counted(thread_named(node.pid, "loop-0"), self.folder) as counted:
                for _ in range(CALLS):
                    self.assertEqual(client.exchange(wire.get(path)).status, 200)
        finally:
            client.close()
        # What ticks look at (memory of workers, the clock's next alarm) is not of the calls.
        passed = sum(counted.calls.get(name, 0) for name in ("epoll_wait", "recvfrom", "sendto"))
        self.assertGreaterEqual(passed, per_call * CALLS // 2, "the loop was not the thread that was counted")
        self.assertLessEqual(passed, per_call * CALLS + OTHERS_PER_S * counted.seconds, f"{CALLS} calls: {counted.calls}")

    def test_after_a_rest_a_call_is_sent_before_its_worker_is_looked_at(self):
        with support.Node() as node:
            node.deploy_files("hello", HELLO)
            client = node.connect()
            self.addCleanup(client.close)
            self.assertEqual(client.exchange(wire.get("/hello")).status, 200)
            time.sleep(0.3)  # the rest
            with Traced(thread_named(node.pid, "loop-0"), self.folder, "openat,sendto") as traced:
                self.assertEqual(client.exchange(wire.get("/hello")).status, 200)
            looks = [i for i, line in enumerate(traced.lines) if "schedstat" in line]
            sent = [i for i, line in enumerate(traced.lines) if line.startswith("sendto(")]
            self.assertTrue(looks and sent, traced.lines)
            self.assertLess(sent[0], looks[0], traced.lines)

    def test_a_worker_process_is_asked_and_answers(self):
        with support.Node() as node:
            node.deploy_files("hello", HELLO)
            self.check(node, "/hello", 6)


if __name__ == "__main__":
    unittest.main()
