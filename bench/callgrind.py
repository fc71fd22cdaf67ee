"""Reads a file of callgrind and shares the instructions out over the features of a request.

What stands in a source file of a feature, inlined elsewhere or not, is that feature's. What belongs to no feature
(malloc, memcpy, std::string) goes to those who called it, in proportion to what their calls cost.
"""
import collections
import re

# The first pattern that a source file matches; paths as the compiler was given them.
FEATURES = (
    ("counting (metrics)", r"/config/metrics\.|/http/(route_metrics|metrics_page)"),
    ("the log of requests", r"/http/access_log|/config/log[._]"),
    ("reading heads and bodies", r"/http/(request_head|head_framing|chunk_decoder|request_target|byte_class)"
                                 r"|/http/connection_read|/functions/http_request"),
    ("finding the route", r"/http/(route_table|route_key|path_segments)"),
    ("writing answers", r"/http/(reply|responses|outcome_reply|connection_write|answer)"),
    ("ids of requests", r"/config/(ids|name_uuid)\."),
    ("routing, queues and credits", r"/actors/(router|function_|instance_|peer_calls|wake_gate|remote_calls|worker_)"),
    ("the function and its instance", r"/functions/(native|sdk|outcome|invocation)|/actors/native_instance"
                                      r"|/examples/|/sdk/"),
    ("connection actors", r"/http/"),
    ("actors: CAF and the loop", r"/caf/|libcaf|/actors/"),
    ("sockets: Asio", r"/boost/"),
)
OTHER = "all else"
_PATTERNS = [(name, re.compile(pattern)) for name, pattern in FEATURES]
# A chain of calls through libraries is no longer than this; what a cycle still holds then is `OTHER`.
_STEPS = 60


def feature_of(*places):
    """The feature of the first place (source file, library) that has one, or None."""
    for place in places:
        for name, pattern in _PATTERNS:
            if pattern.search(place):
                return name
    return None


class Profile:
    """What the file says: instructions of each (function, source file), and of the calls that they make."""

    def __init__(self):
        self.own = collections.Counter()  # (function, file)
        self.calls = collections.defaultdict(collections.Counter)  # callee -> {(caller, file): instructions in it}
        self.home = {}  # function -> (its own file, its library)

    @property
    def total(self):
        return sum(self.own.values())


class _Names:
    """`(7) text` gives a number its text, `(7)` alone is that text again."""

    def __init__(self):
        self._texts = {}

    def read(self, word):
        number, _, text = word.partition(" ")
        if not number.startswith("("):
            return word
        if text:
            self._texts[number] = text
        return self._texts.get(number, number)


def read(lines):
    """The profile of the lines of a file with one kind of event."""
    found = Profile()
    names = {"ob": _Names(), "fl": _Names(), "fn": _Names()}
    library = home_file = file = function = callee = callee_file = callee_library = ""
    call_follows = False
    for line in lines:
        line = line.rstrip("\n")
        key, equals, value = line.partition("=")
        if equals and key in ("ob", "fl", "fi", "fe", "fn", "cob", "cfi", "cfl", "cfn", "calls"):
            if key == "ob":
                library = names["ob"].read(value)
            elif key == "fl":
                home_file = file = names["fl"].read(value)
            elif key in ("fi", "fe"):
                file = names["fl"].read(value)
            elif key == "fn":
                function = names["fn"].read(value)
                file = home_file
                found.home[(function, library)] = (home_file, library)
                callee_file = callee_library = ""
            elif key == "cob":
                callee_library = names["ob"].read(value)
            elif key in ("cfi", "cfl"):
                callee_file = names["fl"].read(value)
            elif key == "cfn":
                callee = names["fn"].read(value)
            else:
                call_follows = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            cost = int(line.split()[1])
            if call_follows:
                target = (callee, callee_library or library)
                found.home.setdefault(target, (callee_file or home_file, target[1]))
                found.calls[target][((function, library), file)] += cost
                call_follows, callee_file, callee_library = False, "", ""
            else:
                found.own[((function, library), file)] += cost
    return found


def share_out(profile):
    """{feature: instructions}"""
    shares, floating = collections.Counter(), collections.Counter()
    for (function, file), cost in profile.own.items():
        _settle(profile, shares, floating, function, file, cost)
    for _ in range(_STEPS):
        if not floating:
            break
        moving, floating = floating, collections.Counter()
        for function, cost in moving.items():
            callers = profile.calls.get(function)
            everything = sum(callers.values()) if callers else 0
            if not everything:
                shares[OTHER] += cost
                continue
            for (caller, file), part in callers.items():
                _settle(profile, shares, floating, caller, file, cost * part / everything)
    shares[OTHER] += sum(floating.values())
    return shares


def _settle(profile, shares, floating, function, file, cost):
    """Gives a cost to the feature of the place, or leaves it to the callers of the function."""
    home_file, library = profile.home[function]
    feature = feature_of(file, home_file, library)
    if feature:
        shares[feature] += cost
    else:
        floating[function] += cost
