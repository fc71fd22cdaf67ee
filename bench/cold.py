"""Group `cold`: first answers of functions without an instance, and the memory of idle ones."""
import http.client
import json
import os
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

import blocks
import figures
import measure
import nodes
import program
import servers

TITLE = "Cold starts"
INTRO = ("The first HTTP answer of a function without an instance, with a stem cell (a started worker that "
         "waits for code) and without, beside the start and end of a bare process. A try begins when no "
         "process of either node has used the processor for 0.15 s. Memory is that of a worker that is idle; "
         "PSS shares out pages that several have.")

# Runtime: its title, the process that it is compared with, the file and code of a function, flags of `troupe deploy`.
RUNTIMES = {
    "node": ("Node.js", ("node", "-e", "0"), "index.js", "exports.handler = async () => 'hello';",
             ("--runtime", "nodejs", "--handler", "index.handler")),
    "python": ("Python", ("/usr/bin/python3", "-c", "0"), "index.py", "def handler(event, context): return 'hello'",
               ("--runtime", "python3", "--handler", "index.handler")),
    "native": ("native, own process", ("/bin/true",), None, None, ()),
}
# With a stem cell, in ms.
BUDGETS = {"node": (15.0, 50.0)}
STEMS = ("auto", "off")


def parse(arguments):
    parser = program.Parser(
        "bench/run cold", quick="10 tries",
        description="Deploys functions, lets their instances go, and measures the first HTTP answer of each, with\n"
                    "stem cells and without, beside the start of a bare interpreter; then the memory of idle\n"
                    "instances and of stem cells.",
        epilog="runtimes: " + ", ".join(f"{name} ({each[0]})" for name, each in RUNTIMES.items()))
    parser.add_argument("--only", metavar="A,B", type=program.some_of(RUNTIMES, "runtime"),
                        default=list(RUNTIMES), help="these runtimes only")
    parser.add_argument("--tries", metavar="N", type=program.at_least(2), help="cold starts of each kind, default 50")
    options = parser.parse(arguments)
    if options.tries is None:
        options.tries = 10 if options.quick else 50
    return options


class ColdNode(nodes.Node):
    def __init__(self, runtime, stems):
        super().__init__(f"cold-{runtime}", 1)
        self.runtime = runtime
        self.stems = stems
        self.settings = ("--native", "process", "--set", f"stem_cells={stems}", "--set", "idle_timeout=1s")

    def environment(self):
        """With the interpreter that it is compared with, where another python3 comes first in PATH."""
        env = super().environment()
        if self.runtime == "python":
            env["PATH"] = os.pathsep.join(["/usr/bin", env.get("PATH", "")])
        return env

    def deploy_numbered(self, number):
        """A function of code of its own: equal code would be found warm in caches."""
        _, _, file, code, flags = RUNTIMES[self.runtime]
        if file is None:
            return self.deploy(nodes.built(nodes.NATIVE_HELLO), "--name", f"f{number}", *flags)
        folder = os.path.join(self.directory, f"code-{number}")
        os.makedirs(folder)
        comment = "//" if file.endswith(".js") else "#"
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(f"{code}\n{comment} {number}\n")
        return self.deploy(folder, "--name", f"f{number}", *flags)

    def instances(self):
        """{"ready": instances that take calls, "generic": stem cells}"""
        with urllib.request.urlopen(self.admin + "/v1/node", timeout=10) as response:
            return json.load(response)["instances"]

    def workers(self):
        """Instances and stem cells: what the spawner, the node's only child, has started."""
        pids = self.pids()
        spawners = [pid for pid in pids if parent_of(pid) == self.process.pid]
        return [pid for pid in pids if pid != self.process.pid and pid not in spawners]

    def wait_until_quiet(self):
        """The stem cell is there, and nothing of the node has used the processor for a while."""
        if self.stems == "auto":
            self.wait_for(lambda: self.instances()["generic"] > 0, "stem cell")
        last = [None, time.monotonic()]

        def quiet():
            now = (sorted(self.pids()), measure.cpu_seconds(self.pids()))
            if now != last[0]:
                last[:] = [now, time.monotonic()]
            return time.monotonic() - last[1] >= 0.15
        self.wait_for(lambda: retried(quiet), "quiet node")


def retried(look):
    """A look at processes that may end meanwhile."""
    try:
        return look()
    except OSError:
        return False


def parent_of(pid):
    try:
        return int(servers.stat_fields(pid)[1])
    except OSError:
        return 0


def first_answer_ms(url, path):
    where = urllib.parse.urlsplit(url)
    began = time.perf_counter()
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise servers.Failed(f"{path} answers {answer.status} {body!r}")
    return took


