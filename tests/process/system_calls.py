"""Counts the system calls of one thread of a node, by strace."""
import contextlib
import os
import re
import signal
import subprocess
import time

import support


def thread_named(pid, name):
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == name:
                    return int(task)
    raise AssertionError(f"no thread {name} in {pid}")


class Attached:
    """strace at one thread between enter and exit."""

    def __init__(self, thread, folder, *options):
        self.report = os.path.join(folder, f"strace-{thread}")
        self.words = ["strace", *options, "-o", self.report, "-p", str(thread)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        if "attached" not in said:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            raise AssertionError(f"strace does not attach: {said}")
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.process.send_signal(signal.SIGINT)
        self.process.wait(support.PATIENCE_S)
        self.process.stderr.close()


class Traced(Attached):
    """Those of the system calls `names`, in their order: `lines` as strace writes them with these `options`."""

    def __init__(self, thread, folder, names, *options):
        super().__init__(thread, folder, "-e", f"trace={names}", *options)

    def __exit__(self, *_):
        super().__exit__()
        with open(self.report, encoding="utf-8") as report:
            self.lines = report.read().splitlines()


class Counted(Attached):
    """Counts the system calls: `calls` {name: count}, `total`, `seconds`."""

    def __init__(self, thread, folder):
        super().__init__(thread, folder, "-c")

    def __exit__(self, *_):
        super().__exit__()
        self.calls = {}
        with open(self.report, encoding="utf-8") as report:
            for line in report:
                row = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*", line)
                if row and row[2] != "total":
                    self.calls[row[2]] = int(row[1])
        self.total = sum(self.calls.values())
