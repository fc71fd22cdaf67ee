"""What the tests of bench/ share."""
import contextlib
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import blocks  # noqa: E402
import figures  # noqa: E402
import servers  # noqa: E402


def quietly(call, *arguments):
    """What it returns, its stdout and its stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        returned = call(*arguments)
    return returned, out.getvalue(), err.getvalue()


def refused(parse, *arguments):
    """The exit code of a parser that does not return."""
    try:
        quietly(parse, arguments)
    except SystemExit as stop:
        return stop.code
    return None


def results(loops=1, case=64, **cpu_us):
    """Results with one number of loops and one case: {server, _ for -: CPU of each round}."""
    found = figures.Results()
    for name, rounds in cpu_us.items():
        name = name.replace("_", "-")
        found.titles[name] = name
        for value in rounds:
            found.add(name, loops, case, {"requests_per_s": 1e6 / value, "p50_ms": value / 100, "p99_ms": value / 50,
                                          "cpu_us": value, "resident_mb": 10.0})
    return found


def verdict_named(verdicts, start):
    return next(verdict for verdict in verdicts if verdict.title.startswith(start))


def text_of(group, measured):
    return blocks.as_text(group.blocks_of(measured))
