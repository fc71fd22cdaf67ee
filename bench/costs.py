"""Group `costs`: what a feature on the way of a request costs, measured with and without it."""
import contextlib
import threading
import urllib.request

import blocks
import figures
import instructions
import measure
import nodes
import program
import rounds

TITLE = "What each feature costs"
INTRO = ("A native function, inline, one loop, that counts requests and writes no log, beside the same node with one "
         "feature more in each row, and without counting. What the steps of a request cost is in the table of "
         "instructions.")

CONNECTIONS = 64


class Plain(nodes.Native):
    title = "metrics alone"
    wrk_flags = ()

    def meanwhile(self):
        """What goes on while it is measured."""
        return contextlib.nullcontext()


class Uncounted(Plain):
    title = "no metrics of requests"
    settings = (*nodes.Native.settings, "--set", "metrics.requests=off")


class Logged(Plain):
    title = "a line of log for each request"
    access_log = "all"


class Sampled(Plain):
    title = "a line of log for one request in 100"
    access_log = "all"
    settings = (*nodes.Native.settings, "--set", "log.access_one_in=100")


class Failures(Plain):
    title = "lines of log for failures alone"
    access_log = "failed"


class Timed(Plain):
    title = "Server-Timing in the answer"
    wrk_flags = ("-H", "x-troupe-timing: 1")


class Scraped(Plain):
    """Prometheus asks every 15 s; once a second shows more."""

    title = "/metrics asked once a second"

    @contextlib.contextmanager
    def meanwhile(self):
        ended = threading.Event()

        def ask():
            while not ended.wait(1):
                with urllib.request.urlopen(self.admin + "/metrics", timeout=10) as answer:
                    answer.read()
        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


KINDS = {"plain": Plain, "uncounted": Uncounted, "log": Logged, "sampled": Sampled, "failures": Failures, "timed": Timed,
         "scraped": Scraped}


def parse(arguments):
    parser = program.Parser("bench/run costs", quick="2 rounds of 1 s",
                            description="CPU per request of a native function with one feature more or less.")
    parser.add_rounds()
    options = parser.parse(arguments)
    program.set_rounds(options)
    options.loops, options.connections = [1], [CONNECTIONS]
    return options


def about(options):
    return program.about_rounds(options)


def measure_one(server, connections, seconds):
    with server.meanwhile():
        found = measure.measure(server, connections, seconds, *server.wrk_flags)
    server.cut_log()
    return found


def measure_all(options, save):
    measured = rounds.interleaved(KINDS, options, save, measure_one)
    measured["instructions"] = {}
    for name, kind in (("plain", instructions.Counted), ("log", instructions.CountedLog)):
        if reason := kind.missing():
            measured["left_out"]["instructions by feature"] = reason
            print(f"left out: instructions by feature: {reason}", flush=True)
            break
        print(f"== Counting instructions: {KINDS[name].title}", flush=True)
        measured["instructions"][name] = instructions.count(kind, options.seconds * 2)
        save(measured)
    return measured


def verdicts(results):
    found = []
    for name in results.each(0):
        if name != "plain" and (differences := results.differences(name, "plain", 1, CONNECTIONS)):
            found.append(figures.of_rounds(results.titles[name], differences, unit=" us"))
    return found


def shares(results, counted):
    """The table of instructions. What they take is their share of what the plain node spends outside the kernel."""
    user_us = results.middle(("plain", 1, CONNECTIONS))["user_us"]
    total = sum(counted["plain"].values())
    names = sorted({feature for each in counted.values() for feature in each},
                   key=lambda feature: -counted["plain"].get(feature, 0))
    rows = []
    for feature in [*names, "together"]:
        plain, *logged = (sum(each.values()) if feature == "together" else each.get(feature, 0)
                          for each in counted.values())
        rows.append([feature, f"{plain:,.0f}", f"{100 * plain / total:.1f}", f"{user_us * plain / total:.2f}",
                     *(f"{each:,.0f}" for each in logged)])
    logged_head = ["with a log"] if "log" in counted else []
    head = ["outside the kernel, for each request", "instructions", "%", "us", *logged_head]
    return blocks.Table(head, rows)


def blocks_of(measured):
    results = figures.read_results(measured)
    found = [blocks.Verdicts("More CPU per request", verdicts(results))]
    if measured.get("instructions"):
        found += [shares(results, measured["instructions"]),
                  blocks.Note("Counted by callgrind; malloc, memcpy and strings belong to whoever calls them. The time "
                              "is the instructions' share of what the plain node spends outside the kernel, not a "
                              "measurement of its own.")]
    return [*found, blocks.table_of_requests(results), *blocks.left_out_of(results)]
