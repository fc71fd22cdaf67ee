"""Group `logs`: the same requests with a line of log for each, and without."""
import blocks
import figures
import measure
import nodes
import program
import rounds
import servers

TITLE = "With a log of requests"
INTRO = ("Each server writes a line of JSON for each request to a file, in pieces of 32 KB, beside itself "
         "without. `lines/req` says how many lines the file had for each request.")

LINE = ('{{"time":"$time_iso8601","level":"info","event":"request","method":"$request_method","path":"$uri",'
        '"status":$status,"route":"hello","bytes":$body_bytes_sent,"total_ms":$request_time,"peer":"$remote_addr",'
        '"request_id":"$request_id"}}')


class NginxLogged(servers.NginxLua):
    title = "nginx + Lua, log"
    log_format = (f"log_format lines escape=json '{LINE}';\n"
                  "  access_log {directory}/output.log lines buffer=32k flush=1s;")


class NodeHttpLogged(servers.NodeHttp):
    title = "Node's http server, log"
    flags = ("log",)


class NativeLogged(nodes.Native):
    title = "troupe, native inline, log"
    access_log = "all"


class NodeLogged(nodes.JavaScript):
    title = "troupe, Node.js function, log"
    access_log = "all"


SERVERS = {
    "lua": servers.NginxLua,
    "lua-log": NginxLogged,
    "native": nodes.Native,
    "native-log": NativeLogged,
    "node-http": servers.NodeHttp,
    "node-http-log": NodeHttpLogged,
    "node": nodes.JavaScript,
    "node-log": NodeLogged,
}
OWN = ("native", "native-log", "node", "node-log")
BUDGETS = (("native-log", "lua-log", 1.0, 0.9), ("node-log", "node-http-log", 0.8, 0.7))
WITH_AND_WITHOUT = (("lua-log", "lua"), ("native-log", "native"), ("node-http-log", "node-http"), ("node-log", "node"))


def parse(arguments):
    parser = program.Parser("bench/run logs", quick="2 rounds of 1 s",
                            description="Requests with a line of log each and without, in interleaved rounds.")
    parser.add_servers(SERVERS)
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    options.connections = [64]
    return options


def about(options):
    return program.about_rounds(options)


def measure_one(server, connections, seconds):
    found = measure.measure(server, connections, seconds)
    lines = server.cut_log()
    return {**found, "lines_per_request": lines / found["requests"]}


def measure_all(options, save):
    return rounds.interleaved(program.chosen(SERVERS, options), options, save, measure_one)


def verdicts(results):
    found = []
    for loops in results.each(1):
        for first, second, most, goal in BUDGETS:
            if ratios := results.ratios(first, second, loops, 64):
                title = f"{results.titles[first]} / {results.titles[second]}, {program.loops_in_words(loops)}"
                found.append(figures.of_rounds(title, ratios, budget=most, goal=goal))
    return found


def costs(results):
    """What a line costs, in us."""
    found = []
    for loops in results.each(1):
        for first, second in WITH_AND_WITHOUT:
            if differences := results.differences(first, second, loops, 64):
                title = f"{results.titles[second]}, {program.loops_in_words(loops)}"
                found.append(figures.of_rounds(title, differences, unit=" us"))
    return found


def blocks_of(measured):
    results = figures.read_results(measured)
    charts = [blocks.bars_of(results, f"CPU per request, 64 connections, {program.loops_in_words(loops)}", "us", loops,
                             64, OWN) for loops in results.each(1)]
    return [*charts, blocks.table_of_requests(results),
            blocks.Verdicts("CPU per request, both with a log, 64 connections", verdicts(results)),
            blocks.Verdicts("What a line of log costs a request", costs(results)), *blocks.left_out_of(results)]
