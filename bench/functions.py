"""Group `functions`: a node with one deployed function against a node with many."""
import statistics
import tempfile

import blocks
import figures
import measure
import nodes
import program
import rounds

TITLE = "Many functions"
INTRO = ("A node with one native function and a node with many, inline; each request goes to the next "
         "function. The script of wrk that does so costs both sides the same.")

# Throughput with many functions over throughput with one, at least.
BUDGET = 0.95
CONNECTIONS = 64
# Also where there is only one: the script costs both sides the same.
IN_TURN = """\
local number = 0
request = function()
  number = (number + 1) % {count}
  return wrk.format("GET", "/f" .. number)
end
"""


def parse(arguments):
    parser = program.Parser(
        "bench/run functions", quick="2 rounds of 1 s, 100 functions",
        description="Deploys 1 and many native functions on a node each and asks all in turn, in interleaved rounds:\n"
                    "requests per second, CPU per request, memory per function, time to deploy.")
    parser.add_argument("--functions", metavar="N", type=program.at_least(2), help="how many are many, default 1000")
    parser.add_argument("--loops", metavar="N,M", type=program.numbers(256), default="1",
                        help="event loops of each node, default 1")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.functions is None:
        options.functions = 100 if options.quick else 1000
    options.connections = [CONNECTIONS]
    return options


def about(options):
    return program.about_rounds(options)


class Functions(nodes.Node):
    """A node with `count` native functions at /f0, /f1, ...; `deploy_s` has how long each took."""

    def start(self):
        super().start()
        self.deploy_s = [self.deploy(nodes.built(nodes.NATIVE_HELLO), "--name", f"f{number}", "--route",
                                     f"GET /f{number}") for number in range(self.count)]
        self.deployed_bytes = measure.resident_bytes([self.process.pid])


def kind_with(many):
    return type(f"Functions{many}", (Functions,), {"count": many, "title": f"{many:,} function{'s' * (many > 1)}"})


def measure_in_turn(server, connections, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir=server.directory) as script:
        script.write(IN_TURN.format(count=server.count))
        script.flush()
        found = measure.measure(server, connections, seconds, "-s", script.name)
    part = max(1, server.count // 10)
    return {**found, "functions": server.count, "deployed_bytes": server.deployed_bytes,
            "deploy_first_ms": statistics.median(server.deploy_s[:part]) * 1000,
            "deploy_last_ms": statistics.median(server.deploy_s[-part:]) * 1000}


def measure_all(options, save):
    kinds = {"one": kind_with(1), "many": kind_with(options.functions)}
    return rounds.interleaved(kinds, options, save, measure_in_turn)


def verdicts(results):
    found = []
    for loops in results.each(1):
        if ratios := results.ratios("many", "one", loops, CONNECTIONS, "requests_per_s"):
            words = program.loops_in_words(loops)
            found.append(figures.of_rounds(f"requests per second, {words}", ratios, budget=BUDGET, at_least=True))
            costs = results.ratios("many", "one", loops, CONNECTIONS)
            found.append(figures.of_rounds(f"CPU per request, {words}", costs))
    return found


def deployments(results):
    rows = []
    for loops in results.each(1):
        one, many = (results.middle((name, loops, CONNECTIONS)) for name in ("one", "many"))
        each = (many["deployed_bytes"] - one["deployed_bytes"]) / (many["functions"] - one["functions"])
        rows.append([program.loops_in_words(loops), f"{each / 1000:.1f}", f"{many['deploy_first_ms']:.1f}",
                     f"{many['deploy_last_ms']:.1f}"])
    head = ["deployed functions", "kB of the node for each", "ms to deploy, first tenth", "last tenth"]
    return blocks.Table(head, rows)


def blocks_of(measured):
    results = figures.read_results(measured)
    found = [blocks.table_of_requests(results), blocks.Verdicts("Many functions / one", verdicts(results))]
    if len(results.each(0)) == 2:
        found.append(deployments(results))
    return [*found, *blocks.left_out_of(results)]
