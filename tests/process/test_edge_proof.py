"""The proof bytes of hardened request reading that are short: each input whole, in every two pieces, and byte by byte.

The defects behind them (trailers that become headers, smuggled requests, framing that depends on segmentation) are
those of other parsers; the ids are kept so that a row can be found again. Floods are in test_edge_floods.py.
"""
import unittest

import support
import wire
from wire import CHUNKED, HEAD, LAST

PROBE = r"""
#include <troupe/function.hpp>

static std::string text(troupe_bytes bytes) { return {bytes.data, bytes.size}; }

// Answers with everything that it was given, and writes down that it was called.
static troupe::response handler(const troupe::request& request, troupe::context& context) {
  const auto& raw = request.raw();
  const auto line = text(raw.method) + " " + text(raw.raw_path);
  if (request.raw_path() != "/fence" && request.raw_path() != "/last")
    context.log(line);
  std::string body = line + "\n";
  for (std::size_t i = 0; i < raw.header_count; ++i)
    body += text(raw.headers[i].name) + ": " + text(raw.headers[i].value) + "\n";
  return troupe::response::text(body + "\n" + text(raw.body));
}

TROUPE_FUNCTION(handler)
"""

# Splits of one input that run side by side; below the backlog and the descriptors of any machine.
SIDE_BY_SIDE = 120


class Row:
    """segments  what is sent, each in a read of its own
    statuses  of the answers, each a status or the tuple of those allowed; the connection ends behind the last
    goes_on   the connection must stay open: another request is sent and answered 200 before it ends
    echoed    what the body of the first answer must end with; hidden: what it must not contain, in lower case
    """

    def __init__(self, name, segments, statuses, goes_on=False, echoed=b"", hidden=()):
        self.name = name
        self.segments = [segment.encode("latin-1") if isinstance(segment, str) else segment for segment in
                         ([segments] if isinstance(segments, (str, bytes)) else segments)]
        self.statuses = [each if isinstance(each, tuple) else (each,) for each in statuses]
        self.goes_on = goes_on
        self.echoed = echoed
        self.hidden = hidden

    def whole(self):
        return b"".join(self.segments)

    def scripts(self):
        tail = [LAST] if self.goes_on else []
        return [self.segments + tail, [self.whole() + b"".join(tail)]]

    def splits(self):
        """Every way to send it in two pieces."""
        data = self.whole()
        tail = LAST if self.goes_on else b""
        return [[data[:at], data[at:] + tail] for at in range(1, len(data))]

    def bytewise(self):
        data = self.whole() + (LAST if self.goes_on else b"")
        return [data[at:at + 1] for at in range(len(data))]

    def is_refused_at_once(self):
        return len(self.statuses) == 1 and not self.goes_on

    def fault(self, result):
        """What is wrong with the responses; None if nothing."""
        if isinstance(result, Exception):
            return f"{type(result).__name__}: {result}"
        expected = self.statuses + ([(200,)] if self.goes_on else [])
        statuses = [response.status for response in result]
        if len(statuses) != len(expected) or any(got not in allowed for got, allowed in zip(statuses, expected)):
            return f"answered {statuses}, expected {expected}"
        if not self.goes_on and result and result[-1].header("connection") != "close":
            return "the last answer does not say that the connection closes"
        first = result[0].body if result else b""
        if not first.endswith(self.echoed):
            return f"the function got another body: {first!r}"
        for text in self.hidden:
            if text in first.lower():
                return f"the function saw {text!r}: {first!r}"
        return None


def smuggling(coding):
    return Row(f"BT2 {coding!r}", HEAD + b"Transfer-Encoding: " + coding +
               b"\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", [(400, 501)])


def chunked_like(coding):
    return Row(f"BT11 {coding!r}", HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
               [(400, 501)])


def hosts(*lines):
    return Row(f"BT13 {lines}", "GET /x HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n", [400])


