"""The worker's end of the socket pair: frames in, frames out. What they mean is python_main's business.

A frame is a little-endian u32 length and a msgpack array [kind, call id, fields...]; the kinds are those of
functions/frame.hpp. Only the values that frames are made of are known here: unsigned integers, str, bin, nil.
"""
import os
import socket
import struct
import threading

HELLO, LOAD, LOADED, CALL, ANSWER, ERROR = 1, 2, 3, 4, 5, 6
CANCEL, CANCELLED, LOG, PING, PONG, STOP = 8, 9, 10, 11, 12, 13

_READ_BYTES = 262144
# The node never sends more than an event, an invocation id and a client context: the most that the setting
# worker.max_payload_bytes may be, and what lies around it.
_LONGEST_FRAME = 257 * 1024 * 1024

_u16 = struct.Struct('>H').unpack_from
_u32 = struct.Struct('>I').unpack_from
_u64 = struct.Struct('>Q').unpack_from
_length = struct.Struct('<I').unpack_from
_head = struct.Struct('>BBBQ').pack
_bin = struct.Struct('>BI').pack
_prefix = struct.Struct('<I').pack


class Broken(Exception):
    """The node sent what is no frame."""


class Gone(Exception):
    """The node takes nothing more."""


def _uint(data, at):
    lead = data[at]
    if lead < 0x80:
        return lead, at + 1
    if lead == 0xcf:
        return _u64(data, at + 1)[0], at + 9
    if lead == 0xce:
        return _u32(data, at + 1)[0], at + 5
    if lead == 0xcd:
        return _u16(data, at + 1)[0], at + 3
    if lead == 0xcc:
        return data[at + 1], at + 2
    raise Broken('a value that is no number')


def _text(data, at):
    """A str or bin as text; nil is an empty one."""
    lead = data[at]
    if 0xa0 <= lead < 0xc0:
        begin, size = at + 1, lead & 31
    elif lead in (0xc6, 0xdb):
        begin, size = at + 5, _u32(data, at + 1)[0]
    elif lead in (0xc4, 0xd9):
        begin, size = at + 2, data[at + 1]
    elif lead in (0xc5, 0xda):
        begin, size = at + 3, _u16(data, at + 1)[0]
    elif lead == 0xc0:
        return '', at + 1
    else:
        raise Broken('a value that is no text')
    end = begin + size
    if end > len(data):
        raise Broken('a frame that is cut short')
    return str(data[begin:end], 'utf-8', 'replace'), end


def _decode(data):
    """One frame without its length as (kind, call id, fields)."""
    try:
        lead = data[0]
        if lead != 0xdc and lead & 0xf0 != 0x90:
            raise Broken('a frame that is no array')
        kind, at = _uint(data, 3 if lead == 0xdc else 1)
        call_id, at = _uint(data, at)
        fields = None
        if kind == CALL:
            event, at = _text(data, at)
            invocation_id, at = _text(data, at)
            deadline, at = _uint(data, at)
            trace, at = _text(data, at)
            fields = (event, invocation_id, deadline, trace, _text(data, at)[0])
        elif kind == LOAD:
            fields = _text(data, at)[0]
        return kind, call_id, fields
    except (IndexError, struct.error):
        raise Broken('a frame that is cut short') from None


def _frame(kind, call_id, field_count, *parts):
    body = _head(0x92 + field_count, kind, 0xcf, call_id)
    return b''.join((_prefix(len(body) + sum(map(len, parts))), body, *parts))


def _str(text):
    """An identifier: cut at 255 bytes."""
    raw = text.encode('utf-8', 'replace')[:255]
    return bytes((0xd9, len(raw))) + raw


