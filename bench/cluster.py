"""Group `cluster`: what a hop between two troupe nodes costs, beside a reverse proxy's and one over CAF's middleman."""
import blocks
import bodies
import figures
import measure
import program
import rounds
from cluster_servers import ECHOES, SERVERS

TITLE = "A hop inside the cluster"
INTRO = ("HTTP at one node with the function at another one, beside nginx that passes requests on to a second "
         "nginx over kept connections, and beside the same call over CAF's middleman (BASP). CPU is that of "
         "all processes on both sides.")

OWN = ("native", "node", "three", "five")
# CPU of both servers per request with 64 connections, over that of nginx -> nginx: at most, by loops.
BUDGETS = {1: 0.6, 2: 0.7}
# A lone request may take no longer than nginx's, with any number of loops.
LONE_BUDGETS = {1: 1.0, 2: 1.0}
LARGE = "1 MB"  # in place of a number of connections: bodies of 1 MB, sent there and back

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
        "bench/run cluster", quick="2 rounds of 1 s",
        description="HTTP at one node with the function at another one, beside nginx that passes requests on to a\n"
                    "second nginx. CPU is that of all processes on both sides.")
    parser.add_servers(SERVERS)
    parser.add_argument("--connections", metavar="N,M", type=program.numbers(1000), default="1,64", help="default 1,64")
    parser.add_argument("--no-large", action="store_true", help="leaves bodies of 1 MB out")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    return options


def about(options):
    return program.about_rounds(options)


def cases_of(options, name):
    return [*options.connections, *([LARGE] if name in ECHOES and not options.no_large else [])]


def measure_one(server, case, seconds):
    if case == LARGE:
        return bodies.measure_echo(server, bodies.CONNECTIONS, seconds)
    return measure.measure(server, case, seconds)


def measure_all(options, save):
    return rounds.interleaved(program.chosen(SERVERS, options), options, save, measure_one,
                              lambda name: cases_of(options, name))


def verdicts(results):
    found = []
    for loops in results.each(1):
        for title, name, peer, case, figure, budgets in RATIOS:
            if values := results.ratios(name, peer, loops, case, figure):
                # More loops than the budget knows are judged by its last.
                budget = budgets and budgets[min(loops, max(budgets))]
                words = f"{title}, to {results.titles[peer]}, {program.loops_in_words(loops)}"
                found.append(figures.of_rounds(words, values, budget=budget, at_least=figure == "mb_per_s"))
    return found


def charts(results):
    found = []
    for loops in results.each(1):
        words = program.loops_in_words(loops)
        costs = f"CPU per request of all nodes, 64 connections, {words}"
        found += [blocks.bars_of(results, costs, "us", loops, 64, OWN),
                  blocks.bars_of(results, f"p50 of a lone request, {words}", "ms", loops, 1, OWN, "p50_ms")]
    return [chart for chart in found if chart.bars]


def blocks_of(measured):
    results = figures.read_results(measured)
    return [*charts(results), blocks.table_of_requests(results), blocks.Verdicts("Ratios", verdicts(results)),
            *blocks.left_out_of(results)]
