"""A TCP relay between the nodes of a cluster: each link, told by who dials whom, is slow, half-open or cut as told; and what
goes from one host to another, whoever dialed, is held back as long as a test wants. Like a network it loses nothing.

Nodes listen where only the relay dials, and advertise an address of the relay (`Member(advertise=...)`).
"""
import asyncio
import collections
import contextlib
import socket
import struct
import threading

import support

_MOST_BYTES_WAITING = 1 << 20
_PIECE = 65536


class _Link:
    """How the connections that one host dials to another behave; on the relay's loop."""

    def __init__(self):
        self.delay_s = 0.0
        self.flows = _opened()
        self.refuses = False
        self.connections = set()
        self.bytes = 0


def _opened():
    gate = asyncio.Event()
    gate.set()
    return gate


class Relay:
    """Accepts at `listen(...)` and passes on. Its methods may be called from any thread while it is entered."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._links = collections.defaultdict(_Link)
        self._ways = collections.defaultdict(_opened)  # (from, to), hosts
        self._ports = {}
        self._servers = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def listen(self, here, there):
        """Passes what is dialed at `here` (host, port) on to `there`; links are named by the host of `there`, whose port may
        be None until `aim`. @returns the address, with the port that it got for 0."""
        async def start():
            server = await asyncio.start_server(lambda reader, writer: self._serve(reader, writer, there), *here)
            self._servers.append(server)
            return server.sockets[0].getsockname()
        return self._run(start())

    def aim(self, host, port):
        """What goes to a host without a port is for this one from now on."""
        self._ports[host] = port

    def block(self, *ways):
        """Holds back everything on these ways, (from, to) each, hosts as text, until `heal`."""
        self._gates(lambda: [self._ways[way].clear() for way in ways])

    def heal(self):
        self._gates(lambda: [way.set() for way in self._ways.values()])

    def delay(self, dialer, target, seconds):
        """From now on each byte of the link arrives so much later, in both directions. Hosts as text."""
        self._change(dialer, target, lambda link: setattr(link, "delay_s", seconds))

    def freeze(self, dialer, target):
        """Stops reading on the link: its connections stay open, new ones too, and nothing comes through."""
        self._change(dialer, target, lambda link: link.flows.clear())

    def thaw(self, dialer, target):
        self._change(dialer, target, lambda link: link.flows.set())

    def reset(self, dialer, target, again="may dial"):
        """Ends the link's connections with RST on both sides; new ones too, unless it `may dial` again."""
        def cut(link):
            link.refuses = again != "may dial"
            for connection in list(link.connections):
                _reset(connection)
        self._change(dialer, target, cut)

    def restore(self, dialer, target):
        """After `reset`: lets the dialer through again."""
        self._change(dialer, target, lambda link: setattr(link, "refuses", False))

    def passed(self, dialer, target):
        """Bytes that have come through the link, both ways."""
        return self._links[dialer, target].bytes

    def _change(self, dialer, target, change):
        async def apply():
            change(self._links[dialer, target])
        self._run(apply())

    def _gates(self, change):
        async def apply():
            change()
        self._run(apply())

    def _run(self, job):
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(support.PATIENCE_S)

    async def _stop(self):
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer, there):
        dialer, target = writer.get_extra_info("peername")[0], there[0]
        link = self._links[dialer, target]
        port = there[1] or self._ports.get(target)
        if link.refuses or port is None:
            return _reset(writer)
        onward = None
        link.connections.add(writer)
        try:
            onward_reader, onward = await asyncio.open_connection(target, port)
            link.connections.add(onward)
            await asyncio.gather(self._pump(link, self._ways[dialer, target], reader, onward),
                                 self._pump(link, self._ways[target, dialer], onward_reader, writer))
        except OSError:
            _reset(writer)  # as the target did: nobody listens there, or it broke the connection
        finally:
            for each in (writer, onward):
                link.connections.discard(each)
                if each is not None:
                    each.close()

    async def _pump(self, link, way, reader, writer):
        """Passes bytes on until the end of the stream, which is passed on too. What waits is bounded."""
        waiting = asyncio.Queue(_MOST_BYTES_WAITING // _PIECE)
        delivery = asyncio.ensure_future(self._deliver(link, way, waiting, writer))
        try:
            while True:
                await self._passable(link, way)
                piece = await reader.read(_PIECE)
                await self._passable(link, way)
                await waiting.put((self._loop.time() + link.delay_s, piece))
                if not piece or delivery.done():
                    break
            await delivery
        finally:
            delivery.cancel()

    @staticmethod
    async def _passable(link, way):
        while not (link.flows.is_set() and way.is_set()):
            await link.flows.wait()
            await way.wait()

    async def _deliver(self, link, way, waiting, writer):
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(due - self._loop.time())
            await way.wait()
            if not piece:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            link.bytes += len(piece)  # before anybody can have it
            writer.write(piece)
            await writer.drain()


def _reset(writer):
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
