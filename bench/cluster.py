"""Measures what a hop between two troupe nodes costs beside a reverse proxy's, in interleaved rounds. Started by
bench/run."""
import json
import os
import statistics

import sys
import urllib.request

import measure
import program
import servers

# CPU of both servers per request with 64 connections, over that of nginx -> nginx: at most, by loops.
BUDGETS = {1: 0.6, 2: 0.7}
# A lone request may take no longer than nginx's.
LONE_BUDGET = 1.0
LARGE_BYTES = 1_000_000


class Proxy(servers.Nginx):
    """nginx that passes everything on to a second nginx."""

    title = "nginx -> nginx"

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.behind = servers.Nginx(name + "-behind", loops)

    def start(self):
        with open(os.path.join(self.behind.directory, "large"), "wb") as file:
            file.write(b"x" * LARGE_BYTES)
        self.behind.location = f"return 200 '{servers.BODY.decode()}';"
        self.behind.__enter__()
        self.location = (f"proxy_pass {self.behind.url.rsplit('/', 1)[0]}; proxy_http_version 1.1; "
                         "proxy_set_header Connection '';")
        super().start()

    def pids(self):
        return super().pids() + self.behind.pids()

    def stop(self):
        super().stop()
        self.behind.stop()


class Member(servers.Node):
    """One node of a cluster; the first has no seed."""

    def __init__(self, name, loops, seed=None):
        super().__init__(name, loops)
        self.seed = seed

    @property
    def settings(self):
        port = servers.free_port()
        self.cluster = f"127.0.0.1:{port}"
        join = ("--join", self.seed) if self.seed else ()
        return ("--native", "in-process", "--cluster", self.cluster, *join)

    def nodes(self):
        with urllib.request.urlopen(self.admin + "/v1/nodes", timeout=10) as response:
            return json.load(response)


class Hop(servers.Server):
    """Nodes of one cluster: HTTP goes to the last, the function runs at the first."""

    members = 2

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.nodes = []

    def start(self):
        for number in range(self.members):
            seed = self.nodes[0].cluster if self.nodes else None
            self.nodes.append(Member(f"{self.name}-{number}", self.loops, seed).__enter__())
        self.process = self.nodes[-1].process
        self.log = self.nodes[-1].log
        for node in self.nodes:
            self.wait_for(lambda: [n["state"] for n in node.nodes()] == ["ready"] * self.members, "members")
        self.nodes[0].deploy(os.path.join(servers.ROOT, self.function), "--route", "GET /hello", *self.flags)
        self.url = self.nodes[-1].url + "/hello"

        def runs_there():
            with urllib.request.urlopen(self.nodes[-1].admin + "/v1/nodes", timeout=10) as response:
                return any(n["functions"] for n in json.load(response) if n["name"] != self.nodes[-1].name)
        self.wait_for(runs_there, "word of the instance at the other node")

    def pids(self):
        return [pid for node in self.nodes for pid in node.pids()]

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()
        self.process = None
        super().stop()


class NodeHop(Hop):
    """A Node.js function with one instance, at the other node."""

    title = "troupe -> troupe, Node.js"
    function = "examples/hello"
    flags = ("--concurrency", "64", "--max-instances", "1")


SERVERS = {"proxy": Proxy, "hop": NodeHop}


def parse(arguments):
    parser = program.Parser(
        "bench/run cluster", quick="3 rounds of 2 s",
        description="HTTP at one node with the function at another one, beside nginx that passes requests on to a\n"
                    "second nginx. CPU is that of all processes on both sides.")
    parser.add_argument("--connections", metavar="N,M", type=measure.numbers(1000), default=[1, 64],
                        help="default 1,64")
    parser.add_argument("--loops", metavar="N,M", type=measure.numbers(256), default=[1, 2],
                        help="event loops or worker processes of every server, default 1,2")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    return options


def about(options):
    nginx = program.version_of("/usr/sbin/nginx", "-v")
    return (f"{options.rounds} interleaved rounds of {options.seconds} s; {nginx}",
            {"rounds": options.rounds, "seconds": options.seconds, "nginx": nginx})


def measure_all(options):
    results = measure.Results()
    for loops in options.loops:
        running = []
        try:
            for name, kind in SERVERS.items():
                print(f"== Starting {kind.title}, {loops} loop{'s' * (loops > 1)}", flush=True)
                running.append(kind(name, loops).__enter__())
            for server in running:
                for connections in options.connections:
                    measure.run_wrk(server.url, connections, 1)
            for number in range(options.rounds):
                print(f"== Round {number + 1} of {options.rounds}", flush=True)
                for connections in options.connections:
                    for server in (running if number % 2 == 0 else reversed(running)):
                        results.add(server.name, loops, connections,
                                    measure.measure(server, connections, options.seconds))
        finally:
            for server in running:
                server.stop()
    return results


def report(options, results):
    head = f"{'servers':<28}{'loops':>6}{'conns':>6}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'+-%':>6}"
    print("\n" + head + "\n" + "-" * len(head))
    held = True
    verdicts = []
    for loops in options.loops:
        for connections in options.connections:
            for name, kind in SERVERS.items():
                key = (name, loops, connections)
                middle = {figure: statistics.median(results.column(key, figure)) for figure in results.rounds[key][0]}
                print(f"{kind.title:<28}{loops:>6}{connections:>6}{middle['requests_per_s']:>10,.0f}"
                      f"{middle['p50_ms']:>9.3f}{middle['p99_ms']:>9.3f}{middle['cpu_us']:>9.2f}"
                      f"{measure.spread(results.column(key, 'cpu_us')):>6.1f}")
            if connections == 64:
                ratios = results.ratios("hop", "proxy", loops, connections)
                verdicts.append(("CPU per request, 64 connections", loops, ratios, BUDGETS.get(loops, 0.7)))
            if connections == 1:
                columns = [results.column((name, loops, 1), "p50_ms") for name in ("hop", "proxy")]
                verdicts.append(("p50 of a lone request", loops, [a / b for a, b in zip(*columns)], LONE_BUDGET))
    print()
    for what, loops, ratios, most in verdicts:
        middle = statistics.median(ratios)
        held = held and middle <= most
        print(f"{what:<34}{loops:>6}{middle:>8.2f}   {min(ratios):.2f}-{max(ratios):.2f}{most:>8.1f}  "
              f"{'held' if middle <= most else 'EXCEEDED'}")
    return held


def rows(results):
    return measure.rows(results)


def main():
    return program.run(parse(sys.argv[1:]), about, measure_all, report, rows)


if __name__ == "__main__":
    sys.exit(main())
