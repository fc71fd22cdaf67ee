"""Measures the store: commits, how soon every member has them, starts with many records, memory, moves. Started by
bench/run store."""
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time

import measure
import program
import servers
from store_servers import AtCopy, Bare, Engine, Nodes, StoreMember, Writer, quantile

CALLERS = (1, 64)
ROUTES = 39  # of each function that fills a store: with its own record it makes 40
# Nobody may write for so long while the store moves, in seconds.
MOVE_BUDGET = 1.0


def parse(arguments):
    parser = program.Parser(
        "bench/run store", quick="3 rounds of 2 s, 3 starts and moves",
        description="Commits by 1 and 64 callers, beside SQLite with the same syncs, in interleaved rounds; starts of\n"
                    "nodes with 10,000 records and without, their memory; and how long a move of the store stops writes.")
    parser.add_argument("--records", metavar="N", type=int, default=10_000,
                        help="that a node starts with, default 10000")
    parser.add_argument("--tries", metavar="N", type=int, help="starts of each kind, and moves, default 10")
    parser.add_argument("--program", metavar="FILE", help="another troupe than build/bench/troupe")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.tries is None:
        options.tries = 3 if options.quick else 10
    if min(options.rounds, options.seconds, options.tries) < 1 or options.records < ROUTES + 1:
        parser.error(f"--rounds, --seconds and --tries are at least 1, --records at least {ROUTES + 1}")
    if options.program:
        servers.Node.program = os.path.abspath(options.program)
    return options


def measure_commits(options):
    """{title: {callers: [figures of each round]}}"""
    with contextlib.ExitStack() as running:
        def started(writer):
            running.callback(writer.stop)
            return writer
        folders = [running.enter_context(tempfile.TemporaryDirectory(prefix="troupe-bench-")) for _ in range(2)]
        writers = [started(Bare(folders[0])), started(Engine(folders[1])), started(Nodes(1)), started(Nodes(3))]
        for nodes in writers[2:]:
            print(f"== Deploying {max(CALLERS)} functions to {nodes.title}", flush=True)
            nodes.deploy(max(CALLERS))
        writers.append(AtCopy(writers[3]))
        results = {writer.title: {callers: [] for callers in CALLERS} for writer in writers}
        for number in range(options.rounds + 1):
            print(f"== Round {number} of {options.rounds}" if number else "== Warming up", flush=True)
            for callers in CALLERS:
                for writer in (writers if number % 2 else reversed(writers)):
                    found = writer.measure(callers, options.seconds if number else 1)
                    if number:
                        results[writer.title][callers].append(found)
        return results


def measure_starts(options):
    """What a start takes and then occupies: {kind: [(seconds, resident bytes)]}, and the number of records.

    Kinds: `empty` and `full`, nodes that are alone; `copy`, a member that was there before; `joins`, a new member.
    """
    with contextlib.ExitStack() as running:
        empty, full = (running.enter_context(Nodes(1)) for _ in range(2))
        functions = options.records // (ROUTES + 1)
        print(f"== Deploying {functions} functions with {ROUTES} routes each", flush=True)
        full.deploy(functions, ROUTES)
        records = full.records()
        primary = full.nodes[0]
        copy = running.enter_context(StoreMember("copy", primary.cluster))
        found = {"empty": [], "full": [], "copy": [], "joins": []}
        for number in range(options.tries):
            print(f"== Start {number + 1} of {options.tries}", flush=True)
            for kind, node in (("empty", empty.nodes[0]), ("full", primary), ("copy", copy)):
                found[kind].append((node.restart(), measure.resident_bytes([node.process.pid])))
            primary.wait_for(lambda: all(each["state"] == "ready" for each in primary.nodes()), "members")
            newcomer = StoreMember(f"joins-{number}", primary.cluster)
            began = time.monotonic()
            with newcomer:
                found["joins"].append((time.monotonic() - began, measure.resident_bytes([newcomer.process.pid])))
            primary.wait_for(lambda n=newcomer: state_of(primary, n.name) == "gone", "end of the newcomer's session")
            primary.run("nodes", "remove", newcomer.name)
        return {"starts": found, "records": records}


def state_of(node, name):
    return next(each["state"] for each in node.nodes() if each["name"] == name)