ROWS = [
    Row("BT1", HEAD + CHUNKED + b"\r\n1\r\nX\r\n0\r\nAuthorization: Bearer evil\r\nX-Forwarded-For: 6.6.6.6\r\n"
        b"Connection: close\r\n\r\n", [200], goes_on=True, echoed=b"\n\nX",
        hidden=(b"authorization", b"6.6.6.6", b"connection")),
    *(smuggling(coding) for coding in (b"xchunked", b"gzip", b"chunked, gzip", b"chunked,chunked", b'"chunked"', b"",
                                       b"identity", b",", b"(chunked)", b"chunked, foo bar")),
    Row("BT3 coding first", HEAD + b"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", [400]),
    Row("BT3 length first", HEAD + b"Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello", [400]),
    Row("BT3 chunked first", HEAD + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n", [400]),
    Row("BT3 chunked last", HEAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n", [400]),
    Row("BT3 two codings", HEAD + b"Transfer-Encoding: gzip\r\n" + CHUNKED + b"\r\n0\r\n\r\n", [400]),
    Row("BT4", b"POST /x HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n", [400]),
    Row("BT4 keep-alive", b"POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" + CHUNKED +
        b"\r\n5\r\nhello\r\n0\r\n\r\n", [400]),
    *(Row(f"BT5 {extension!r}", HEAD + CHUNKED + b"\r\n1;a=" + extension + b"\r\nX\r\n0\r\n\r\n", [400])
      for extension in (b'"\n"', b'"\0\x01\x7f"', b'"\\\n"', b'"\r"', b'"\r\n"')),
    Row("BT9", HEAD + b"Content-Length: 99999999999\r\n\r\nX", [413]),
    Row("BT9 like a field", HEAD + b"Content-Length: 99999999999\r\n\r\nX-A: 1\r\n\r\n", [413]),
    Row("BT10", [HEAD + CHUNKED + b"\r\n", b"0\r\n", b"\r", b"\n"], [200], goes_on=True, echoed=b"\n\n"),
    *(chunked_like(coding) for coding in (b"chunked;foo=bar", b"chunked foo", b"chunked\xa0", b"chunked=1",
                                          b"chunked ;")),
    Row("BT12 one empty line", b"\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", [200], goes_on=True),
    Row("BT12 two empty lines", b"\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    hosts("Host: a", "Host: b"), hosts("X: y"), hosts("Host: a, b"), hosts("Host: user@a"), hosts("Host: a/b"),
    hosts("Host:"), hosts("Host: a", "Host: a"), hosts("Host: a b"), hosts("Host: \xff"),
    Row("BT14", wire.get("/x") + b"\x16\x03\x01 no HTTP\r\n\r\n", [200, 400]),
    Row("BT19", [HEAD + CHUNKED + b"\r\n0\r\n", b"T", b": v\r\n\r\n"], [200], goes_on=True, echoed=b"\n\n",
        hidden=(b"t: v",)),
    Row("BT21", HEAD + b"Content-Type: x/good\r\n" + CHUNKED +
        b"\r\n1\r\nX\r\n0\r\nHost: b\r\nContent-Type: x/evil\r\n\r\n", [200], goes_on=True, echoed=b"\n\nX",
        hidden=(b"host: b", b"x/evil")),
    Row("BT23", b"GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", [200]),
    # What the rows say in words.
    Row("lengths that differ", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", [400]),
    Row("lengths that agree", HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", [400]),
    *(Row(f"length {text!r}", HEAD + b"Content-Length: " + text + b"\r\n\r\nhello", [400])
      for text in (b"5, 5", b"+5", b"-5", b"0x5", b"5_0", b"", b"5 5", b"99999999999999999999")),
    *(Row(f"chunk size {text!r}", HEAD + CHUNKED + b"\r\n" + text + b"\r\nhello\r\n0\r\n\r\n", [400])
      for text in (b"0x5", b"5_0", b"+5", b"", b"00000000000000005", b"g")),
    Row("a bare LF behind a chunk size", HEAD + CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n", [400]),
    Row("a chunk longer than it said", HEAD + CHUNKED + b"\r\n4\r\nhello\r\n0\r\n\r\n", [400]),
    Row("a folded field", b"GET /x HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", [400]),
    Row("a folded trailer", HEAD + CHUNKED + b"\r\n0\r\nT: v\r\n w\r\n\r\n", [400]),
    Row("a blank before the colon", b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n", [400]),
    Row("a bare LF", b"GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", [400]),
    Row("a bare CR", b"GET /x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", [400]),
    Row("NUL in a value", b"GET /x HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", [400]),
    *(Row(f"target {text!r}", b"GET " + text + b" HTTP/1.1\r\nHost: a\r\n\r\n", [400])
      for text in (b"x", b"/x#y", b"/\x7f", b"/a b", b"/%00", b"/../x", b"/%2e%2E/x", b"/./x", b"*", b"?")),
    Row("another version", b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n", [505]),
    Row("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
    Row("CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", [(400, 405)]),
    Row("TRACE", b"TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", [405]),
    Row("an unknown method", b"BREW /x HTTP/1.1\r\nHost: a\r\n\r\n", [501]),
]


class ProofTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = support.TempDir()
        try:
            probe = support.build_native(PROBE, cls.folder.__enter__(), "probe")
            cls.node = support.Node()
            cls.node.deploy(probe, "--name", "probe", "--route", "$default")
            cls.fence = wire.Fence(cls.node)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for name in ("fence", "node"):
            if hasattr(cls, name):
                getattr(cls, name).close()
        cls.folder.__exit__()

    def check(self, named_scripts, patient=True):
        """(row, label, script) triples, side by side in batches; every fault is reported."""
        faults = []
        for begin in range(0, len(named_scripts), SIDE_BY_SIDE):
            batch = named_scripts[begin:begin + SIDE_BY_SIDE]
            impatient = {index for index, (row, _, _) in enumerate(batch) if not patient and row.is_refused_at_once()}
            results = wire.converse(self.node, self.fence, [script for _, _, script in batch], impatient)
            for (row, label, script), result in zip(batch, results):
                if fault := row.fault(result):
                    faults.append(f"{row.name}, {label}: {fault}; sent {script}")
        if faults:
            self.fail(f"{len(faults)} of {len(named_scripts)} went wrong, first:\n" + "\n".join(faults[:10]))

    def test_each_row(self):
        self.check([(row, "as written", script) for row in ROWS for script in row.scripts()])

    def test_each_row_in_every_two_pieces(self):
        self.check([(row, f"split at {len(script[0])}", script) for row in ROWS for script in row.splits()])

    def test_each_row_byte_by_byte(self):
        # Who has its refusal says no more, as real clients do: the node takes what comes behind one for seconds only.
        self.check([(row, "byte by byte", row.bytewise()) for row in ROWS], patient=False)

    def test_nothing_smuggled_was_ever_routed(self):
        self.check([(row, "as written", row.segments) for row in ROWS if row.name.startswith("BT2 ")])

        logged = self.node.admin("GET", "/v1/functions/probe/logs")

        self.assertEqual(logged[0], 200)
        self.assertNotIn(b"/smuggled", logged[2])


if __name__ == "__main__":
    unittest.main()
