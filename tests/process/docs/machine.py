"""A machine on which a reader types: a shell of its own, folders of its own, and ports that nobody else has.

What differs from a real one, and nothing else: addresses become 127.0.0.1 with free ports, `/etc/troupe`, `/var/lib/troupe`,
`/etc/systemd`, `/etc/nginx` and `/usr/local/bin` become folders below the machine's own, `systemctl`, `chown`, `nginx`,
`ssh` and `scp` are stand-ins, and nodes have one event loop and end without announcing it.
"""
import glob
import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import time

import support
from docs.blocks import missing_in

READER = "127.0.0.1"  # the machine of who reads
PLACES = re.compile(r"(?<![\w$}.-])/(?=(?:etc/troupe|var/lib/troupe|etc/systemd|etc/nginx|usr/local/bin)\b)")
OWN = ("localhost", "127.0.0.1", "0.0.0.0")
OTHER = re.compile(r"\b10\.\d+\.\d+\.\d+\b")
ADDRESS = re.compile(r"\b(localhost|\d+\.\d+\.\d+\.\d+):(\d{4,5})\b")
BLOCK_PATIENCE_S = 3 * support.PATIENCE_S  # a block is several commands, some of which compile
STAND_INS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_ins")

# What `troupe serve` is told where the reader tells it nothing. Under a sanitizer a native function needs more memory.
PROGRAM = """#!/bin/bash
program={program}
if [[ ${{1:-}} != serve ]]; then
  [[ ${{1:-}} != deploy || ${{2:-}} != *.so ]] || set -- "$@" {native_flags}
  exec "$program" "$@"
fi
words=" $* "
config=
if [[ $words =~ " --config "([^ ]+) ]]; then
  config=${{BASH_REMATCH[1]}}
fi
# told FLAG KEY: whether a flag or the file says it
told() {{
  [[ $words == *" $1 "* ]] || {{ [[ -n $config ]] && grep -q "^$2:" "$config"; }}
}}
told --http http || set -- "$@" --http 127.0.0.1:{http}
told --admin admin || set -- "$@" --admin 127.0.0.1:{admin}
export TROUPE_LOOPS=1 TROUPE_DRAIN_ANNOUNCE=0ms
exec "$program" "$@"
"""


