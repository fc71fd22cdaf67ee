"""Measures a node with one deployed function against a node with many. Started by bench/run functions."""
import os
import statistics
import sys
import tempfile

import measure
import program
import servers

FUNCTION = "build/bench/examples/native-hello/native-hello.so"
# Throughput with many functions over throughput with one, at least.
BUDGET = 0.95
# Each request goes to the next function, also where there is only one: the script costs both sides the same.
IN_TURN = """\
local number = 0
request = function()
  number = (number + 1) % {count}
  return wrk.format("GET", "/f" .. number)
end
"""


def parse(arguments):
    parser = program.Parser(
        "bench/run functions", quick="3 rounds of 2 s",
        description="Deploys 1 and many native functions on a node each and asks all in turn, in interleaved rounds:\n"
                    "requests per second, CPU per request, memory per function, time to deploy.")
    parser.add_argument("--functions", metavar="N", type=int, default=1000, help="how many are many, default 1000")
    parser.add_rounds()
    parser.add_argument("--connections", metavar="N", type=int, default=64, help="default 64")
    parser.add_argument("--loops", metavar="N", type=int, default=1, help="event loops of each node, default 1")
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.functions < 2:
        parser.error("--functions is at least 2")
    if min(options.rounds, options.seconds, options.connections, options.loops) < 1:
        parser.error("--rounds, --seconds, --connections and --loops are at least 1")
    return options


class Functions(servers.Node):
    """A node with `count` native functions at /f0, /f1, ...; `deploy_s` has how long each took."""

    def __init__(self, count, loops):
        super().__init__(f"functions-{count}", loops)
        self.count = count

    def start(self):
        super().start()
        self.deploy_s = [self.deploy(os.path.join(servers.ROOT, FUNCTION), "--name", f"f{number}", "--route",
                                     f"GET /f{number}") for number in range(self.count)]


def run_in_turn(server, options, seconds):
    """What wrk found, as measure.measure has it."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir=server.directory) as script:
        script.write(IN_TURN.format(count=server.count))
        script.flush()
        return measure.measure(server, options.connections, seconds, "-s", script.name)


def measure_all(options):
    """{count: {"rounds": [...], "deploy_s": [...]}}"""
    running = []
    try:
        for count in (1, options.functions):
            print(f"== Deploying {count} function{'s' * (count > 1)}", flush=True)
            running.append(Functions(count, options.loops).__enter__())
        results = {server.count: {"rounds": [], "deploy_s": server.deploy_s,
                                  "resident_bytes": measure.resident_bytes([server.process.pid])} for server in running}
        for server in running:
            run_in_turn(server, options, 1)
        for number in range(options.rounds):
            print(f"== Round {number + 1} of {options.rounds}", flush=True)
            for server in (running if number % 2 == 0 else reversed(running)):
                results[server.count]["rounds"].append(run_in_turn(server, options, options.seconds))
        return results
    finally:
        for server in running:
            server.stop()


def ratios(results, figure):
    """Many over one, round by round."""
    one, many = (results[count]["rounds"] for count in sorted(results))
    return [b[figure] / a[figure] for a, b in zip(one, many)]


def bytes_per_function(results):
    few, many = sorted(results)
    return (results[many]["resident_bytes"] - results[few]["resident_bytes"]) / (many - few)


def print_results(results):
    """Prints the table and returns whether the budget holds."""
    head = (f"{'functions':>9}{'req/s':>10}{'+-%':>6}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'+-%':>6}{'RSS MB':>8}"
            f"{'deploy ms':>11}")
    print("\n" + head + "\n" + "-" * len(head))
    for count, found in sorted(results.items()):
        column = {figure: [each[figure] for each in found["rounds"]] for figure in found["rounds"][0]}
        middle = {figure: statistics.median(values) for figure, values in column.items()}
        print(f"{count:>9}{middle['requests_per_s']:>10,.0f}{measure.spread(column['requests_per_s']):>6.1f}"
              f"{middle['p50_ms']:>9.3f}{middle['p99_ms']:>9.3f}{middle['cpu_us']:>9.2f}"
              f"{measure.spread(column['cpu_us']):>6.1f}{found['resident_bytes'] / 1e6:>8.1f}"
              f"{statistics.median(found['deploy_s']) * 1000:>11.1f}")
    throughput, cpu = ratios(results, "requests_per_s"), ratios(results, "cpu_us")
    middle = statistics.median(throughput)
    held = middle >= BUDGET
    print(f"\nthroughput, many / one   {middle:.3f}   {min(throughput):.2f}-{max(throughput):.2f}   at least {BUDGET}: "
          f"{'held' if held else 'EXCEEDED'}")
    print(f"CPU per request          {statistics.median(cpu):.3f}   {min(cpu):.2f}-{max(cpu):.2f}")
    print(f"memory of the node for each function: {bytes_per_function(results) / 1000:.1f} kB")
    deploys = results[max(results)]["deploy_s"]
    part = max(1, len(deploys) // 10)
    print(f"deploying: the first {part} took {statistics.median(deploys[:part]) * 1000:.1f} ms each, the last "
          f"{statistics.median(deploys[-part:]) * 1000:.1f} ms, all {sum(deploys):.1f} s")
    return held


def about(options):
    words = (f"{options.rounds} interleaved rounds of {options.seconds} s, {options.connections} connections, "
             f"{options.loops} loop{'s' * (options.loops > 1)}")
    return words, {"rounds": options.rounds, "seconds": options.seconds}


def main():
    return program.run(parse(sys.argv[1:]), about, measure_all, lambda _, results: print_results(results))


if __name__ == "__main__":
    sys.exit(main())
