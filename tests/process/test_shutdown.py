"""Going down: whoever got through to the node gets an answer, what runs finishes or is told, nothing stays behind."""
import os
import signal
import socket
import threading
import time
import unittest

import support
import wire

WAIT = """
const fs = require('fs');
// Says that it runs, then waits as long as the query asks.
exports.handler = async (event) => {
  fs.appendFileSync(process.env.STARTED, 'x');
  await new Promise((done) => setTimeout(done, Number(event.queryStringParameters.ms)));
  return { statusCode: 200, body: 'finished' };
};
"""


class Load:
    """Threads that open new connections all the time, and others that keep theirs alive, until the port refuses.

    A connection that was made and whose request was sent must be answered in full. `failures` lists the others.
    """

    def __init__(self, node, openers=6, keepers=6):
        self.address = (node.host, node.port)
        self.failures = []
        self.answered = 0
        self.answered_after = 0
        self.told_to_close = 0
        self.going_down = False
        self._lock = threading.Lock()
        self._give_up_at = time.monotonic() + support.PATIENCE_S
        self.threads = [threading.Thread(target=self._run, args=(keep,))
                        for keep in [False] * openers + [True] * keepers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._give_up_at = min(self._give_up_at, time.monotonic() + support.PATIENCE_S)
        for thread in self.threads:
            thread.join()

    def join(self):
        for thread in self.threads:
            thread.join()

    def _run(self, keep):
        while time.monotonic() < self._give_up_at:
            try:
                client = support.RawClient(*self.address)
            except ConnectionRefusedError:
                return
            except OSError as problem:
                self.failures.append(f"connect: {problem!r}")
                return
            with client:
                try:
                    while self._ask(client) and keep:
                        pass
                except (OSError, EOFError, AssertionError) as problem:
                    self.failures.append(f"{'kept' if keep else 'new'} connection: {problem!r}")
                    return

    def _ask(self, client):
        """One request; whether the connection may be used again."""
        going_down = self.going_down
        answer = client.exchange(wire.get("/hello"))
        stays = (answer.header("connection") or "").lower() != "close"
        with self._lock:
            self.answered += 1
            self.answered_after += going_down
            self.told_to_close += not stays
        if answer.status != 200:
            raise AssertionError(f"answered {answer}")
        if not stays and client.rest():
            raise AssertionError("bytes behind the last answer")
        return stays


class ShutdownUnderLoadTest(unittest.TestCase):
    def under_load(self, signal_number=signal.SIGTERM, **how):
        with support.Node(loops=2, **how) as node:
            wire.deploy_hello(node)
            node.pids()
            with Load(node) as load:
                support.wait_until(lambda: load.answered > 500 or load.failures, "load")
                load.going_down = True
                node.process.send_signal(signal_number)
                code = node.process.wait(support.PATIENCE_S)
                load.join()
            self.assertEqual(load.failures, [])
            self.assertEqual(code, 0, node.log())
            self.assertGreater(load.told_to_close, 0)
            support.wait_until(lambda: not node.pids()[1:], "end of the processes below the node", 2)
            return load

    def test_every_accepted_connection_is_answered(self):
        for announce_ms in (0, 0, 200):
            with self.subTest(announce_ms=announce_ms):
                self.under_load(announce_ms=announce_ms)

    def test_sigint_is_the_same(self):
        self.under_load(signal.SIGINT)

    def test_new_connections_are_served_while_it_is_announced(self):
        load = self.under_load(announce_ms=1000)

        self.assertGreater(load.answered_after, 100)


class ShutdownTest(unittest.TestCase):
    def setUp(self):
        folder = support.TempDir()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.started = os.path.join(self.folder, "started")

    def start(self, *flags, **how):
        node = support.Node(*flags, **how)
        self.addCleanup(node.close)
        return node

    def deploy_wait(self, node):
        source = os.path.join(self.folder, "wait")
        support.write_files(source, {"index.js": WAIT})
        node.deploy(source, "--runtime", "nodejs20", "--handler", "index.handler", "--env", f"STARTED={self.started}",
                    "--timeout-s", "60")
        node.pids()

    def call_wait(self, node, ms):
        """A client whose call runs in the function."""
        client = node.connect()
        self.addCleanup(client.close)
        client.send(wire.get(f"/wait?ms={ms}"))
        support.wait_until(lambda: os.path.exists(self.started), "start of the call")
        return client

    def test_an_idle_node_ends_at_once(self):
        node = self.start(announce_ms=None)
        node.pids()
        begun = time.monotonic()

        self.assertEqual(node.terminate(), 0)

        self.assertLess(time.monotonic() - begun, 2)
        support.wait_until(lambda: not node.pids()[1:], "end of the processes below the node", 2)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((node.host, node.port)).close()

    def test_a_running_call_finishes(self):
        node = self.start()
        self.deploy_wait(node)
        client = self.call_wait(node, 1500)

        node.process.send_signal(signal.SIGTERM)
        answer = client.response()

        self.assertEqual((answer.status, answer.body), (200, b"finished"))
        self.assertEqual(answer.header("connection"), "close")
        self.assertTrue(client.is_closed())
        self.assertEqual(node.process.wait(support.PATIENCE_S), 0)
        support.wait_until(lambda: not node.pids()[1:], "end of the workers", 2)

    def test_a_running_invoke_of_the_admin_port_finishes(self):
        node = self.start()
        self.deploy_wait(node)
        client = support.RawClient(*node.admin_address.rsplit(":", 1))
        self.addCleanup(client.close)
        event = b'{"queryStringParameters":{"ms":"1500"}}'
        client.send(b"POST /2015-03-31/functions/wait/invocations HTTP/1.1\r\nhost: localhost\r\n"
                    b"content-length: %d\r\n\r\n" % len(event), event)
        support.wait_until(lambda: os.path.exists(self.started), "start of the call")

        node.process.send_signal(signal.SIGTERM)
        answer = client.response()

        self.assertEqual((answer.status, answer.header("x-amz-function-error")), (200, None), answer)
        self.assertEqual(node.process.wait(support.PATIENCE_S), 0)

    def test_a_call_beyond_the_drain_timeout_is_answered_503(self):
        node = self.start("--set", "drain.timeout=500ms")
        self.deploy_wait(node)
        client = self.call_wait(node, 50_000)
        begun = time.monotonic()

        node.process.send_signal(signal.SIGTERM)
        answer = client.response()
        took_s = time.monotonic() - begun

        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.header("x-troupe-error"), "draining")
        self.assertIsNotNone(answer.header("retry-after"))
        self.assertTrue(client.is_closed())
        self.assertGreater(took_s, 0.45)
        self.assertLess(took_s, 5)
        self.assertEqual(node.process.wait(10), 0)
        support.wait_until(lambda: not node.pids()[1:], "end of the workers", 2)

    def test_a_second_signal_ends_it_at_once(self):
        node = self.start()
        self.deploy_wait(node)
        self.call_wait(node, 50_000)
        node.process.send_signal(signal.SIGTERM)
        support.wait_until(lambda: node.admin("GET", "/readyz")[0] == 503, "the drain")
        begun = time.monotonic()

        node.process.send_signal(signal.SIGTERM)
        node.process.wait(support.PATIENCE_S)

        self.assertLess(time.monotonic() - begun, 1)
        support.wait_until(lambda: not node.pids()[1:], "end of the workers", 2)

    def test_readiness_goes_first_and_answers_say_close(self):
        node = self.start(announce_ms=2000)
        wire.deploy_hello(node)
        kept = node.connect()
        self.addCleanup(kept.close)
        self.assertIsNone(kept.exchange(wire.get("/hello")).header("connection"))

        node.process.send_signal(signal.SIGTERM)
        support.wait_until(lambda: node.admin("GET", "/readyz")[0] == 503, "readiness to go off")

        self.assertEqual(node.admin("GET", "/healthz")[0], 200)
        with node.connect() as fresh:
            answer = fresh.exchange(wire.get("/hello"))
            self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
            self.assertTrue(fresh.is_closed())
        answer = kept.exchange(wire.get("/hello"))
        self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
        self.assertTrue(kept.is_closed())
        self.assertEqual(node.process.wait(support.PATIENCE_S), 0)

    def test_a_silent_connection_holds_it_for_drain_idle_only(self):
        node = self.start("--set", "drain.idle=700ms")
        silent = node.connect()
        self.addCleanup(silent.close)
        used = node.connect()
        self.addCleanup(used.close)
        used.exchange(wire.get("/unknown"))
        begun = time.monotonic()

        self.assertEqual(node.terminate(), 0)

        took_s = time.monotonic() - begun
        self.assertGreater(took_s, 0.6)
        self.assertLess(took_s, 4)
        self.assertTrue(silent.is_closed())
        self.assertTrue(used.is_closed())

    def test_half_a_request_at_the_signal_is_answered(self):
        node = self.start()
        wire.deploy_hello(node)
        with node.connect() as client:
            begun_body = wire.post(b"0123456789")
            client.send(begun_body[:-5])
            node.request("GET", "/hello")
            node.process.send_signal(signal.SIGTERM)
            support.wait_until(lambda: node.admin("GET", "/readyz")[0] == 503, "the drain")

            answer = client.exchange(begun_body[-5:])

            self.assertEqual((answer.status, answer.body), (200, b"0123456789"))
            self.assertEqual(answer.header("connection"), "close")
        self.assertEqual(node.process.wait(support.PATIENCE_S), 0)

    def test_a_pipeline_that_was_read_is_answered(self):
        node = self.start()
        self.deploy_wait(node)
        wire.deploy_hello(node)
        client = self.call_wait(node, 1000)
        client.send(wire.get("/hello"))

        node.process.send_signal(signal.SIGTERM)
        first = client.response()

        # The first answer says close: what came behind it was not begun, and the client knows that (RFC 9112 9.6).
        self.assertEqual((first.status, first.header("connection")), (200, "close"))
        self.assertTrue(client.is_closed())
        self.assertEqual(node.process.wait(support.PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
