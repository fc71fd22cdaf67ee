"""Measures the servers of servers.py with wrk in interleaved rounds. Started by bench/run."""
import argparse
import os
import re
import statistics
import subprocess
import sys

import program
import servers

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# CPU per request of the first over the second, both with 64 connections; at most, and what is aimed at.
BUDGETS = (
    ("native", "lua", 1.0, 0.9),
    ("node", "node-http", 0.8, 0.7),
)


def parse(arguments):
    parser = program.Parser(
        "bench/run", quick="3 rounds of 2 s",
        description="Installs the peers, builds preset bench, measures all servers in interleaved rounds and prints\n"
                    "medians, then the ratios that have a budget. Logs are off on all sides. Further measurements have\n"
                    "options of their own: `bench/run cold --help`, `functions --help`, `cluster --help`, `store --help`.",
        epilog="servers: " + ", ".join(f"{name} ({title})" for name, (title, _) in servers.SERVERS.items()))
    parser.add_argument("--only", metavar="A,B", type=program.some_of(servers.SERVERS, "server"),
                        default=list(servers.SERVERS), help="these servers only")
    parser.add_argument("--connections", metavar="N,M", type=numbers(1000), default=[1, 64], help="default 1,64")
    parser.add_argument("--loops", metavar="N,M", type=numbers(256), default=[1, 2],
                        help="event loops or worker processes of every server, default 1,2")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    return options


def numbers(most):
    def read(text):
        if not re.fullmatch(r"\d+(,\d+)*", text) or not all(1 <= int(word) <= most for word in text.split(",")):
            raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1 to {most}")
        return [int(word) for word in text.split(",")]
    return read


def cpu_seconds(pids):
    """utime + stime of the processes so far."""
    total = 0
    for pid in pids:
        fields = servers.stat_fields(pid)
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def resident_bytes(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            total += int(file.read().split()[1])
    return total * PAGE_BYTES


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def read_wrk(output):
    """(requests, requests per second, p50 ms, p99 ms) of what wrk printed; any answer but 2xx and any broken
    connection is an error."""
    if "Non-2xx" in output or "Socket errors" in output:
        raise servers.Failed(f"wrk reports:\n{output}")

    def find(pattern):
        return re.search(pattern, output, re.MULTILINE).group(1)
    return (int(find(r"(\d+) requests in")), float(find(r"Requests/sec:\s*([\d.]+)")),
            milliseconds(find(r"^\s+50%\s+(\S+)")), milliseconds(find(r"^\s+99%\s+(\S+)")))


def run_wrk(url, connections, seconds, *flags):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *flags, url]
    return read_wrk(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                   check=True).stdout)


def measure(server, connections, seconds, *flags):
    """`flags` are further ones of wrk."""
    pids = server.pids()
    before = cpu_seconds(pids)
    count, per_s, p50, p99 = run_wrk(server.url, connections, seconds, *flags)
    pids_after = server.pids()
    if not set(pids) <= set(pids_after):
        raise servers.Failed(f"{server.name}: a process ended during a measurement and took its CPU time along")
    return {"requests_per_s": per_s, "p50_ms": p50, "p99_ms": p99,
            "cpu_us": (cpu_seconds(pids_after) - before) * 1e6 / count, "resident_mb": resident_bytes(pids_after) / 1e6}


class Results:
    """All single measurements: (server, loops, connections) -> one per round."""

    def __init__(self):
        self.rounds = {}

    def add(self, name, loops, connections, found):
        self.rounds.setdefault((name, loops, connections), []).append(found)

    def column(self, key, figure):
        return [found[figure] for found in self.rounds[key]]

    def ratios(self, first, second, loops, connections):
        """CPU per request of `first` over `second`, round by round; empty when one was not measured."""
        keys = [(name, loops, connections) for name in (first, second)]
        if any(key not in self.rounds for key in keys):
            return []
        return [a / b for a, b in zip(*(self.column(key, "cpu_us") for key in keys))]


def measure_all(options):
    results = Results()
    for loops in options.loops:
        running = []
        try:
            for name in options.only:
                print(f"== Starting {servers.SERVERS[name][0]}, {loops} loop{'s' * (loops > 1)}", flush=True)
                running.append(servers.SERVERS[name][1](name, loops).__enter__())
            for server in running:
                for connections in options.connections:
                    run_wrk(server.url, connections, 1)
            for number in range(options.rounds):
                print(f"== Round {number + 1} of {options.rounds}", flush=True)
                for connections in options.connections:
                    # Neighbors in a budget stay neighbors; who goes first changes.
                    for server in (running if number % 2 == 0 else reversed(running)):
                        results.add(server.name, loops, connections, measure(server, connections, options.seconds))
        finally:
            for server in running:
                server.stop()
    return results


def spread(values):
    """Half of the distance from least to most, in percent of the median."""
    return 50 * (max(values) - min(values)) / statistics.median(values)


def print_table(options, results):
    head = f"{'server':<26}{'loops':>6}{'conns':>6}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'+-%':>6}{'RSS MB':>8}"
    print("\n" + head + "\n" + "-" * len(head))
    for loops in options.loops:
        for connections in options.connections:
            for name in options.only:
                key = (name, loops, connections)
                middle = {figure: statistics.median(results.column(key, figure)) for figure in results.rounds[key][0]}
                print(f"{servers.SERVERS[name][0]:<26}{loops:>6}{connections:>6}{middle['requests_per_s']:>10,.0f}"
                      f"{middle['p50_ms']:>9.3f}{middle['p99_ms']:>9.3f}{middle['cpu_us']:>9.2f}"
                      f"{spread(results.column(key, 'cpu_us')):>6.1f}{middle['resident_mb']:>8.1f}")
        print()


def print_ratios(options, results):
    """Prints the ratios with a budget and returns whether all of them hold."""
    held = True
    lines = []
    for first, second, most, goal in BUDGETS:
        for loops in options.loops:
            ratios = results.ratios(first, second, loops, 64)
            if not ratios:
                continue
            middle = statistics.median(ratios)
            verdict = "goal reached" if middle <= goal else "held" if middle <= most else "EXCEEDED"
            held = held and middle <= most
            title = f"{servers.SERVERS[first][0]} / {servers.SERVERS[second][0]}"
            lines.append(f"{title:<48}{loops:>6}{middle:>8.2f}   {min(ratios):.2f}-{max(ratios):.2f}"
                         f"{most:>8.1f}{goal:>6.1f}  {verdict}")
    if lines:
        head = f"{'CPU per request, 64 connections':<48}{'loops':>6}{'median':>8}{'spread':>12}{'budget':>8}{'goal':>6}"
        print(head + "\n" + "-" * len(head) + "\n" + "\n".join(lines))
    return held


def about(options):
    nginx = program.version_of("/usr/sbin/nginx", "-v")
    return (f"{options.rounds} interleaved rounds of {options.seconds} s; {nginx}",
            {"rounds": options.rounds, "seconds": options.seconds, "nginx": nginx})


def report(options, results):
    print_table(options, results)
    return print_ratios(options, results)


def rows(results):
    return [{"server": name, "loops": loops, "connections": connections, "rounds": found}
            for (name, loops, connections), found in results.rounds.items()]


def main():
    return program.run(parse(sys.argv[1:]), about, measure_all, report, rows)


if __name__ == "__main__":
    sys.exit(main())
