"""An open-loop client: requests leave at instants fixed beforehand, whether or not earlier ones are answered. A client that
waits for answers slows down together with the node and so hides that it is overloaded.
"""
import collections
import errno
import select
import socket
import time

import support

# `number` counts a client's requests from 0, `sent` is an instant of time.monotonic(), `took_s` the time from there to the last byte of the answer. `outcome` is
# `answered`, `broken` (the connection ended before the whole answer) or `silent`.
Asked = collections.namedtuple("Asked", "number sent took_s outcome status cause retry_after body")

# How long a request may stay without an answer; the gateway's own limit is 30 s.
SILENCE_S = support.PATIENCE_S


class _Connection:
    def __init__(self, address, source):
        self.address = address
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            self.socket.setsockopt(socket.IPPROTO_IP, support.IP_BIND_ADDRESS_NO_PORT, 1)
            self.socket.bind((source, 0))
        self.socket.connect_ex(address)
        self.unsent = b""
        self.received = b""
        self.number = self.sent_at = None

    def parse(self):
        """(status, fields, body) of the whole answer that has been received, or None."""
        head, mark, rest = self.received.partition(b"\r\n\r\n")
        if not mark:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(fields.get("content-length", "0"))
        if len(rest) < length:
            return None
        if len(rest) > length:
            raise AssertionError(f"more than one answer to one request: {self.received[:300]!r}")
        return int(first.split(" ", 2)[1]), fields, rest


class OpenLoop:
    """Sends `request` (bytes, or a function of the request's number that gives them) to `node`, on as many connections as
    it takes, which are kept. `source` is the address to connect from."""

    def __init__(self, node, request, source=None):
        self._address = (node.host, node.port)
        self._request = request if callable(request) else lambda _: request
        self._source = source
        self._poll = select.epoll()
        self._all = {}
        self._idle = []
        self._numbers = 0
        self._looked = 0.0
        self._stopping = False
        self.asked = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in list(self._all.values()):
            self._forget(each)
        self._poll.close()

    @property
    def waiting(self):
        """How many requests are not answered."""
        return len(self._all) - len(self._idle)

    def run(self, per_s, seconds):
        """Requests at this rate for so long, then until all of them are answered: what was asked, in order of the ends.
        `stop` from another thread ends it early."""
        begin = len(self.asked)
        started = time.monotonic()
        count = max(1, round(per_s * seconds))
        sent = 0
        while sent < count and not self._stopping or self.waiting:
            now = time.monotonic()
            while sent < count and not self._stopping and started + sent / per_s <= now:
                self._send(now)
                sent += 1
                now = time.monotonic()
            due = started + sent / per_s - now if sent < count else 0.1
            for descriptor, events in self._poll.poll(max(0.0, min(due, 0.1))):
                if descriptor in self._all:
                    self._on_events(self._all[descriptor], events)
            self._expire(time.monotonic())
        return self.asked[begin:]

    def stop(self):
        self._stopping = True

    def _send(self, now):
        if self._idle:
            connection = self._idle.pop()
        else:
            connection = _Connection(self._address, self._source)
            self._all[connection.socket.fileno()] = connection
            self._poll.register(connection.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        connection.unsent = self._request(self._numbers)
        connection.number, connection.sent_at = self._numbers, now
        self._numbers += 1
        self._write(connection)

    def _write(self, connection):
        try:
            while connection.unsent:
                connection.unsent = connection.unsent[connection.socket.send(connection.unsent):]
        except BlockingIOError:
            pass
        except OSError as problem:
            if problem.errno != errno.ENOTCONN:  # the connection is being made: its end will tell
                self._end(connection, "broken", None)

    def _on_events(self, connection, events):
        if connection.unsent and events & select.EPOLLOUT:
            self._write(connection)
        if not events & ~select.EPOLLOUT or connection.socket.fileno() < 0:
            return
        while True:
            try:
                piece = connection.socket.recv(262144)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                if connection.sent_at is not None:
                    self._end(connection, "broken", None)
                elif connection in self._idle:
                    self._idle.remove(connection)
                    self._forget(connection)
                return
            connection.received += piece
        if connection.sent_at is None:
            raise AssertionError(f"bytes without a request: {connection.received[:300]!r}")
        answer = connection.parse()
        if answer is not None:
            self._end(connection, "answered", answer)

    def _end(self, connection, outcome, answer):
        status, fields, body = answer if answer else (None, {}, b"")
        self.asked.append(Asked(connection.number, connection.sent_at, time.monotonic() - connection.sent_at, outcome, status,
                                fields.get("x-troupe-error"), fields.get("retry-after"), body))
        connection.sent_at, connection.received, connection.unsent = None, b"", b""
        if outcome == "answered" and fields.get("connection", "").lower() != "close":
            self._idle.append(connection)
        else:
            self._forget(connection)

    def _forget(self, connection):
        self._all.pop(connection.socket.fileno(), None)
        connection.socket.close()

    def _expire(self, now):
        if self.waiting and now - self._looked > 1:
            self._looked = now
            for each in [one for one in self._all.values() if one.sent_at is not None and now - one.sent_at > SILENCE_S]:
                self._end(each, "silent", None)


def percentile(values, share):
    """The smallest of the values that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def p99_s(asked):
    return percentile([each.took_s for each in asked], 0.99)


def served(asked):
    return [each for each in asked if each.status == 200]


def refused(asked):
    return [each for each in asked if each.status == 503]
