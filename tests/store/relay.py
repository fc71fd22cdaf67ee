"""Stands between the members of a store: each dials the others through it, so that what goes from one to another can be
held back, one way or both, as long as a test wants. Like a network it loses nothing: what was held back arrives later,
unless the connection was given up meanwhile.
"""
import contextlib
import errno
import selectors
import socket
import struct
import threading

PIECE = 65536
MAX_HELD = 1 << 20


class Relay:
    """A context manager. Members are told apart by the address that they dial from."""

    def __init__(self):
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._hosts = {}      # address that a member dials from -> its name
        self._targets = {}    # name -> (host, port)
        self._blocked = set()  # (from, to)
        self._listeners = []
        self._pairs = set()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._wake()
        self._thread.join()
        for pair in list(self._pairs):
            pair.close()
        for each in (*self._listeners, self._wake_out, self._wake_in, self._selector):
            each.close()

    def add(self, name, host):
        """The address at which others reach the member that dials from `host`: (host, port)."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.setblocking(False)
        with self._lock:
            self._hosts[host] = name
            self._listeners.append(listener)
            self._selector.register(listener, selectors.EVENT_READ, name)
        self._wake()
        return listener.getsockname()

    def aim(self, name, host, port):
        """Where the member listens now."""
        with self._lock:
            self._targets[name] = (host, port)

    def block(self, *ways):
        """Holds back everything on these ways, (from, to) each."""
        with self._lock:
            self._blocked.update(ways)
            self._review()
        self._wake()

    def heal(self):
        with self._lock:
            self._blocked.clear()
            self._review()
        self._wake()

    def _wake(self):
        with contextlib.suppress(BlockingIOError):
            self._wake_in.send(b"x")

    def _review(self):
        for pair in list(self._pairs):
            pair.watch()

    def is_blocked(self, way):
        return way in self._blocked

    def _run(self):
        while not self._stopping:
            for key, events in self._selector.select():
                with self._lock:
                    if key.data is None:
                        with contextlib.suppress(BlockingIOError):
                            self._wake_out.recv(PIECE)
                    elif isinstance(key.data, str):
                        self._accept(key.fileobj, key.data)
                    elif key.data.pair in self._pairs:
                        key.data.pair.on_ready(key.data, events)

    def _accept(self, listener, name):
        try:
            dialed, (host, _) = listener.accept()
        except OSError:  # whoever dialed is gone again
            return
        pair = Pair(self, self._selector, dialed, self._hosts.get(host, host), name)
        self._pairs.add(pair)
        pair.begin(self._targets.get(name))

    def forget(self, pair):
        self._pairs.discard(pair)


class End:
    """One of the two connections of a pair; `held` waits to be sent on it."""

    def __init__(self, pair, sock):
        self.pair = pair
        self.socket = sock
        self.held = bytearray()
        self.ready = True     # False while it is being connected
        self.finished = False  # nothing more comes from it
        self.events = 0


class Pair:
    def __init__(self, relay, selector, dialed, source, target):
        self.relay = relay
        self.selector = selector
        self.source = source
        self.target = target
        self.near = End(self, dialed)
        self.far = End(self, socket.socket())
        for end in (self.near, self.far):
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self, where):
        self.far.ready = False
        if where is None or self.far.socket.connect_ex(where) not in (0, errno.EINPROGRESS):
            return self.close()
        self.watch()

    def way_from(self, end):
        return (self.source, self.target) if end is self.near else (self.target, self.source)

    def other(self, end):
        return self.far if end is self.near else self.near

    def watch(self):
        """Asks the selector for what can be done now."""
        for end in (self.near, self.far):
            wanted = 0
            blocked = self.relay.is_blocked(self.way_from(end))
            if end.ready and not end.finished and not blocked and len(self.other(end).held) < MAX_HELD:
                wanted |= selectors.EVENT_READ
            incoming = self.relay.is_blocked(self.way_from(self.other(end)))
            if not end.ready or (end.held and not incoming):
                wanted |= selectors.EVENT_WRITE
            if wanted == end.events:
                continue
            if end.events == 0:
                self.selector.register(end.socket, wanted, end)
            elif wanted == 0:
                self.selector.unregister(end.socket)
            else:
                self.selector.modify(end.socket, wanted, end)
            end.events = wanted

    def on_ready(self, end, events):
        if not end.ready:
            if end.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                return self.close()
            end.ready = True
        try:
            if events & selectors.EVENT_READ and end.events & selectors.EVENT_READ:
                piece = end.socket.recv(PIECE)
                self.other(end).held += piece
                end.finished = not piece
            if end.held and end.ready and events & selectors.EVENT_WRITE:
                del end.held[:end.socket.send(end.held)]
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        if end.finished and not self.other(end).held:
            return self.close()
        if self.other(end).finished and not end.held:
            return self.close()
        self.watch()

    def close(self):
        self.relay.forget(self)
        for end in (self.near, self.far):
            if end.events:
                self.selector.unregister(end.socket)
                end.events = 0
            with contextlib.suppress(OSError):  # a reset, as when a process dies
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.socket.close()
