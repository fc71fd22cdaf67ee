"""A cluster on trial: requests at every gateway and changes through every node while a test does harm, then the
judgement of what they saw (history.py)."""
import contextlib
import itertools
import json
import subprocess
import time

import history
import load
import support
from cluster import Load
from history import Change, Outage

# From the death of a node to the end of the last request that fails for it; from the silence of one likewise.
DEATH_NOTICED_S = 4.0 if support.SANITIZED else 1.0
SILENCE_NOTICED_S = 8.0 if support.SANITIZED else 3.0
# A call that a node has sent to another one which says nothing is given up after 5 s of silence.
LONGEST_FAILURE_S = SILENCE_NOTICED_S + 5.0
# From the end of the harm to equal copies of the store.
CONVERGED_S = 20.0 if support.SANITIZED else 5.0

TELLS_ITS_MARK = "exports.handler = async () => ({statusCode: 200, body: process.env.MARK});\n// %s"


def unnoticed(*instants):
    """The windows after silences that began, or ended, at these instants of time.monotonic()."""
    return [(each, each + SILENCE_NOTICED_S) for each in instants]


# The function that all writers deploy, besides one that each has of its own.
SHARED = "by-all"


class Writer:
    """Changes functions through one node, over and over: one that only it changes, and SHARED."""

    def __init__(self, node, changes):
        self.node = node
        self._changes = changes
        self._numbers = itertools.count()

    def change(self):
        """The next of: new code, new code of SHARED, new code, removal."""
        number = next(self._numbers)
        function = SHARED if number % 4 == 1 else f"by-{self.node.name}"
        mark = None if number % 4 == 3 else f"{self.node.name}-{number}"
        began = time.monotonic()
        try:
            done = self.node.run("remove", function, "--json") if mark is None else self._deploy(function, mark)
        except subprocess.TimeoutExpired:
            done = None
        outcome, said, version = history.outcome_of(done)
        self._changes.append(Change(function, mark, self.node.name, began, time.monotonic(), outcome, said, version))

    def _deploy(self, function, mark):
        return self.node.deploy_files(function, TELLS_ITS_MARK % mark, "--json", "--env", f"MARK={mark}", check=False)


