"""workerd, Cloudflare's runtime, from npm: how it is installed and started."""
import os
import shutil
import socket
import subprocess

import servers

PACKAGE = "workerd-linux-arm64" if os.uname().machine == "aarch64" else "workerd-linux-64"
PROGRAM = os.path.join(servers.PEERS, "node_modules/@cloudflare", PACKAGE, "bin/workerd")
CONFIG = os.path.join(servers.ROOT, "bench/peers/workerd.capnp")


def install():
    """The version that bench/peers/package.json names, into the build folder. Returns what went wrong, or None."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    os.makedirs(servers.PEERS, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(servers.ROOT, "bench/peers", name), servers.PEERS)
    # Its scripts would fetch what the package for this machine brings along.
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=servers.PEERS,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        return "npm ci failed: " + done.stderr.strip()[-500:]
    return None if os.path.exists(PROGRAM) else "npm has no workerd for this machine"


class Workerd(servers.Server):
    """A process has one thread: with several loops, several processes accept from one socket."""

    title = "workerd"

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.others = []

    @classmethod
    def missing(cls):
        return None if os.path.exists(PROGRAM) else "not installed; `bench/run peers` gets it with npm"

    def start(self):
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/hello"
            number = str(listening.fileno())
            for _ in range(self.loops):
                if self.process is not None:
                    self.others.append(self.process)
                self.launch(PROGRAM, "serve", CONFIG, "--socket-fd", "http=" + number,
                            pass_fds=(listening.fileno(),))

    def pids(self):
        return super().pids() + [process.pid for process in self.others]

    def stop(self):
        for process in self.others:
            servers.end(process)
        super().stop()
