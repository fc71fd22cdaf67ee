"""What the groups of bench/run have in common: arguments, a clean end, the file of results, exit codes.

A group is a module with TITLE, INTRO, `parse(arguments)`, `about(options)` -> (words of the head line, {setting:
value}), `measure_all(options, save)` -> what was measured, as it goes to a file of JSON, and `blocks_of(measured)` ->
blocks.py.
"""
import argparse
import json
import os
import re
import sys
import time
import traceback

import blocks
import machine
import nodes
import servers

RESULTS = os.path.join(servers.ROOT, "build/bench-results")


class Parser(argparse.ArgumentParser):
    """With the options that all of them have, behind those of the one."""

    def __init__(self, name, description, quick, **more):
        super().__init__(prog=name, description=description,
                         formatter_class=argparse.RawDescriptionHelpFormatter, **more)
        self._quick = quick

    def parse(self, arguments):
        self.add_argument("--quick", action="store_true", help=self._quick)
        self.add_argument("--build", metavar="DIR", help="measures this build (preset bench) and builds nothing")
        self.add_argument("--results", metavar="DIR", default=RESULTS,
                          help="where each group leaves a file of all single measurements, default build/bench-results")
        self.add_argument("--check", action="store_true", help="exit with 1 when a budget is exceeded")
        options = self.parse_args(arguments)
        if options.build:
            nodes.use_build(options.build)
        return options

    def add_rounds(self):
        self.add_argument("--rounds", metavar="N", type=at_least(1), help="default 5")
        self.add_argument("--seconds", metavar="S", type=at_least(1), help="of each measurement, default 2")

    def add_servers(self, kinds, loops="1,2"):
        self.add_argument("--only", metavar="A,B", type=some_of(kinds, "server"), default=list(kinds),
                          help="these servers only")
        self.add_argument("--loops", metavar="N,M", type=numbers(256), default=loops,
                          help="event loops or worker processes of every server, default " + loops)
        self.epilog = "servers: " + ", ".join(f"{name} ({kind.title})" for name, kind in kinds.items())


def set_rounds(options):
    """What `add_rounds` leaves to `--quick`."""
    if options.rounds is None:
        options.rounds = 2 if options.quick else 5
    if options.seconds is None:
        options.seconds = 1 if options.quick else 2


def about_rounds(options):
    return (f"{options.rounds} interleaved rounds of {options.seconds} s",
            {"rounds": options.rounds, "seconds": options.seconds})


def loops_in_words(loops):
    return f"{loops} loop{'s' * (loops > 1)}"


def at_least(least):
    def read(text):
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least}")
        return int(text)
    return read


def numbers(most):
    def read(text):
        if not re.fullmatch(r"\d+(,\d+)*", text) or not all(1 <= int(word) <= most for word in text.split(",")):
            raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1 to {most}")
        return [int(word) for word in text.split(",")]
    return read


def some_of(all_of_them, what):
    """For `type=`: names by comma, in the order of `all_of_them`."""
    def read(text):
        chosen = text.split(",")
        for name in chosen:
            if name not in all_of_them:
                raise argparse.ArgumentTypeError(f"no {what} {name!r}; there are {', '.join(all_of_them)}")
        return [name for name in all_of_them if name in chosen]
    return read


def chosen(kinds, options):
    return {name: kinds[name] for name in options.only}


class File:
    """The results of one group. What was measured before a run was interrupted stays, and says so."""

    def __init__(self, folder, name, about):
        self.path = os.path.join(folder, name + ".json")
        self._about = about
        os.makedirs(folder, exist_ok=True)

    def write(self, measured, complete=False):
        beside = self.path + ".new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump({"about": self._about, "complete": complete, "measured": measured}, file, indent=1)
        os.replace(beside, self.path)


def run(name, group, options, command):
    """Measures one group, prints what it has to say and returns the exit code. `command` is what was typed."""
    words, settings = group.about(options)
    about = {**machine.about(), **settings, "command": command}
    print(f"== {name}: {words}; Node {about['node']}, {about['python']}, {about['cores']} cores, load {about['load']}",
          flush=True)
    began = time.monotonic()
    file = File(options.results, name, about)
    try:
        measured = group.measure_all(options, file.write)
    except (servers.Failed, OSError) as problem:
        print(f"bench/run: {problem}", file=sys.stderr)
        return 1
    except Exception:  # a fault of this group: it is shown, and the groups behind it are measured all the same
        traceback.print_exc()
        return 1
    about["took_min"] = round((time.monotonic() - began) / 60, 1)
    file.write(measured, complete=True)
    said = group.blocks_of(measured)
    print(f"\n{blocks.as_text(said)}\n\n== {name} took {about['took_min']} min", flush=True)
    held = all(verdict.held for verdict in blocks.verdicts_of(said))
    failed = isinstance(measured, dict) and measured.get("failed")
    return 1 if failed or (options.check and not held) else 0
