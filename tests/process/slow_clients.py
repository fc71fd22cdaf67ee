"""Clients that are slow on purpose, hundreds of them on one thread: they send or read a little now and then."""
import contextlib
import socket
import threading

import support

INTERVAL_S = 0.25


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
