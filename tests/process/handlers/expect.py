"""How the tables of handlers say what they expect. suite.py checks it.

A case is a dict; every key but the optional ones must be there, and the runner fails on a key that it did not check:
  code     text of the one file, or {path: text}
  calls    what is asked, in this order, with `returns`, `fails` and `over_http`; once through HTTP, once through invoke
  log      regular expressions: the lines of one pass, one each, in any order and nothing else (START, END, REPORT and
           what troupe itself says of a failed call are checked apart)
           or FLOOD: far more than is kept
  after    of the one instance after a pass: `kept`, `replaced` or `none`
  start    (instead of `calls`) how loading fails, with `fails`
  options  (optional) flags of `troupe deploy`
"""
import re

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

FLOOD = "more lines than are kept"
KEPT_LOG_BYTES = 1 << 20

# What a handler in JavaScript was asked, whichever way the call came.
INPUT = ("const asked = (event) => event.requestContext === undefined ? event"
         " : event.body === undefined ? {} : JSON.parse(event.body);\n"
         "const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n")


class Like:
    """Equals every text that matches the regular expression as a whole."""

    def __init__(self, pattern):
        self.pattern = re.compile(pattern, re.DOTALL)

    def __eq__(self, other):
        return isinstance(other, str) and self.pattern.fullmatch(other) is not None

    def __repr__(self):
        return f"Like({self.pattern.pattern!r})"

    __hash__ = None


class Between:
    """Equals the numbers from `low` to `high`."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __eq__(self, other):
        return isinstance(other, (int, float)) and not isinstance(other, bool) and self.low <= other <= self.high

    def __repr__(self):
        return f"Between({self.low}, {self.high})"

    __hash__ = None


def returns(value, event=None, http=None):
    """The handler returns `value` (of JSON). `http` says what HTTP shows where it is not value's own text: a dict of
    `status`, `body` (bytes) and optionally `fields` (name: list of values)."""
    if http is None:
        if isinstance(value, dict) and "statusCode" in value:
            raise ValueError("a response object wants its HTTP side spelled out")
        http = {"status": 200, "json": value} if not isinstance(value, str) else {"status": 200, "body": value.encode()}
    return {"event": event, "value": value, "http": http}


def fails(kind, message, cause="function_error", event=None, status=500):
    """The call fails: `kind` is errorType, `message` a regular expression of the whole errorMessage on invoke; `cause`
    is x-troupe-error on HTTP."""
    return {"event": event, "kind": kind, "message": Like(message),
            "http": {"status": status, "body": b'{"message":"Internal Server Error"}',
                     "fields": {"x-troupe-error": [cause], "content-type": ["application/json"]}}}


def over_http(http, method="GET", path="", body=None, fields=()):
    """A call that only HTTP can make: request fields as (name, value) pairs, in order."""
    return {"event": None, "request": {"method": method, "path": path, "body": body, "fields": list(fields)},
            "http": http}


def line(level, text):
    """A console line of a Node.js handler."""
    return rf"{ISO}\t{UUID}\t{level}\t{text}$"


def invoke_error(kind):
    """What a Node.js worker logs of a call's error."""
    return line("ERROR", rf'Invoke Error\s*\{{"errorType":"{kind}".*')
