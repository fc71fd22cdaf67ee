"""Raw requests to a node's edge: many connections at once, floods, and what the node's process spends on them."""
import contextlib
import fcntl
import os
import select
import struct
import termios
import time
import unittest

import support

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Proves that a connection is still open and in step: its answer comes, and only then the end.
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def get(path="/hello", *fields):
    """A GET on HTTP/1.1 with these fields (text, without CRLF) behind Host."""
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: a", *fields, "")).encode("latin-1")


def post(body, path="/hello", *fields):
    return "".join(f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}",
                                              *fields, "")).encode("latin-1") + body


class Fence:
    """Says when a node with one loop has read what was sent before, so that the next bytes come in a read of their own.

    An epoll set hands out events in the order in which they came. Two requests, because sockets that were accepted in
    the turn of the first one are read behind it.
    """

    def __init__(self, node, connect=None):
        self.client = (connect or node.connect)()

    def close(self):
        self.client.close()

    def wait(self):
        for _ in range(2):
            self.client.exchange(get("/fence"))


def converse(node, fence, scripts, until_answered=()):
    """Sends each script (a list of segments) on its own connection, side by side, each segment in a read of its own.

    Returns for each the list of responses up to the clean end of the connection, or the exception that came instead.
    until_answered  the indices of scripts that are not sent on once there is an answer to read
    """
    clients = [node.connect() for _ in scripts]
    results = []
    try:
        for step in range(max(len(script) for script in scripts)):
            for index, (client, script) in enumerate(zip(clients, scripts)):
                if step < len(script) and not (index in until_answered and is_readable(client)):
                    with contextlib.suppress(OSError):  # reading tells what happened
                        client.send(script[step])
            fence.wait()
        for client in clients:
            try:
                results.append(client.responses())
            except (OSError, EOFError, AssertionError) as problem:
                results.append(problem)
        return results
    finally:
        for client in clients:
            client.close()


def is_readable(client, timeout_s=0):
    return bool(select.select([client.socket], [], [], timeout_s)[0])


def flood(node, head, block, count):
    """Sends `head`, then `block` `count` times, whatever comes back, then reads: (responses, seconds until the first).

    The node half-closes behind a refusal, so that the answer and a clean end can be read even when it has stopped
    taking bytes (EPIPE). A reset instead is an error.
    """
    with node.connect() as client:
        begun = time.monotonic()
        answered = None
        try:
            client.send(head)
            for _ in range(count):
                client.send(block)
                if answered is None and is_readable(client):
                    answered = time.monotonic() - begun
        except BrokenPipeError:
            pass
        responses = client.responses()
        return responses, time.monotonic() - begun if answered is None else answered


def memory_bytes(pid, field):
    """VmRSS or VmHWM of a process."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of {pid}")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Spending:
    """Of a process between enter and exit: `peak_growth` (bytes above the resident memory at the start) and `cpu_s`."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="utf-8") as reset_peak:
            reset_peak.write("5")
        self._rss = memory_bytes(self.pid, "VmRSS")
        self._cpu = cpu_s(self.pid)
        return self

    def __exit__(self, *_):
        self.peak_growth = memory_bytes(self.pid, "VmHWM") - self._rss
        self.cpu_s = cpu_s(self.pid) - self._cpu


def deploy_hello(node):
    node.deploy(support.NATIVE_HELLO, "--name", "hello")


def has_arrived(client):
    """Whether everything that was sent is with the node's kernel."""
    return struct.unpack("i", fcntl.ioctl(client.socket, termios.TIOCOUTQ, b"\0" * 4))[0] == 0


def held_sockets(node_port):
    """Of the connections to that port whose end the node still owns: {port of the client: bytes it has not read}. What it
    closed may be on its way for long."""
    found = {}
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            own, other = (int(fields[column].rsplit(":", 1)[1], 16) for column in (1, 2))
            if own == node_port and other and fields[9] != "0":  # the inode: 0 once no process has the socket
                found[other] = int(fields[4].split(":")[1], 16)
    return found


def unread_bytes(client):
    """How much of what came from this client its node has left with its kernel. None before it has accepted it."""
    return held_sockets(client.socket.getpeername()[1]).get(client.socket.getsockname()[1])


def is_held(client):
    """Whether the node still owns its end of this connection."""
    client_port = client.socket.getsockname()[1]
    try:
        node_port = client.socket.getpeername()[1]
    except OSError:
        return False  # reset
    return client_port in held_sockets(node_port)


class HelloNodeTest(unittest.TestCase):
    """Cases that share one node with the native function `hello`; `flags` are the node's."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.node = support.Node(*cls.flags)
        try:
            deploy_hello(cls.node)
        except BaseException:
            cls.node.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.node.close()
