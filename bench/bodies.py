"""Group `bodies`: 1 MB sent to a function and back."""
import os

import blocks
import figures
import measure
import nodes
import program
import rounds
import servers
import workerd

TITLE = "Bodies of 1 MB"
INTRO = ("POST of 1 MB, answered with the same 1 MB, over 8 connections; MB/s counts both ways. Between node "
         "and worker process a body travels inside an event of JSON, as on Lambda, binary as base64.")

CONNECTIONS = 8
BYTES = 1_000_000
SCRIPT = os.path.join(servers.ROOT, "bench/peers/echo_large.lua")
ROUTES = ("GET /hello", "POST /echo")
# Several events of 1.3 MB at a time, and what a handler makes of them, do not fit into the 128 MB of the default.
MEMORY = ("--memory-mb", "512")


class NginxEcho(servers.NginxLua):
    """Answers, and sends bodies back."""

    location = (f"return 200 '{servers.BODY.decode()}'; }}\n"
                "    client_max_body_size 8m; client_body_buffer_size 2m;\n"
                "    location = /echo { content_by_lua_block {\n"
                "      ngx.req.read_body() local body = ngx.req.get_body_data()\n"
                "      ngx.header.content_length = #body ngx.print(body)\n"
                "    }")


class NativeEcho(nodes.Native):
    routes = ROUTES


class ProcessEcho(nodes.NativeProcess):
    routes = ROUTES
    flags = (*nodes.NativeProcess.flags, *MEMORY)


class NodeEcho(nodes.JavaScript):
    routes = ROUTES
    flags = (*nodes.JavaScript.flags, *MEMORY)

    @staticmethod
    def code():
        return os.path.join(servers.ROOT, "bench/peers/echo")


class PythonEcho(nodes.Python):
    routes = ROUTES
    flags = MEMORY


SERVERS = {"lua": NginxEcho, "native": NativeEcho, "native-process": ProcessEcho, "node-http": servers.NodeHttp,
           "node": NodeEcho, "workerd": workerd.Workerd, "python": PythonEcho}
OWN = ("native", "native-process", "node", "python")


def parse(arguments):
    parser = program.Parser("bench/run bodies", quick="2 rounds of 1 s",
                            description="Bodies of 1 MB there and back, over 8 connections, in interleaved rounds.")
    parser.add_servers(SERVERS, loops="1")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    options.connections = [CONNECTIONS]
    return options


def about(options):
    return program.about_rounds(options)


def measure_echo(server, connections, seconds):
    """As measure.measure, with bodies of 1 MB there and back."""
    small, server.url = server.url, server.url.removesuffix("/hello") + "/echo"
    try:
        found = measure.measure(server, connections, seconds, "-s", SCRIPT)
    finally:
        server.url = small
    return {**found, "mb_per_s": 2 * BYTES * found["requests_per_s"] / 1e6}


def measure_all(options, save):
    return rounds.interleaved(program.chosen(SERVERS, options), options, save, measure_echo)


def verdicts(results):
    found = []
    for loops in results.each(1):
        for first, second in (("native", "lua"), ("native-process", "lua"), ("node", "node-http")):
            if ratios := results.ratios(first, second, loops, CONNECTIONS, "mb_per_s"):
                title = f"{results.titles[first]} / {results.titles[second]}, {program.loops_in_words(loops)}"
                found.append(figures.of_rounds(title, ratios, at_least=True))
    return found


def blocks_of(measured):
    results = figures.read_results(measured)
    charts = [blocks.bars_of(results, f"MB per second, {program.loops_in_words(loops)}", "MB/s", loops, CONNECTIONS,
                             OWN, "mb_per_s") for loops in results.each(1)]
    return [*charts, blocks.table_of_requests(results),
            blocks.Verdicts("Bytes per second", verdicts(results)), *blocks.left_out_of(results)]
