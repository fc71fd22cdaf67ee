"""Group `store`: commits, how soon every member has them, starts with many records, memory, moves."""
import contextlib
import statistics
import tempfile
import threading
import time

import blocks
import figures
import measure
import program
from store_servers import AtCopy, Bare, Engine, Nodes, StoreMember, Writer

TITLE = "The store"
INTRO = ("What nodes agree on. Commits per second by 1 and by 64 callers: of SQLite alone with the same "
         "journal and syncs, which is what the disk allows, of the store without a node, and through the "
         "Lambda API of nodes; an answer of three nodes comes when all of them have it.")

CALLERS = ("1", "64")  # as they are in a file of JSON
MOST_CALLERS = 64
ROUTES = 39  # of each function that fills a store: with its own record it makes 40
# Nobody may write for so long while the store moves, in seconds.
MOVE_BUDGET = 1.0


def parse(arguments):
    parser = program.Parser(
        "bench/run store", quick="2 rounds of 1 s, 3 starts and moves",
        description="Commits by 1 and 64 callers, beside SQLite with the same syncs, in interleaved rounds; starts of\n"
                    "nodes with 10,000 records and without, their memory; how long a move of the store stops writes.")
    parser.add_argument("--records", metavar="N", type=program.at_least(ROUTES + 1), default=10_000,
                        help="that a node starts with, default 10000")
    parser.add_argument("--tries", metavar="N", type=program.at_least(1),
                        help="starts of each kind, and moves, default 5")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    if options.tries is None:
        options.tries = 3 if options.quick else 5
    return options


def measure_commits(options, save):
    """{title: {callers: [figures of each round]}}"""
    with contextlib.ExitStack() as running:
        def started(writer):
            running.callback(writer.stop)
            return writer
        folders = [running.enter_context(tempfile.TemporaryDirectory(prefix="troupe-bench-")) for _ in range(2)]
        writers = [started(Bare(folders[0])), started(Engine(folders[1])), started(Nodes(1)), started(Nodes(3))]
        for nodes in writers[2:]:
            print(f"== Deploying {MOST_CALLERS} functions to {nodes.title}", flush=True)
            nodes.deploy(MOST_CALLERS)
        writers.append(AtCopy(writers[3]))
        results = {writer.title: {callers: [] for callers in CALLERS} for writer in writers}
        for number in range(options.rounds + 1):
            print(f"== Round {number} of {options.rounds}" if number else "== Warming up", flush=True)
            for callers in CALLERS:
                for writer in (writers if number % 2 else reversed(writers)):
                    found = writer.measure(int(callers), options.seconds if number else 1)
                    if number:
                        results[writer.title][callers].append(found)
            if number:
                save({"commits": results})
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


def commits(measured):
    """The charts of commits per second, and the table."""
    charts, rows = [], []
    for callers in CALLERS:
        bare = [each["per_s"] for each in measured[Bare.title][callers]]
        bars = []
        for title, found in measured.items():
            column = {figure: [each[figure] for each in found[callers]] for figure in found[callers][0]}
            middle = {figure: statistics.median(values) for figure, values in column.items()}
            ratio = statistics.median(a / b for a, b in zip(column["per_s"], bare))
            rows.append([title, callers, f"{middle['per_s']:,.0f}", f"{figures.spread(column['per_s']):.0f}",
                         f"{middle['p50_ms']:.2f}", f"{middle['p99_ms']:.2f}", f"{middle['cpu_us']:.1f}",
                         f"{ratio:.2f}"])
            bars.append(blocks.Bar(title, middle["per_s"], min(column["per_s"]), max(column["per_s"]),
                                   title != Bare.title))
        charts.append(blocks.Bars(f"Commits per second, {callers} caller{'s' * (callers != '1')}", "/s", bars))
    head = ["commits", "callers", "per s", "+-%", "p50 ms", "p99 ms", "CPU us", "/ SQLite"]
    return [*charts, blocks.Table(head, rows)]


def starts(measured):
    records = measured["records"]
    titles = {"empty": "alone, no deployment", "full": f"alone, {records:,} records",
              "copy": f"a copy of {records:,} records", "joins": f"new, loads {records:,} records"}
    resident, rows = {}, []
    for kind, tries in measured["starts"].items():
        took = [each[0] * 1000 for each in tries]
        resident[kind] = statistics.median(each[1] for each in tries)
        rows.append([titles[kind], f"{statistics.median(took):.1f}", f"{min(took):.1f}", f"{max(took):.1f}",
                     f"{resident[kind] / 1e6:.1f}"])
    per_10_000 = (resident["full"] - resident["empty"]) / records * 10_000
    return [blocks.Table(["start of a node", "p50 ms", "least", "most", "RSS MB"], rows),
            blocks.Note(f"Memory of a node for 10,000 records (functions with {ROUTES} routes): "
                        f"{per_10_000 / 1e6:.1f} MB.")]


def moves(measured):
    took, pauses = ([each[index] * 1000 for each in measured["moves"]] for index in (0, 1))
    longest = figures.Verdict(f"longest pause of writes at a third node, most of {len(took)} moves", max(pauses),
                              min(pauses), max(pauses), budget=MOVE_BUDGET * 1000, unit=" ms")
    words = (f"A move took {statistics.median(took):.0f} ms (most {max(took):.0f}); the pause had a p50 of "
             f"{figures.quantile(pauses, 50):.0f} ms; {measured['refused']} writes were refused.")
    return [blocks.Verdicts("Moves of the store", [longest]), blocks.Note(words)]


def about(options):
    words, settings = program.about_rounds(options)
    return f"{words}, {options.tries} starts and moves", {**settings, "tries": options.tries}


def measure_all(options, save):
    measured = {}
    for part in (lambda: {"commits": measure_commits(options, save)}, lambda: measure_starts(options),
                 lambda: measure_moves(options)):
        measured.update(part())
        save(measured)
    return measured


def blocks_of(measured):
    found = []
    if "commits" in measured:
        found += commits(measured["commits"])
    if "starts" in measured:
        found += starts(measured)
    if "moves" in measured:
        found += moves(measured)
    return found
