"""What bench/run store measures: SQLite alone, the store's engine alone, nodes that write through their control API."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import sqlite3
import subprocess
import time
import urllib.parse

import cluster_servers
import figures
import measure
import nodes
import servers

RECORD_BYTES = 400
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"


def figures_of(took_s, all_s, cpu_s):
    """Of commits that took so long each, in a stretch of `all_s`."""
    return {"per_s": len(took_s) / all_s, "p50_ms": figures.quantile(took_s, 50) * 1000,
            "p99_ms": figures.quantile(took_s, 99) * 1000, "cpu_us": cpu_s * 1e6 / len(took_s)}


class Bare:
    """SQLite with the store's journal and syncs, called by this process and nothing else: what the disk allows."""

    title = "SQLite alone"

    def __init__(self, directory):
        self.database = sqlite3.connect(os.path.join(directory, "bare.db"), isolation_level=None)
        for word in ("locking_mode=EXCLUSIVE", "mmap_size=0", "fullfsync=ON", "journal_mode=TRUNCATE",
                     "synchronous=FULL"):
            self.database.execute("PRAGMA " + word)
        self.database.execute("CREATE TABLE records(key BLOB PRIMARY KEY, value BLOB NOT NULL)")
        self.database.execute("CREATE TABLE history(cursor INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def measure(self, callers, seconds):
        """What `callers` want at a time is one transaction."""
        took, value = [], b"x" * RECORD_BYTES
        began, cpu = time.monotonic(), time.process_time()
        while (now := time.monotonic()) < began + seconds:
            self.database.execute("BEGIN")
            for caller in range(callers):
                self.database.execute("INSERT OR REPLACE INTO records VALUES(?, ?)", (b"caller-%d" % caller, value))
                self.database.execute("INSERT INTO history(body) VALUES(?)", (value,))
            self.database.execute("COMMIT")
            took += [time.monotonic() - now] * callers
        return figures_of(took, time.monotonic() - began, time.process_time() - cpu)

    def stop(self):
        self.database.close()


class Engine:
    """bench/store_load: the built-in engine without a node."""

    title = "the store alone"

    def __init__(self, directory):
        self.process = subprocess.Popen([nodes.built("bench/store_load"), directory], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def measure(self, callers, seconds):
        cpu = measure.cpu_seconds([self.process.pid])
        self.process.stdin.write(f"{callers} {seconds}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise servers.Failed("store_load ended in the middle of a measurement")
        found = json.loads(answer)
        found["cpu_us"] = (measure.cpu_seconds([self.process.pid]) - cpu) * 1e6 / found.pop("commits")
        return found

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Writer:
    """A client of a node's Lambda API that changes a tag of one function again and again: each change is a commit."""

    def __init__(self, node, function):
        where = urllib.parse.urlsplit(node.admin)
        self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        self.path = "/2017-03-31/tags/" + urllib.parse.quote(ACCOUNT + function, safe="")
        self.count = 0

    def write(self):
        """The status of the answer."""
        self.count += 1
        body = json.dumps({"Tags": {"count": str(self.count)}})
        self.connection.request("POST", self.path, body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def close(self):
        self.connection.close()


class StoreMember(cluster_servers.Member):
    """A node that can be started again."""

    poll_interval_s = 0.002

    def __init__(self, name, seed=None):
        super().__init__(name, 1, ("--native", "in-process", "--set", "drain.announce=0"), seed)

    def restart(self):
        """Seconds from starting the process to its readiness."""
        self.end_process()
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.directory, "data/node.json"))
        began = time.monotonic()
        self.start()
        return time.monotonic() - began

    def run(self, *arguments):
        """A command to this node; fails when it does."""
        done = subprocess.run([self.program, *arguments, "--admin", self.admin], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=self.env)
        if done.returncode != 0:
            raise servers.Failed(f"troupe {' '.join(arguments)}: {done.stderr}")
        return done.stdout


class Nodes:
    """A cluster of `count` nodes, of which the first is the primary. An answer to a write says that all of them have
    it."""

    def __init__(self, count):
        self.title = "a node" if count == 1 else f"{count} nodes, at the primary"
        self.nodes = []
        try:
            for number in range(count):
                seed = self.nodes[0].cluster if self.nodes else None
                self.nodes.append(StoreMember(f"store-{count}-{number}", seed).__enter__())
            for node in self.nodes:
                node.wait_for(lambda n=node: [each["state"] for each in n.nodes()] == ["ready"] * count, "members")
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def deploy(self, functions, routes=1):
        """Functions f0, f1, ... with so many routes each."""
        for number in range(functions):
            flags = [word for route in range(routes) for word in ("--route", f"GET /f{number}/{route}")]
            self.nodes[0].deploy(nodes.built(nodes.NATIVE_HELLO), "--name", f"f{number}", *flags)

    def records(self):
        """How many the store has."""
        file = os.path.join(self.nodes[0].directory, "backup")
        self.nodes[0].run("backup", file)
        with open(file, encoding="utf-8") as text:
            return sum(1 for _ in text) - 2  # head and end

    def pids(self):
        return [pid for node in self.nodes for pid in node.pids()]

    def measure(self, callers, seconds, node=0):
        """`callers` clients of one node, each with a function of its own."""
        until = time.monotonic() + seconds

        def write_on(number):
            took = []
            with contextlib.closing(Writer(self.nodes[node], f"f{number}")) as writer:
                while (now := time.monotonic()) < until:
                    if (status := writer.write()) != 204:
                        raise servers.Failed(f"{self.title}: a write was answered {status}")
                    took.append(time.monotonic() - now)
            return took
        began, cpu = time.monotonic(), measure.cpu_seconds(self.pids())
        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            took = [each for of_caller in pool.map(write_on, range(callers)) for each in of_caller]
        return figures_of(took, time.monotonic() - began, measure.cpu_seconds(self.pids()) - cpu)

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()


class AtCopy:
    """Writes at a copy, which passes them on to the primary. Started and stopped with the others."""

    title = "3 nodes, at a copy"

    def __init__(self, nodes):
        self.nodes = nodes

    def measure(self, callers, seconds):
        return self.nodes.measure(callers, seconds, node=1)

    def stop(self):
        """`nodes` ends them."""