def measure_moves(options):
    """[(seconds that `troupe store move` took, seconds without an acknowledged write at a third node)]"""
    with Nodes(3) as nodes:
        nodes.deploy(1)
        answered, refused, ended = [], [], threading.Event()

        def write():
            with contextlib.closing(Writer(nodes.nodes[2], "f0")) as writer:
                while not ended.is_set():
                    status = writer.write()
                    (answered if status == 204 else refused).append((time.monotonic(), status))
        thread = threading.Thread(target=write)
        thread.start()
        try:
            moves = [move_once(nodes, 1 - number % 2, answered) for number in range(options.tries)]
        finally:
            ended.set()
            thread.join()
        return {"moves": [(took, longest_gap(answered, began, end)) for began, end, took in moves],
                "refused": len(refused)}


def move_once(nodes, to, answered):
    """(begin, end, seconds) of a move with writes before and behind it."""
    def written(count):
        nodes.nodes[2].wait_for(lambda: len(answered) >= count, "write")
    written(len(answered) + 20)
    began = time.monotonic()
    nodes.nodes[2].run("store", "move", "--to", nodes.nodes[to].name)
    took = time.monotonic() - began
    written(len(answered) + 20)
    return began, time.monotonic(), took


def longest_gap(answered, began, end):
    """The longest time between two answers, of those that reach into a stretch of time."""
    times = [when for when, _ in answered]
    return max(after - before for before, after in zip(times, times[1:]) if after >= began and before <= end)


def print_commits(results):
    head = f"{'commits':<24}{'callers':>8}{'per s':>10}{'+-%':>6}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'/ SQLite':>10}"
    print("\n" + head + "\n" + "-" * len(head))
    for callers in CALLERS:
        bare = [each["per_s"] for each in results[Bare.title][callers]]
        for title, found in results.items():
            column = {figure: [each[figure] for each in found[callers]] for figure in found[callers][0]}
            middle = {figure: statistics.median(values) for figure, values in column.items()}
            ratio = statistics.median(a / b for a, b in zip(column["per_s"], bare))
            print(f"{title:<24}{callers:>8}{middle['per_s']:>10,.0f}{measure.spread(column['per_s']):>6.0f}"
                  f"{middle['p50_ms']:>9.2f}{middle['p99_ms']:>9.2f}{middle['cpu_us']:>9.1f}{ratio:>10.2f}")


def print_starts(found):
    records = found["records"]
    titles = {"empty": "alone, no deployment", "full": f"alone, {records:,} records",
              "copy": f"a copy of {records:,} records", "joins": f"new, loads {records:,} records"}
    head = f"{'start of a node':<32}{'p50 ms':>9}{'least':>9}{'most':>9}{'RSS MB':>9}"
    print("\n" + head + "\n" + "-" * len(head))
    resident = {}
    for kind, tries in found["starts"].items():
        took = [each[0] * 1000 for each in tries]
        resident[kind] = statistics.median(each[1] for each in tries)
        print(f"{titles[kind]:<32}{statistics.median(took):>9.1f}{min(took):>9.1f}{max(took):>9.1f}"
              f"{resident[kind] / 1e6:>9.1f}")
    per_10_000 = (resident["full"] - resident["empty"]) / records * 10_000
    print(f"memory of a node for 10,000 records (functions with {ROUTES} routes): {per_10_000 / 1e6:.1f} MB")


def print_moves(found):
    """Returns whether the budget holds."""
    took, pauses = ([each[index] * 1000 for each in found["moves"]] for index in (0, 1))
    held = max(pauses) <= MOVE_BUDGET * 1000
    print(f"\n{len(took)} moves of the store took {statistics.median(took):.0f} ms each (most {max(took):.0f})")
    print(f"longest pause of writes at a third node: p50 {quantile(pauses, 50):.0f} ms, most {max(pauses):.0f} ms; "
          f"{found['refused']} refused; at most {MOVE_BUDGET * 1000:.0f} ms: {'held' if held else 'EXCEEDED'}")
    return held


def about(options):
    return (f"{options.rounds} interleaved rounds of {options.seconds} s, {options.tries} starts and moves",
            {"rounds": options.rounds, "seconds": options.seconds, "tries": options.tries})


def measure_all(options):
    return {"commits": measure_commits(options), **measure_starts(options), **measure_moves(options)}


def report(_, results):
    print_commits(results["commits"])
    print_starts(results)
    return print_moves(results)


def main():
    return program.run(parse(sys.argv[1:]), about, measure_all, report)


if __name__ == "__main__":
    sys.exit(main())
