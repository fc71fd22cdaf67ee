"""What the programs of bench/run have in common: arguments, a clean end, a head line, what they write, exit codes."""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

import servers


class Parser(argparse.ArgumentParser):
    """With the options that all of them have, behind those of the one."""

    def __init__(self, name, description, quick, **more):
        super().__init__(prog=name, description=description,
                         formatter_class=argparse.RawDescriptionHelpFormatter, **more)
        self._quick = quick

    def parse(self, arguments):
        self.add_argument("--quick", action="store_true", help=self._quick)
        self.add_argument("--json", metavar="FILE", help="also writes every single measurement there")
        self.add_argument("--check", action="store_true", help="exit with 1 when a budget is exceeded")
        self.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
        return self.parse_args(arguments)

    def add_rounds(self):
        self.add_argument("--rounds", metavar="N", type=int, help="default 5")
        self.add_argument("--seconds", metavar="S", type=int, help="of each measurement, default 3")


def set_rounds(options):
    """What `add_rounds` leaves to `--quick`."""
    if options.rounds is None:
        options.rounds = 3 if options.quick else 5
    if options.seconds is None:
        options.seconds = 2 if options.quick else 3


def some_of(all_of_them, what):
    """For `type=`: names by comma, in the order of `all_of_them`."""
    def read(text):
        chosen = text.split(",")
        for name in chosen:
            if name not in all_of_them:
                raise argparse.ArgumentTypeError(f"no {what} {name!r}; there are {', '.join(all_of_them)}")
        return [name for name in all_of_them if name in chosen]
    return read


def version_of(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().split("\n")[0]


def about_machine(**settings):
    return {"node": version_of("node", "--version"), "python": version_of("/usr/bin/python3", "--version"),
            "cores": os.cpu_count(), **settings, "date": time.strftime("%Y-%m-%d %H:%M:%S")}


def run(options, about, measure, report, rows=lambda results: results):
    """Measures, reports and returns the exit code.

    about    (options) -> the head line's words, and what the file says of the measurement, {name: value}
    measure  (options) -> results
    report   (options, results) -> whether every budget holds
    rows     the results as they are written to a file
    """
    if options.check_arguments:
        return 0
    # SIGTERM goes through the clean-up of whoever holds servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    words, settings = about(options)
    machine = about_machine(**settings)
    print(f"== {words}; Node {machine['node']}, {machine['python']}, {machine['cores']} cores", flush=True)
    try:
        results = measure(options)
    except (servers.Failed, subprocess.CalledProcessError, OSError) as problem:
        print(f"bench/run: {problem}", file=sys.stderr)
        return 1
    held = report(options, results)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"about": machine, "measurements": rows(results)}, file, indent=1)
    return 1 if options.check and not held else 0
