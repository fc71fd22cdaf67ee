"""Group `requests`: one small answer, by every kind of function and by the peers."""
import blocks
import figures
import nodes
import program
import rounds
import servers
import workerd

TITLE = "Small requests"
INTRO = ("GET with an answer of 27 bytes over kept connections, no log anywhere. CPU is utime + stime of all "
         "processes of the server, workers included, per request. Functions with one call at a time in an instance "
         "(Node.js, concurrency 1; Python) run with `queue.shedding=off`: as it is by default, most of 64 clients that "
         "ask again at once would be answered 503.")

SERVERS = {
    "nginx": servers.Nginx,
    "lua": servers.NginxLua,
    "native": nodes.Native,
    "native-process": nodes.NativeProcess,
    "node-http": servers.NodeHttp,
    "node": nodes.JavaScript,
    "node-1": nodes.JavaScriptOne,
    "workerd": workerd.Workerd,
    "python": nodes.Python,
}
OWN = ("native", "native-process", "node", "node-1", "python")
# CPU per request of the first over the second, with 64 connections; at most, and what is aimed at. None: only shown.
BUDGETS = (
    ("native", "lua", 1.0, 0.9),
    ("node", "node-http", 0.8, 0.7),
    ("native", "nginx", None, None),
    ("native-process", "lua", None, None),
    ("node-1", "node-http", None, None),
    ("node", "workerd", None, None),
)


def parse(arguments):
    parser = program.Parser(
        "bench/run requests", quick="2 rounds of 1 s",
        description="Measures all servers in interleaved rounds and prints medians, then the ratios that have a\n"
                    "budget. Logs are off on all sides.")
    parser.add_servers(SERVERS)
    parser.add_argument("--connections", metavar="N,M", type=program.numbers(1000), default="1,64", help="default 1,64")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    return options


def about(options):
    return program.about_rounds(options)


def measure_all(options, save):
    return rounds.interleaved(program.chosen(SERVERS, options), options, save)


def verdicts(results):
    found = []
    for first, second, most, goal in BUDGETS:
        for loops in results.each(1):
            if ratios := results.ratios(first, second, loops, 64):
                title = f"{results.titles[first]} / {results.titles[second]}, {program.loops_in_words(loops)}"
                found.append(figures.of_rounds(title, ratios, budget=most, goal=goal))
    return found


def charts(results):
    """CPU per request with the most connections."""
    case = max(results.each(2), default=0)
    return [blocks.bars_of(results, f"CPU per request, {case} connections, {program.loops_in_words(loops)}", "us",
                           loops, case, OWN) for loops in results.each(1)]


def blocks_of(measured):
    results = figures.read_results(measured)
    return [*charts(results), blocks.table_of_requests(results),
            blocks.Verdicts("CPU per request, 64 connections", verdicts(results)), *blocks.left_out_of(results)]