class Trial:
    """Within `with` there are requests for /work, which takes 20 ms and runs `at` these nodes, at all gateways, and
    changes through `writers`. `outages` grow by what the test does through `killed` and `stopped`."""

    def __init__(self, cluster, at, writers=()):
        self.cluster = cluster
        self.outages = []
        self.changes = []
        self._at = at
        self._writers = [Writer(node, self.changes) for node in writers]
        self._stack = contextlib.ExitStack()
        self._asking = contextlib.ExitStack()
        self._writing = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(support.TempDir())
            self.cluster.deploy("work", history.handler(self.folder), at=self._at)
            self._warm = set(history.runs(self.folder, self.cluster))
            self.loads = {node.name: Load("/work", [node], threads=1, ms="20", pause_s=0.01) for node in self.cluster}
            stack.push(self._asking)
            for run in self.loads.values():
                self._asking.enter_context(run)
            stack.push(self._writing)
            for writer in self._writers:
                self._writing.enter_context(load.Clients(1, writer.change, pause_s=0.2))
            self.wait_answered()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind, *why):
        if kind is not None:
            print(f"--- {self.summary()}, the last changes:", *self.changes[-12:], sep="\n", flush=True)
        return self._stack.__exit__(kind, *why)

    def asked(self):
        return [each for run in self.loads.values() for each in list(run.asked)]

    def wait_answered(self, nodes=None, count=3, in_s=0.0):
        """Until each of the nodes (all that run) has answered so many requests that began `in_s` after this call."""
        since = time.monotonic() + in_s
        for node in nodes or self.cluster.running():
            self.loads[node.name].wait_for(count, since=since)

    def wait_changed(self, count=1, outcome="ok", through=None):
        """Until so many further changes have ended so, through this node if it is given."""
        now = time.monotonic()
        through = through and through.name

        def counts(change):
            return change.ended >= now and change.outcome == outcome and through in (None, change.node)
        support.wait_until(lambda: sum(map(counts, list(self.changes))) >= count,
                           f"{count} changes that end as {outcome} through {through or 'any node'}")

    @contextlib.contextmanager
    def killed(self, *nodes):
        """The nodes die as of kill -9 and are started again, with the same ports, at the end of the block."""
        with self._out("dead", nodes):
            for node in nodes:
                node.kill()
            support.wait_until(lambda: not any(node.left_behind() for node in nodes),
                               f"end of what {[node.name for node in nodes]} had started", CONVERGED_S)
            yield
            support.parallel(len(nodes), lambda index: nodes[index].start())

    @contextlib.contextmanager
    def stopped(self, *nodes, with_workers=False):
        """The nodes hang during the block, as of SIGSTOP."""
        with self._out("stopped", nodes):
            for node in nodes:
                node.stop(with_workers)
            try:
                yield
            finally:
                for node in nodes:
                    node.resume()

    @contextlib.contextmanager
    def _out(self, kind, nodes):
        first = len(self.outages)
        self.outages += [Outage(kind, node.name, time.monotonic(), float("inf")) for node in nodes]
        yield
        ended = time.monotonic()
        self.outages[first:] = [each._replace(ended=min(each.ended, ended)) for each in self.outages[first:]]

    def settle(self):
        """The harm is over: within CONVERGED_S each copy has what any of them had, and the nodes know each other."""
        ended = time.monotonic()
        nodes = self.cluster.running()
        goal = max(node.nodes()[node.name]["store"]["cursor"] for node in nodes)
        support.wait_until(lambda: all(node.nodes()[node.name]["store"]["cursor"] >= goal for node in nodes),
                           f"all copies at {goal}", max(0.5, ended + CONVERGED_S - time.monotonic()))
        self.cluster.wait_together()
        self.wait_answered()

    def end(self):
        """Ends the changes, then the requests, and waits for equal copies."""
        self._writing.close()
        self.cluster.wait_level()
        self.wait_answered()
        self._asking.close()

    def functions_at(self, node):
        """What the node says of the writers' functions: {function: (version, mark)}."""
        status, _, body = node.admin("GET", "/v1/functions")
        if status != 200:
            raise AssertionError(f"/v1/functions of {node.name}: {status} {body!r}")
        return {each["name"]: (each["version"], each["environment"]["MARK"]) for each in json.loads(body)["functions"]
                if "MARK" in each["environment"]}

    def judge(self, test, windows=None):
        """After `end`. What may fail follows from the outages, all of them deaths, or else from `windows`: those in
        which requests of nodes that are not out may fail."""
        asked, outages = self.asked(), self.outages
        ran = {number: at for number, at in history.runs(self.folder, self.cluster).items() if number not in self._warm}
        wrong = history.wrong_answers(asked, outages) + history.repeated_runs(asked, ran)
        if windows is None:
            wrong += history.needless_failures(asked, ran, outages, DEATH_NOTICED_S)
        else:
            others = [each for each in asked if history.lived(each, outages)]
            wrong += history.failures_outside(others, windows, LONGEST_FAILURE_S)
        seen = {node.name: self.functions_at(node) for node in self.cluster}
        marks = {node: {name: mark for name, (_, mark) in functions.items()} for node, functions in seen.items()}
        wrong += history.lost_changes([each for each in self.changes if each.function != SHARED], marks)
        shared = {node: functions.get(SHARED, (0, None)) for node, functions in seen.items()}
        wrong += history.lost_versions([each for each in self.changes if each.function == SHARED], shared)
        test.assertEqual(wrong[:8], [], f"{len(wrong)} wrongs among {self.summary()}")
        test.assertTrue(all(run.of("ok") for run in self.loads.values()), self.summary())
        for change in {each.function: each for each in self.changes if each.function != SHARED}.values():
            if change.outcome == "ok":
                self.assert_shows(change)

    def conclude(self, test, windows=None, changes=2):
        """The harm is over: the cluster recovers, takes so many further changes, and is judged."""
        self.settle()
        self.wait_changed(changes)
        self.end()
        self.judge(test, windows)

    def assert_shows(self, change):
        """Requests at every gateway find what was acknowledged, once the instances of earlier code are replaced."""
        wanted = 404 if change.mark is None else (200, change.mark.encode())
        for node in self.cluster:
            def shown(one=node):
                status, _, body = one.request("GET", "/" + change.function)
                return wanted in (status, (status, body))
            support.wait_until(shown, f"{change} at {node.name}")

    def summary(self):
        counts = {}
        for each in self.asked():
            counts[each.outcome] = counts.get(each.outcome, 0) + 1
        changes = {}
        for each in self.changes:
            changes[each.outcome] = changes.get(each.outcome, 0) + 1
        return f"requests {counts}, changes {changes}, outages {self.outages}"
