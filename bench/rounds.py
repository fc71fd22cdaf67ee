"""Measures several servers in interleaved rounds, so that a disturbance hits neighbors alike."""
import contextlib
import sys

import figures
import measure
import program
import servers


def seconds_of(case, seconds):
    """A lone connection says as much in half of the time."""
    return max(1, seconds // 2) if case == 1 else seconds


class Field:
    """The servers of one number of loops that run. One that fails is left out from then on, with the reason; the
    others are measured all the same."""

    def __init__(self, results, loops, running):
        self.results = results
        self.loops = loops
        self.servers = []
        self._running = running

    def start(self, name, kind):
        title = kind.title
        if reason := kind.missing():
            self.results.left_out[title] = reason
            print(f"left out: {title}: {reason}", flush=True)
            return
        print(f"== Starting {title}, {program.loops_in_words(self.loops)}", flush=True)
        try:
            server = self._running.enter_context(kind(name, self.loops))
        except (servers.Failed, OSError) as problem:
            self._failed(title, problem)
            return
        self.results.titles[name] = title
        self.servers.append(server)

    def measured(self, server, measure_one, *arguments):
        """What `measure_one` returns, or None."""
        try:
            return measure_one(server, *arguments)
        except (servers.Failed, OSError) as problem:  # a process that ends while it is looked at is an OSError
            self._failed(server.title, problem)
            self.servers.remove(server)
            return None

    def _failed(self, title, problem):
        title = f"{title}, {program.loops_in_words(self.loops)}"
        self.results.failed[title] = str(problem)
        print(f"FAILED: {title}: {problem}", file=sys.stderr, flush=True)


def interleaved(kinds, options, save, measure_one=measure.measure, cases_of=None):
    """The results of all servers, in `options.rounds` rounds for each number of `options.loops`.

    kinds         {name: class of a server}; neighbors in a budget stay neighbors, who goes first changes
    save          is called with the results, as they are written, after each round
    measure_one   (server, case, seconds) -> {figure: value}
    cases_of      (name) -> its cases, of `options.connections` unless given
    """
    results = figures.Results()

    def cases(name):
        return cases_of(name) if cases_of else options.connections
    every_case = list(dict.fromkeys(case for name in kinds for case in cases(name)))
    for loops in options.loops:
        with contextlib.ExitStack() as running:
            field = Field(results, loops, running)
            for name, kind in kinds.items():
                field.start(name, kind)
            for server in list(field.servers):
                for case in cases(server.name):
                    if field.measured(server, measure_one, case, 1) is None:
                        break
            for number in range(options.rounds):
                print(f"== Round {number + 1} of {options.rounds}", flush=True)
                for case in every_case:
                    for server in (list(field.servers) if number % 2 == 0 else list(reversed(field.servers))):
                        if case in cases(server.name):
                            found = field.measured(server, measure_one, case, seconds_of(case, options.seconds))
                            if found is not None:
                                results.add(server.name, loops, case, found)
                save(results.written())
    return results.written()
