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
LARGE_CONNECTIONS = 8
LARGE = "large"  # in place of a number of connections: bodies of LARGE_BYTES, sent there and back
LARGE_SCRIPT = os.path.join(servers.ROOT, "bench/peers/echo_large.lua")


def url_of_echo(url):
    return url.removesuffix("/hello") + "/echo"


class Behind(servers.NginxLua):
    """The second nginx: answers, and sends bodies back."""

    location = (f"return 200 '{servers.BODY.decode()}'; }}\n"
                "    client_max_body_size 8m; client_body_buffer_size 2m;\n"
                "    location = /echo { content_by_lua_block {\n"
                "      ngx.req.read_body() local body = ngx.req.get_body_data()\n"
                "      ngx.header.content_length = #body ngx.print(body)\n"
                "    }")


class Proxy(servers.Nginx):
    """nginx that passes everything on to a second nginx."""

    title = "nginx -> nginx"

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.behind = Behind(name + "-behind", loops)

    def start(self):
        self.behind.__enter__()
        # Kept connections to the second one, as everybody has them who cares for what a proxy costs.
        self.outside = (f"upstream behind {{ server {self.behind.url.split('/')[2]}; keepalive 128; "
                        "keepalive_requests 100000000; }")
        self.location = ("proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ''; "
                         "client_max_body_size 8m; client_body_buffer_size 2m; proxy_buffers 64 32k;")
        super().start()

    def pids(self):
        return super().pids() + self.behind.pids()

    def stop(self):
        super().stop()
        self.behind.stop()


class Member(servers.Node):
    """One node of a cluster; the first has no seed."""

    def __init__(self, name, loops, native, seed=None):
        super().__init__(name, loops)
        self.native = native
        self.seed = seed
        self.cluster = f"127.0.0.1:{servers.free_port()}"

    @property
    def settings(self):
        join = ("--join", self.seed) if self.seed else ()
        control = servers.free_port()
        # A machine that is busy with other things is not to look like a node that is silent: then the function would
        # start where the requests come in.
        return ("--name", self.name, "--native", self.native, "--cluster", self.cluster, "--set",
                f"cluster.control_port={control}", "--set", "cluster.suspect_after=30s", *join)

    def nodes(self):
        with urllib.request.urlopen(self.admin + "/v1/nodes", timeout=10) as response:
            return json.load(response)


class Hop(servers.Server):
    """Nodes of one cluster: HTTP goes to the last, the function runs at the first and there alone."""

    members = 2

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.nodes = []

    def start(self):
        for number in range(self.members):
            # Where the function is not to run it would not be inline either.
            native, seed = ("process", self.nodes[0].cluster) if self.nodes else ("in-process", None)
            self.nodes.append(Member(f"{self.name}-{number}", self.loops, native, seed))
            self.nodes[-1].__enter__()
        self.process = self.nodes[-1].process
        self.log = self.nodes[-1].log
        for node in self.nodes:
            self.wait_for(lambda n=node: [each["state"] for each in n.nodes()] == ["ready"] * self.members, "members")
        self.nodes[0].deploy(self.code(), *self.flags, "--max-instances", "1", "--route", "GET /hello", "--route",
                             "POST /echo")
        self.url = self.nodes[-1].url + "/hello"
        self.wait_for(lambda: any(each["functions"] for each in self.nodes[-1].nodes()), "word of the instance")

    def running_at(self):
        """Names of the nodes with instances, as each of them says of itself."""
        found = []
        for node in self.nodes:
            found += [each["name"] for each in node.nodes() if each["name"] == node.name and each["functions"]]
        return found

    def pids(self):
        if (places := self.running_at()) != [self.nodes[0].name]:
            raise servers.Failed(f"{self.name}: the function runs at {', '.join(places) or 'no node'}")
        return [pid for node in self.nodes for pid in node.pids()]

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()
        self.process = None
        super().stop()


class NativeHop(Hop):
    """A native function inline at the other node."""

    title = "troupe -> troupe, native"
    flags = ("--concurrency", "64")

    @staticmethod
    def code():
        return os.path.join(os.path.dirname(servers.Node.program), "examples/native-hello/native-hello.so")


class NodeHop(Hop):
    """A Node.js function with one instance, at the other node."""

    title = "troupe -> troupe, Node.js"
    flags = ("--concurrency", "64")

    @staticmethod
    def code():
        return os.path.join(servers.ROOT, "examples/hello")


class WideHop(NativeHop):
    """As NativeHop, with a third node that only listens."""

    title = "troupe -> troupe, 3 nodes"
    members = 3


SERVERS = {"proxy": Proxy, "native": NativeHop, "node": NodeHop, "wide": WideHop}
# Those that send a body back as it came.
ECHOES = ("proxy", "native", "wide")


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
    """(what, ratios to nginx round by round, the most that is allowed; None: no budget) of one number of loops."""
    found = []

    def add(what, name, case, figure, most):
        if (name, loops, case) in results.rounds and ("proxy", loops, case) in results.rounds:
            columns = [results.column((server, loops, case), figure) for server in (name, "proxy")]
            found.append((what, [a / b for a, b in zip(*columns)], most))
    add("CPU per request, native, 64 connections", "native", 64, "cpu_us", BUDGETS.get(loops, 0.7))
    add("CPU per request, Node.js, 64 connections", "node", 64, "cpu_us", None)
    add("CPU per request, 3 nodes, 64 connections", "wide", 64, "cpu_us", None)
    add("p50 of a lone request, native", "native", 1, "p50_ms", LONE_BUDGET)
    add("p50 of a lone request, Node.js", "node", 1, "p50_ms", None)
    add("bytes per second, bodies of 1 MB", "native", LARGE, "mb_per_s", None)
    return found


def report(options, results):
    print_table(options, results)
    held = True
    print(f"\n{'ratio to nginx -> nginx':<44}{'loops':>6}{'median':>8}   {'extremes':<11}{'at most':>8}")
    for loops in options.loops:
        for what, ratios, most in verdicts(results, loops):
            middle = statistics.median(ratios)
            extremes = f"{min(ratios):.2f}-{max(ratios):.2f}"
            judged = "" if most is None else f"{most:>8.1f}  {'held' if middle <= most else 'EXCEEDED'}"
            held = held and (most is None or middle <= most)
            print(f"{what:<44}{loops:>6}{middle:>8.2f}   {extremes:<11}{judged}".rstrip())
    return held


def main():
    return program.run(parse(sys.argv[1:]), measure.about, measure_all, report, measure.rows)


if __name__ == "__main__":
    sys.exit(main())