class Channel:
    """Answers gather until `flush`; a line of the log goes at once. Lines may come from any thread, also from a signal
    handler in the middle of a write; all else is the main thread's."""

    def __init__(self, descriptor):
        # First thing of all: what the function starts must not hold the channel open.
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._input = bytearray(_READ_BYTES)
        self._view = memoryview(self._input)
        self._filled = 0
        self._gathered = []
        self._leaving = ([], [])  # what goes out now, and how many bytes of it each write took
        self._lock = threading.RLock()
        self._writing = False
        self._open = True
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self):
        """In a child of the handler's making: the channel is not its own."""
        self._open = False
        self._gathered = []
        self._lock = threading.RLock()
        os.close(self._socket.detach())

    def receive(self, wait):
        """Frames that are there. @param wait: for at least one. None once the node has gone."""
        frames = []
        while True:
            try:
                got = self._socket.recv_into(self._view[self._filled:], 0, 0 if wait else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return frames
            except ConnectionError:
                return None
            if got == 0:
                return None
            self._filled += got
            full = self._filled == len(self._input)
            self._cut(frames)
            if frames and not full:
                return frames
            wait = wait and not frames

    def _cut(self, frames):
        view, at, filled = self._view, 0, self._filled
        while filled - at >= 4:
            size = _length(view, at)[0]
            if size == 0 or size > _LONGEST_FRAME:
                raise Broken(f'a frame of {size} bytes')
            end = at + 4 + size
            if end > filled:
                self._make_room(at, 4 + size)
                return
            # Bytes are quicker to look into than a view; of a large frame the copy would cost more.
            frames.append(_decode(bytes(view[at + 4:end]) if size < 65536 else view[at + 4:end]))
            at = end
        self._make_room(at, _READ_BYTES)

    def _make_room(self, at, wanted):
        """Moves what is left of an incomplete frame to the front, of larger memory if need be, of usual later."""
        left = bytes(self._view[at:self._filled])
        size = max(wanted, _READ_BYTES)
        if size != len(self._input):
            self._input = bytearray(size)
            self._view = memoryview(self._input)
        self._view[:len(left)] = left
        self._filled = len(left)

    def hello(self, runtime):
        self._add(_frame(HELLO, 0, 2, b'\x01', _str(runtime)))

    def loaded(self, microseconds):
        self._add(_frame(LOADED, 0, 1, b'\xce', struct.pack('>I', microseconds)))

    def answer(self, call_id, payload):
        head = _head(0x93, ANSWER, 0xcf, call_id) + _bin(0xc6, len(payload))
        self._add(_prefix(len(head) + len(payload)), head, payload)

    def error(self, call_id, payload, error_type):
        self._add(_frame(ERROR, call_id, 2, _bin(0xc6, len(payload)), payload, _str(error_type)))

    def bare(self, kind, call_id):
        """cancelled, pong, and stop: this worker takes no more calls and ends by itself."""
        self._add(_frame(kind, call_id, 0))

    def log(self, call_id, invocation_id, line):
        raw = line.encode('utf-8', 'replace')
        self._add(_frame(LOG, call_id, 2, _str(invocation_id), _bin(0xc6, len(raw)), raw))
        self.flush()

    def _add(self, *pieces):
        with self._lock:
            self._gathered.extend(pieces)

    def flush(self):
        """One write for all that has gathered. Raises Gone.

        A signal handler of the function may raise between any two steps, and what went out must be known then all the
        same: so the count of a write is kept by the call that makes the write, and no step leaves anything half done."""
        with self._lock:
            if self._writing:
                return  # a line said by a signal handler: the write that it interrupted takes it along
            self._writing = True
            data = None
            try:
                while self._open:
                    pieces, taken = self._leaving
                    if pieces is self._gathered:
                        self._gathered = []
                    if data is None:
                        data = memoryview(b''.join(pieces))
                    rest = data[sum(taken):]
                    if rest:
                        taken.extend(map(self._socket.send, (rest,)))
                    if taken and taken[-1] < len(rest):
                        continue
                    if not self._gathered:
                        self._leaving = ([], [])
                        return
                    self._leaving, data = (self._gathered, []), None
            except ConnectionError:
                raise Gone from None
            finally:
                self._writing = False