def free_port():
    """A port of 127.0.0.1 that nobody has, as its next one; below those that the kernel gives to clients."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port


class Machine:
    """One machine. `machine_at(address)` is another one, made when it is first spoken of."""

    def __init__(self, root, address, machine_at):
        self.root, self._machine_at = os.path.join(root, address), machine_at
        self._ports, self._count = {}, 0
        self._background = []  # (block, path of what it prints, pid)
        home = os.path.join(self.root, "home")
        self._own = os.path.join(self.root, "of-the-test")
        for folder in (home, self._own, *(os.path.join(self.root, place) for place in
                                          ("bin", "etc/troupe", "etc/systemd/system", "etc/nginx", "var/lib", "usr/local/bin"))):
            os.makedirs(folder)
        self._furnish(home)
        env = support.environment_without_settings()
        # What examples/embedding reads has no flags.
        env.update(PORT=str(self.port(8080)), ADMIN_PORT=str(self.port(9001)))
        env.update(HOME=home, MACHINE_ROOT=self.root, TROUPE_ADMIN=f"http://127.0.0.1:{self.port(9001)}",
                   PATH=f"{self.root}/bin:{STAND_INS}:{env['PATH']}", PYTHONDONTWRITEBYTECODE="1")
        self._shell = subprocess.Popen(["bash", "--noprofile", "--norc", "-O", "expand_aliases"], cwd=home, env=env,
                                       stdin=subprocess.PIPE, start_new_session=True)

    def _furnish(self, home):
        """The clone in which a reader stands, with what is built of it, and the program."""
        copied = ("docs", "examples", "README.md")  # where a page might write
        subprocess.run(["cp", "-r", *(os.path.join(support.SOURCE_DIR, name) for name in copied), home], check=True)
        for name in os.listdir(support.SOURCE_DIR):
            if name not in (*copied, "build") and not name.startswith("."):
                os.symlink(os.path.join(support.SOURCE_DIR, name), os.path.join(home, name))
        os.mkdir(os.path.join(home, "build"))
        os.symlink(support.BINARY_DIR, os.path.join(home, "build", "release"))
        os.symlink(sys.executable, os.path.join(self.root, "bin", "python3"))  # which has boto3
        text = PROGRAM.format(program=support.TROUPE, http=self.port(8080), admin=self.port(9001),
                              native_flags="--memory-mb 2048" if support.SANITIZED else "")
        for path in ("bin/troupe", "usr/local/bin/troupe"):
            with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(file.name, stat.S_IRWXU)

    def port(self, number):
        """The port that stands for `number` on this machine."""
        if number not in self._ports:
            self._ports[number] = free_port()
            with open(os.path.join(self.root, "ports"), "a", encoding="ascii") as file:  # for the stand-in of ssh
                file.write(f"{number} {self._ports[number]}\n")
        return self._ports[number]

    def here(self, text):
        """The text with its places and addresses as they are for this machine."""
        for spoken_of in OTHER.findall(text):
            self._machine_at(spoken_of)

        def address(found):
            machine = self if found[1] in OWN else self._machine_at(found[1])
            return f"127.0.0.1:{machine.port(int(found[2]))}"
        return ADDRESS.sub(address, PLACES.sub(self.root + "/", text))

    def type(self, block):
        """Types a block, and raises AssertionError where it does not do what the page says."""
        if block.with_a_node:
            self.serve(block)
        if block.background:
            for command in block.commands():
                self._begin(block, command)
            return
        output, problem = self._once(block)
        end = time.monotonic() + support.PATIENCE_S
        while problem and block.until and time.monotonic() < end:
            output, problem = self._once(block)
        if problem:
            raise AssertionError(f"{block}: {problem}\n{self.here(block.text)}printed:\n{output}{self._told()}")

    def serve(self, block):
        """Starts the node that the block is said to have."""
        self._begin(block, "troupe serve")

    def _once(self, block):
        """(what the block printed, what is wrong with that)."""
        path = self._script(block.text)
        # Where a command may fail, a shell of its own ends with it.
        may_fail = block.until or block.exit_code != 0
        command = f"( set -eo pipefail; . {path} )" if may_fail else f"set -eo pipefail; . {path}; set +eo pipefail"
        self._send(f"{{ {command}; }} >{path}.out 2>&1 </dev/null; echo $? >{path}.code~; mv {path}.code~ {path}.code")
        support.wait_until(lambda: self._shell.poll() is not None or os.path.exists(path + ".code"),
                           f"{block} ends", BLOCK_PATIENCE_S, interval_s=0.01)
        with open(path + ".out", encoding="utf-8", errors="replace") as file:
            output = file.read()
        code = self._shell.poll()
        if code is None:
            with open(path + ".code", encoding="utf-8") as file:
                code = int(file.read())
        if code != block.exit_code:
            return output, f"exit code {code}"
        return output, missing_in(output, block, self.here)

    def _begin(self, block, command):
        path = self._script(command)
        with open(path + ".out", "wb"):
            pass
        self._send(f"setsid bash -eo pipefail {path} >{path}.out 2>&1 </dev/null & echo $! >{path}.pid~; mv {path}.pid~ {path}.pid")
        support.wait_until(lambda: os.path.exists(path + ".pid"), f"{block} begins", interval_s=0.01)
        with open(path + ".pid", encoding="utf-8") as file:
            pid = int(file.read())
        self._background.append((block, path + ".out", pid))

        def ready():
            with open(path + ".out", encoding="utf-8", errors="replace") as file:
                output = file.read()
            if not support.is_alive(pid):
                raise AssertionError(f"{block}: ended at once\n{output}")
            if not support.descendants(pid):
                return False  # its shell has not begun the command yet, or the command was a builtin that is over
            if "troupe serve" in command and not self._serves(command):
                return False
            return not block.background or not missing_in(output, block, self.here)
        support.wait_until(ready, f"{block} is ready")

    def _serves(self, command):
        """Whether the node that the command starts takes requests."""
        told = re.search(r"--admin (\S+)", self.here(command))
        try:
            return support.get(f"http://{told[1] if told else f'127.0.0.1:{self.port(9001)}'}/readyz")[0] == 200
        except OSError:
            return False

    def _script(self, text):
        self._count += 1
        path = os.path.join(self._own, str(self._count))
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.here(text))
        return path

    def _send(self, line):
        self._shell.stdin.write(line.encode() + b"\n")
        self._shell.stdin.flush()

    def put(self, block):
        """Writes the file that a block is, below where the shell stands."""
        path = self._script(block.text)
        target = self.here(block.file)
        self._send(f"mkdir -p \"$(dirname {target})\"; cp {path} {target}; touch {path}.code")
        support.wait_until(lambda: os.path.exists(path + ".code"), f"{block} is written", interval_s=0.01)

    def _told(self):
        """What runs in the background printed last."""
        told = ""
        for path in [*(path for _, path, _ in self._background), *glob.glob(os.path.join(self.root, "units", "*.log"))]:
            with open(path, encoding="utf-8", errors="replace") as file:
                told += f"\nin the background, {path}:\n" + "".join(file.readlines()[-8:])
        return told

    def pids(self):
        """Everything that runs here."""
        roots = [self._shell.pid, *(pid for _, _, pid in self._background)]
        for path in glob.glob(os.path.join(self.root, "units", "*.pid")):
            with open(path, encoding="utf-8") as file:
                roots.append(int(file.read()))
        return [*roots, *support.descendants(*roots)]

    def end(self):
        """Ends what runs, by pid."""
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._shell.stdin.close()
        self._shell.wait()
        support.wait_until(lambda: not any(map(support.is_alive, pids)), "everything has ended")
