"""Step `peers`: installs what Debian does not have."""
import sys

import program
import workerd


def parse(arguments):
    return program.Parser("bench/run peers", "Installs workerd with npm into build/bench-peers, in the version that\n"
                                             "bench/peers/package.json names.", "the same").parse(arguments)


def run(_, __):
    print("== Installing workerd with npm (build/bench-peers)", flush=True)
    if problem := workerd.install():
        print(f"left out: workerd: {problem}", file=sys.stderr)
        return 1
    return 0