def process_ms(command):
    """From starting a process to its end."""
    began = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def memory_mb(pid):
    """Proportional share and resident set of a process."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("Pss", "Rss"):
                found[name.lower() + "_mb"] = int(rest.split()[0]) * 1024 / 1e6
    return found


def measure_runtime(runtime, tries):
    """{stems: {"ms": [...], "idle": [memory of an instance], "stem": [of stem cells]}, "process": {"ms": [...]}}"""
    found = {stems: {"ms": []} for stems in STEMS}
    found["process"] = {"ms": []}
    nodes = {}
    try:
        for stems in STEMS:
            nodes[stems] = ColdNode(runtime, stems).__enter__()
            for number in range(tries):
                nodes[stems].deploy_numbered(number)
        for node in nodes.values():
            node.wait_for(lambda n=node: n.instances()["ready"] == 0, "scaling to zero")
        for number in range(tries):  # interleaved: a disturbance hits all alike
            found["process"]["ms"].append(process_ms(RUNTIMES[runtime][1]))
            for stems, node in nodes.items():
                node.wait_until_quiet()
                found[stems]["ms"].append(first_answer_ms(node.url, f"/f{number}"))
        for stems, node in nodes.items():
            found[stems].update(measure_memory(node))
    finally:
        for node in nodes.values():
            node.stop()
    return found


def measure_memory(node):
    """Of stem cells, which are what is left without instances, and of one instance that has answered."""
    node.wait_for(lambda: node.instances()["ready"] == 0, "scaling to zero")
    node.wait_until_quiet()
    stems = set(node.workers())
    stem_memory = [memory_mb(pid) for pid in stems]
    first_answer_ms(node.url, "/f0")
    return {"stem": stem_memory, "idle": [memory_mb(pid) for pid in instances_of(node, stems)]}


def instances_of(node, stems):
    """The worker that answered: the stem cell that became one, or the process that is new; the oldest of both."""
    pids = [pid for pid in node.workers() if pid in stems] or node.workers()
    return [min(pids, key=lambda pid: int(servers.stat_fields(pid)[19]))] if pids else []


KINDS = (("process", "{process}"), ("auto", "{title}, stem cell"), ("off", "{title}, no stem cell"))


def verdicts(measured):
    found = []
    for runtime, budgets in BUDGETS.items():
        if runtime in measured:
            values = measured[runtime]["auto"]["ms"]
            for share, budget in zip((50, 99), budgets):
                found.append(figures.Verdict(f"{RUNTIMES[runtime][0]} with a stem cell, p{share}",
                                             figures.quantile(values, share), min(values), max(values), budget=budget,
                                             unit=" ms"))
    return found


def starts(measured):
    """The chart, and the table with the ratio to the bare process."""
    bars, rows = [], []
    for runtime, found in measured.items():
        title, process = RUNTIMES[runtime][0], " ".join(RUNTIMES[runtime][1])
        base = figures.quantile(found["process"]["ms"], 50)
        for kind, words in KINDS:
            values, label = found[kind]["ms"], words.format(title=title, process=process)
            middle = figures.quantile(values, 50)
            bars.append(blocks.Bar(label, middle, min(values), figures.quantile(values, 99), kind != "process"))
            rows.append([label, f"{middle:.2f}", f"{figures.quantile(values, 99):.2f}", f"{min(values):.2f}",
                         f"{max(values):.2f}", f"{middle / base:.2f}"])
    return [blocks.Bars("First answer, p50 (the line goes from the least to p99)", "ms", bars),
            blocks.Table(["first answer, ms", "p50", "p99", "least", "most", "/ process"], rows)]


def memory(measured):
    rows = []
    for runtime, found in measured.items():
        for what, title, kind in (("idle", "idle instance", "off"), ("stem", "stem cell", "auto")):
            each = found[kind].get(what)
            if each:
                pss, rss = (statistics.median(one[key] for one in each) for key in ("pss_mb", "rss_mb"))
                rows.append([f"{RUNTIMES[runtime][0]}, {title}", f"{pss:.1f}", f"{rss:.1f}"])
    return blocks.Table(["memory of one, MB", "PSS", "RSS"], rows)


def about(options):
    return f"{options.tries} cold starts of each kind", {"tries": options.tries}


def measure_all(options, save):
    measured = {}
    for runtime in options.only:
        print(f"== {RUNTIMES[runtime][0]}", flush=True)
        measured[runtime] = measure_runtime(runtime, options.tries)
        save(measured)
    return measured


def blocks_of(measured):
    return [*starts(measured), blocks.Verdicts("First answer", verdicts(measured)), memory(measured)]
