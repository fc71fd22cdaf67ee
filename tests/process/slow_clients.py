"""Clients that are slow on purpose, hundreds of them on one thread: they send or read a little now and then."""
import contextlib
import socket
import threading
import unittest

import load
import open_loop
import support
import wire
from open_loop import OpenLoop

INTERVAL_S = 0.25
RATE, SECONDS = 200, 2
FAST = "exports.handler = () => new Promise((done) => setTimeout(() => done('done'), 20));"
LARGE_BYTES = 6_000_000
LARGE = f"const large = 'x'.repeat({LARGE_BYTES}); exports.handler = async () => large;"
MIB = 1 << 20
# Beside the bodies themselves: connections, what is read at a time, and answers on their way through the node.
SLACK_BYTES = 32 * MIB


class SlowClients:
    """`count` connections to `node` within the block. `begin(socket, number)` is called once for each of them, then `go_on`
    on all of them in turn each INTERVAL_S. Ends of connections are not this class's business: `open` tells which last."""

    def __init__(self, node, count, begin, go_on, receive_bytes=None):
        self._begin, self._go_on = begin, go_on
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sockets = []
        try:
            for _ in range(count):
                self.sockets.append(self._connect(node, receive_bytes))
        except BaseException:
            self._close()
            raise

    @staticmethod
    def _connect(node, receive_bytes):
        client = socket.socket()
        client.settimeout(support.PATIENCE_S)
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.connect((node.host, node.port))
        return client

    def __enter__(self):
        try:
            for number, each in enumerate(self.sockets):
                with contextlib.suppress(ConnectionError):
                    self._begin(each, number)
        except BaseException:
            self._close()
            raise
        for each in self.sockets:
            with contextlib.suppress(OSError):  # closed in the beginning
                each.setblocking(False)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._close()

    def _close(self):
        for each in self.sockets:
            each.close()

    def _run(self):
        while not self._stop.wait(INTERVAL_S):
            for each in self.sockets:
                with contextlib.suppress(OSError):  # nothing to read, no room, or turned away
                    self._go_on(each)


def slow_heads(node, count):
    def begin(client, _):
        client.sendall(b"GET /fast HTTP/1.1\r\nHost: a\r\nX: ")
    return SlowClients(node, count, begin, lambda client: client.send(b"x"))


def slow_bodies(node, count, at_once=1000, announced=6_000_000):
    """Each sends `at_once` bytes of its body, then one at a time."""
    start = (f"POST /fast HTTP/1.1\r\nHost: a\r\nContent-Length: {announced}\r\n\r\n").encode() + b"b" * at_once
    return SlowClients(node, count, lambda client, _: client.sendall(start), lambda client: client.send(b"b"))


def slow_readers(node, count, path="/large"):
    """Each asks for an answer that is large, one after the other, and takes a thousand bytes of it at a time; whoever is
    refused goes."""
    def begin(client, _):
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        if client.recv(len("HTTP/1.1 200"), socket.MSG_WAITALL) != b"HTTP/1.1 200":
            client.close()
    return SlowClients(node, count, begin, lambda client: client.recv(1000), receive_bytes=8192)


class SlowClientsCase(unittest.TestCase):
    """A node with a function for the fast client and one whose answers are large."""
    flags = ()
    loops = 2

    def setUp(self):
        self.node = self.enterContext(support.Node(*self.flags, loops=self.loops))
        self.node.deploy_files("fast", FAST, "--max-instances", "1", "--concurrency", "100")
        self.node.deploy_files("large", LARGE, "--max-instances", "1", "--timeout-s", "60")
        # What is made once is there before it is counted.
        for _ in range(3):
            self.assert_large_answer()

    def assert_large_answer(self):
        status, _, body = self.node.request("GET", "/large")
        self.assertEqual((status, len(body)), (200, LARGE_BYTES))

    def fast_s(self):
        """The p99 of the fast client, all of whose requests are answered."""
        with OpenLoop(self.node, wire.get("/fast")) as client:
            asked = client.run(RATE, SECONDS)
        self.assertEqual({(each.outcome, each.status) for each in asked}, {("answered", 200)})
        return open_loop.p99_s(asked)

    def resident(self):
        return load.resident_bytes(self.node.pid)

    def lasting(self, slow):
        """How many of them the node has not ended."""
        held = wire.held_sockets(self.node.port)
        return sum(each.fileno() >= 0 and each.getsockname()[1] in held for each in slow.sockets)
