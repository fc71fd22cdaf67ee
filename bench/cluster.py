"""Measures what a hop between two troupe nodes costs, beside a reverse proxy's and one over CAF's middleman, in
interleaved rounds. Started by bench/run cluster."""
import os
import statistics
import sys

import measure
import program
import servers
from cluster_servers import ECHOES, SERVERS

# CPU of both servers per request with 64 connections, over that of nginx -> nginx: at most, by loops.
BUDGETS = {1: 0.6, 2: 0.7}
# A lone request may take no longer than nginx's, with any number of loops.
LONE_BUDGETS = {1: 1.0, 2: 1.0}
LARGE_BYTES = 1_000_000
LARGE_CONNECTIONS = 8
LARGE = "large"  # in place of a number of connections: bodies of LARGE_BYTES, sent there and back
LARGE_SCRIPT = os.path.join(servers.ROOT, "bench/peers/echo_large.lua")


def url_of_echo(url):
    return url.removesuffix("/hello") + "/echo"


# What is divided by what: title, server, by which, case, figure, and the most that is allowed by loops.
RATIOS = (
    ("CPU per request, native, 64 connections", "native", "proxy", 64, "cpu_us", BUDGETS),
    ("CPU per request, 3 nodes, 64 connections", "three", "proxy", 64, "cpu_us", BUDGETS),
    ("CPU per request, 5 nodes, 64 connections", "five", "proxy", 64, "cpu_us", BUDGETS),
    ("CPU per request, Node.js, 64 connections", "node", "proxy", 64, "cpu_us", None),
    ("p50 of a lone request, native", "native", "proxy", 1, "p50_ms", LONE_BUDGETS),
    ("p50 of a lone request, 3 nodes", "three", "proxy", 1, "p50_ms", LONE_BUDGETS),
    ("p50 of a lone request, 5 nodes", "five", "proxy", 1, "p50_ms", LONE_BUDGETS),
    ("p50 of a lone request, Node.js", "node", "proxy", 1, "p50_ms", None),
    ("bytes per second, bodies of 1 MB", "native", "proxy", LARGE, "mb_per_s", None),
    ("CPU per request, native, 64 connections", "native", "basp", 64, "cpu_us", None),
    ("p50 of a lone request, native", "native", "basp", 1, "p50_ms", None),
    ("bytes per second, bodies of 1 MB", "native", "basp", LARGE, "mb_per_s", None),
)


def parse(arguments):
    parser = program.Parser(
        "bench/run cluster", quick="3 rounds of 2 s",
        description="HTTP at one node with the function at another one, beside nginx that passes requests on to a\n"
                    "second nginx. CPU is that of all processes on both sides.",
        epilog="servers: " + ", ".join(f"{name} ({kind.title})" for name, kind in SERVERS.items()))
    parser.add_argument("--only", metavar="A,B", type=program.some_of(SERVERS, "server"), default=list(SERVERS),
                        help="these servers only")
    parser.add_argument("--connections", metavar="N,M", type=measure.numbers(1000), default=[1, 64],
                        help="default 1,64")
    parser.add_argument("--loops", metavar="N,M", type=measure.numbers(256), default=[1, 2],
                        help="event loops or worker processes of every server, default 1,2")
    parser.add_argument("--no-large", action="store_true", help="leaves bodies of 1 MB out")
    parser.add_argument("--program", metavar="FILE", help="another troupe than build/bench/troupe")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    if options.program:
        servers.Node.program = os.path.abspath(options.program)
    return options


def cases_of(options, name):
    return [*options.connections, *([LARGE] if name in ECHOES and not options.no_large else [])]


def measure_one(server, case, seconds):
    if case != LARGE:
        return measure.measure(server, case, seconds)
    small, server.url = server.url, url_of_echo(server.url)
    try:
        found = measure.measure(server, LARGE_CONNECTIONS, seconds, "-s", LARGE_SCRIPT)
    finally:
        server.url = small
    return {**found, "mb_per_s": 2 * LARGE_BYTES * found["requests_per_s"] / 1e6}


def measure_all(options):
    results = measure.Results()
    for loops in options.loops:
        running = []
        try:
            for name in options.only:
                print(f"== Starting {SERVERS[name].title}, {loops} loop{'s' * (loops > 1)}", flush=True)
                running.append(SERVERS[name](name, loops).__enter__())
            for server in running:
                for case in cases_of(options, server.name):
                    measure_one(server, case, 1)
            for number in range(options.rounds):
                print(f"== Round {number + 1} of {options.rounds}", flush=True)
                for case in [*options.connections, LARGE]:
                    for server in (running if number % 2 == 0 else reversed(running)):
                        if case in cases_of(options, server.name):
                            results.add(server.name, loops, case, measure_one(server, case, options.seconds))
        finally:
            for server in running:
                server.stop()
    return results


def print_table(options, results):
    head = (f"{'servers':<28}{'loops':>6}{'conns':>7}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>10}{'+-%':>6}"
            f"{'MB/s':>8}")
    print("\n" + head + "\n" + "-" * len(head))
    for loops in options.loops:
        for case in [*options.connections, LARGE]:
            for name in options.only:
                key = (name, loops, case)
                if key not in results.rounds:
                    continue
                middle = {figure: statistics.median(results.column(key, figure)) for figure in results.rounds[key][0]}
                transfer = f"{middle['mb_per_s']:>8,.0f}" if "mb_per_s" in middle else ""
                print(f"{SERVERS[name].title:<28}{loops:>6}{case:>7}{middle['requests_per_s']:>10,.0f}"
                      f"{middle['p50_ms']:>9.3f}{middle['p99_ms']:>9.3f}{middle['cpu_us']:>10.2f}"
                      f"{measure.spread(results.column(key, 'cpu_us')):>6.1f}{transfer}")


def verdicts(results, loops):
    """(title, by which server, ratios round by round, the most that is allowed; None: no budget) of one number of
    loops."""
    found = []
    for title, name, peer, case, figure, budgets in RATIOS:
        keys = [(server, loops, case) for server in (name, peer)]
        if all(key in results.rounds for key in keys):
            ratios = [a / b for a, b in zip(*(results.column(key, figure) for key in keys))]
            # More loops than the budget knows are judged by its last.
            found.append((title, peer, ratios, budgets and budgets[min(loops, max(budgets))]))
    return found


def report(options, results):
    print_table(options, results)
    held = True
    print(f"\n{'ratio':<44}{'to':<20}{'loops':>6}{'median':>8}   {'extremes':<11}{'at most':>8}")
    for loops in options.loops:
        for title, peer, ratios, most in verdicts(results, loops):
            middle = statistics.median(ratios)
            extremes = f"{min(ratios):.2f}-{max(ratios):.2f}"
            judged = "" if most is None else f"{most:>8.1f}  {'held' if middle <= most else 'EXCEEDED'}"
            held = held and (most is None or middle <= most)
            print(f"{title:<44}{SERVERS[peer].title:<20}{loops:>6}{middle:>8.2f}   {extremes:<11}{judged}".rstrip())
    return held


def main():
    return program.run(parse(sys.argv[1:]), measure.about, measure_all, report, measure.rows)


if __name__ == "__main__":
    sys.exit(main())
