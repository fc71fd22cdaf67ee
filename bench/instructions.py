"""Counts the instructions of a request under valgrind's callgrind, shared out over the features on its way."""
import glob
import os
import shutil
import subprocess

import callgrind
import measure
import nodes
import servers

CONNECTIONS = 64


class Counted(nodes.Native):
    """As TroupeNative, under callgrind, which counts when it is told to."""

    title = "troupe, native inline, under callgrind"
    wrapper = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=calls.%p")

    @classmethod
    def missing(cls):
        return None if shutil.which("valgrind") else "valgrind is not installed"

    def control(self, *words):
        done = subprocess.run(["callgrind_control", *words, str(self.process.pid)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0 or "Error" in done.stdout + done.stderr:
            raise servers.Failed(f"callgrind_control {' '.join(words)}: {done.stdout}{done.stderr}")

    def profile(self):
        """Of what was counted last."""
        files = glob.glob(os.path.join(self.directory, f"calls.{self.process.pid}*"))
        if not files:
            raise servers.Failed("callgrind wrote no file")
        with open(max(files, key=os.path.getsize), encoding="utf-8", errors="replace") as file:
            return callgrind.read(file)


class CountedLog(Counted):
    """With a line of log for each request."""

    access_log = "all"


def count(kind, seconds):
    """{feature: instructions for each request}"""
    with kind("callgrind", 1) as server:
        measure.run_wrk(server.url, CONNECTIONS, 1)
        server.control("-i", "on")
        requests, *_ = measure.run_wrk(server.url, CONNECTIONS, seconds)
        server.control("-i", "off")
        server.control("-d", "asked")
        shares = callgrind.share_out(server.profile())
    if not requests:
        raise servers.Failed("no request was answered under callgrind")
    return {feature: cost / requests for feature, cost in shares.items()}
