"""Namespaces of a test program's own: mounts and networks that nobody else sees and that go away with its processes.

Root has them; others need user namespaces, which some machines forbid.
"""
import contextlib
import os
import subprocess
import sys

_INSIDE = "TROUPE_TEST_NAMESPACES"


def enter(*kinds, probe):
    """Goes on in namespaces of its own by starting the program anew; call it before anything else was begun.

    kinds  flags of unshare(1), such as --mount
    probe  words of a shell that succeed there if the machine allows what the test does
    Returns an empty string inside of them, and the reason where the machine forbids them.
    """
    if os.environ.get(_INSIDE):
        return ""
    why = "unshare is not installed"
    for flags in (list(kinds), ["--map-root-user", *kinds]):
        with contextlib.suppress(FileNotFoundError):
            tried = subprocess.run(["unshare", *flags, "sh", "-c", probe], capture_output=True, text=True)
            if tried.returncode == 0:
                os.execvpe("unshare", ["unshare", *flags, sys.executable, *sys.argv], {**os.environ, _INSIDE: "yes"})
            why = tried.stderr.strip()
    return f"no namespaces of its own: {why}"
