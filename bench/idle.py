"""Group `idle`: memory and processor time of many connections that wait for their next request."""
import contextlib
import resource
import socket
import sys
import time
import urllib.parse

import blocks
import figures
import measure
import nodes
import program
import servers

TITLE = "Idle connections"
INTRO = ("Kept connections that have had one answer each. Memory is what the resident set of all processes "
         "grew by, from after the first answer until it stands still, of a fresh server in each round; the "
         "kernel's own memory for sockets is not in it. CPU is that of a second without a request.")

SERVERS = {"nginx": servers.Nginx, "native": nodes.Native, "node-http": servers.NodeHttp}
OWN = ("native",)
# Bytes of a connection, at most.
BUDGET = 8192
REQUEST = b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n"


def parse(arguments):
    parser = program.Parser("bench/run idle", quick="1 round of 2,000 connections",
                            description="Opens many connections, lets them wait, and looks at memory and CPU time.")
    parser.add_servers(SERVERS, loops="1")
    parser.add_argument("--idle", metavar="N", type=program.at_least(1), help="connections, default 10000")
    parser.add_argument("--rounds", metavar="N", type=program.at_least(1), help="default 5")
    options = parser.parse(arguments)
    if options.rounds is None:
        options.rounds = 1 if options.quick else 5
    if options.idle is None:
        options.idle = 2000 if options.quick else 10_000
    return options


def about(options):
    return (f"{options.idle:,} connections, {options.rounds} rounds", {"rounds": options.rounds})


def allow_descriptors(count):
    """Of this process and of the servers that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A node of troupe takes clients for three quarters of its descriptors.
    needed = count * 4 // 3 + 1000
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise servers.Failed(f"{count} connections need a limit of {needed} descriptors, and `ulimit -Hn` is {hard}")
    soft = needed if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(url):
    """A connection that has had its first answer."""
    where = urllib.parse.urlsplit(url)
    connection = socket.create_connection((where.hostname, where.port), timeout=30)
    try:
        connection.sendall(REQUEST)
        got = b""
        while servers.BODY not in got:
            more = connection.recv(4096)
            if not more:
                raise servers.Failed(f"a connection was closed after {got!r}")
            got += more
    except BaseException:
        connection.close()
        raise
    return connection


def settled_bytes(server):
    """The resident set, when it has stood still for half a second."""
    last, since = None, time.monotonic()

    def still():
        nonlocal last, since
        now = measure.resident_bytes(server.pids())
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= 0.5
    server.wait_for(still, "rest")
    return last


def measure_server(server, count):
    with contextlib.ExitStack() as open_ones:
        open_ones.enter_context(connect(server.url))
        before = settled_bytes(server)
        began = time.monotonic()
        for _ in range(count):
            open_ones.enter_context(connect(server.url))
        took = time.monotonic() - began
        after = settled_bytes(server)
        cpu, began = measure.cpu_seconds(server.pids()), time.monotonic()
        time.sleep(2)  # the time that is looked at
        idle_s = time.monotonic() - began
        return {"connections": count, "bytes_each": (after - before) / count, "resident_mb": after / 1e6,
                "idle_cpu_ms_per_s": (measure.cpu_seconds(server.pids()) - cpu) * 1000 / idle_s,
                "connects_per_s": count / took}


def measure_all(options, save):
    allow_descriptors(options.idle)
    results = figures.Results()
    kinds = program.chosen(SERVERS, options)
    for number in range(options.rounds):
        print(f"== Round {number + 1} of {options.rounds}", flush=True)
        for name, kind in list(kinds.items()):
            results.titles[name] = kind.title
            try:
                for loops in options.loops:
                    with kind(name, loops) as server:
                        results.add(name, loops, f"{options.idle:,}", measure_server(server, options.idle))
            except (servers.Failed, OSError) as problem:
                kinds.pop(name)
                results.failed[kind.title] = str(problem)
                print(f"FAILED: {kind.title}: {problem}", file=sys.stderr, flush=True)
        save(results.written())
    return results.written()


def verdicts(results):
    return [figures.of_rounds(f"{results.titles[name]}, {case} connections, {program.loops_in_words(loops)}",
                              results.column((name, loops, case), "bytes_each"), budget=BUDGET if name in OWN else None,
                              unit=" bytes") for name, loops, case in results.rounds]


def table(results):
    rows = []
    for key in results.rounds:
        middle = results.middle(key)
        rows.append([results.titles[key[0]], str(key[1]), key[2], f"{middle['bytes_each']:,.0f}",
                     f"{figures.spread(results.column(key, 'bytes_each')):.1f}", f"{middle['resident_mb']:.1f}",
                     f"{middle['idle_cpu_ms_per_s']:.1f}", f"{middle['connects_per_s']:,.0f}"])
    head = ["server", "loops", "connections", "bytes each", "+-%", "RSS MB", "idle CPU ms/s", "first answers/s"]
    return blocks.Table(head, rows)


def blocks_of(measured):
    results = figures.read_results(measured)
    charts = [blocks.bars_of(results, f"Bytes of a connection, {program.loops_in_words(loops)}", "bytes", loops, case,
                             OWN, "bytes_each") for loops in results.each(1) for case in results.each(2)]
    for chart in charts:
        chart.budget = BUDGET
    return [*charts, table(results), blocks.Verdicts("Memory of a connection", verdicts(results)),
            *blocks.left_out_of(results)]
