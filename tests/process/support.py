"""What tests of real processes share: a node that starts, answers and always goes away, and a client on a raw socket.

From the environment, set by ctest:
  TROUPE_BIN         the program under test
  TROUPE_SOURCE_DIR  the clone; TROUPE_BINARY_DIR the build
  TROUPE_CXX         the C++ compiler
  TROUPE_SANITIZE    the sanitizers of the build, empty without
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

TROUPE = os.environ.get("TROUPE_BIN", "")
SOURCE_DIR = os.environ.get("TROUPE_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))
BINARY_DIR = os.environ.get("TROUPE_BINARY_DIR", os.path.dirname(TROUPE))
# Sanitizers keep freed memory and want to be loaded first: figures of memory say nothing then.
SANITIZED = bool(os.environ.get("TROUPE_SANITIZE"))
# Not of signals: that a process ends by one is what some tests ask for.
SANITIZER_REPORT = re.compile(r"runtime error: |ERROR: (?:Leak|Address)Sanitizer: (?!SEGV|ABRT|BUS|FPE|ILL)|"
                              r"WARNING: ThreadSanitizer: ")
SDK_INCLUDE = os.path.join(SOURCE_DIR, "functions", "sdk")
NATIVE_HELLO = os.path.join(BINARY_DIR, "examples", "native-hello", "native-hello.so")

# Of Linux; Python 3.11 has no name for it: a bound address takes its port when it connects, and so shares ports with others.
IP_BIND_ADDRESS_NO_PORT = 24

# Generous: under sanitizers on a loaded machine a start takes seconds. Nothing waits this long when all is well.
PATIENCE_S = 60.0


def wait_until(condition, what, timeout_s=PATIENCE_S, interval_s=0.02):
    """The first true value of `condition()`; raises AssertionError naming `what` after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(interval_s)


def descendants(*pids):
    """The pids of all living processes below these, themselves not among them."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                if fields[0] != "Z":
                    parents[int(entry)] = int(fields[1])
    found, frontier = [], list(pids)
    while frontier:
        above = set(frontier)
        frontier = [child for child, parent in parents.items() if parent in above]
        found += frontier
    return found


def is_alive(pid):
    """Whether the process runs; one that ended and waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def freeze(*pids):
    """SIGSTOP to these processes, until all their threads stand still: the signal alone only begins that."""
    def stands(pid):
        with contextlib.suppress(OSError):  # a thread or the process has ended
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8", errors="replace") as stat:
                    if stat.read().rsplit(")", 1)[1].split()[0] not in "TtZX":
                        return False
        return True
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(map(stands, pids)), f"{pids} stopped", interval_s=0.001)


def rmtree_later(directory):
    """Removes a directory in which workers may still be ending."""
    def gone():
        shutil.rmtree(directory, ignore_errors=True)
        return not os.path.exists(directory)
    wait_until(gone, f"removal of {directory}", 10)


class TempDir:
    """A directory of the test's own: `with TempDir() as path`."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="troupe-test-")
        return self.path

    def __exit__(self, *_):
        rmtree_later(self.path)


class Node:
    """A running `troupe serve`. Use it as a context manager: it and all its descendants are gone afterwards.

    data_dir   kept if given, otherwise a temporary one
    loops      event loops; announce_ms how long it keeps accepting after SIGTERM, None = the program's default
    stem_cells whether started workers wait for code
    prefix     words before the command, which must end in the program itself taking over the process (`exec`)
    """

    def __init__(self, *flags, data_dir=None, loops=1, announce_ms=0, native="in-process", env=None, prefix=(),
                 start=True, stem_cells=False):
        self.flags = list(flags)
        self.data_dir = data_dir
        self._own_dir = data_dir is None
        self.loops = loops
        self.announce_ms = announce_ms
        self.native = native
        self.stem_cells = stem_cells
        self.env = dict(env or {})
        self.prefix = list(prefix)
        self.process = None
        self.log_path = None
        self._descendants = set()
        if self._own_dir:
            self.data_dir = tempfile.mkdtemp(prefix="troupe-test-")
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def command(self):
        words = [*self.prefix, TROUPE, "serve", "--data-dir", self.data_dir, "--loops", str(self.loops)]
        if "--http" not in self.flags:
            words += ["--http", "127.0.0.1:0"]
        if "--admin" not in self.flags:
            words += ["--admin", "127.0.0.1:0"]
        if self.native:
            words += ["--native", self.native]
        if not self.stem_cells:
            words += ["--set", "stem_cells=off"]
        return words + self.flags

    def environment(self):
        env = environment_without_settings()
        if self.announce_ms is not None:
            env["TROUPE_DRAIN_ANNOUNCE"] = f"{self.announce_ms}ms"
        env.update(self.env)
        return env

    def start(self):
        """Starts the node and waits until it serves."""
        self.launch()
        wait_until(self.is_ready, "/readyz of the started node")
        return self

    def launch(self):
        """Starts the node and waits until its admin port answers."""
        self.log_path = self.data_dir.rstrip("/") + ".log"
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment())
        where = wait_until(self._addresses, "node.json of the started node")
        self.http_addresses = where["http"]
        self.admin_address = where["admin"]
        self.host, port = where["http"][0].rsplit(":", 1)
        self.port = int(port)
        self.admin_url = "http://" + where["admin"]
        return self

    def _addresses(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the node ended with {self.process.returncode} while starting:\n{self.log()}")
        try:
            with open(os.path.join(self.data_dir, "node.json"), encoding="utf-8") as file:
                where = json.load(file)
        except (OSError, ValueError):
            return None
        return where if where.get("pid") == self.process.pid else None

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the node ended with {self.process.returncode}:\n{self.log()}")
        try:
            return self.admin("GET", "/readyz")[0] == 200
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        """The node and all processes below it."""
        self._descendants.update(descendants(self.pid))
        return [self.pid, *(pid for pid in self._descendants if is_alive(pid))]

    def log(self):
        """What this start of the node wrote to stdout and stderr."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def request(self, method, path, body=None, headers=None, timeout_s=PATIENCE_S):
        """One request to the gateway: (status, headers with lower-case names, body)."""
        return self._exchange(self.host, self.port, method, path, body, headers, timeout_s)

    def admin(self, method, path, body=None, headers=None, timeout_s=PATIENCE_S):
        """One request to the admin port."""
        host, port = self.admin_address.rsplit(":", 1)
        return self._exchange(host, int(port), method, path, body, headers, timeout_s)

    @staticmethod
    def _exchange(host, port, method, path, body, headers, timeout_s):
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def run(self, *arguments, timeout_s=PATIENCE_S, cwd=None, check=False):
        """Runs a command of the program against this node: a CompletedProcess with text output."""
        done = subprocess.run([TROUPE, *arguments, "--admin", self.admin_url], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout_s, cwd=cwd, env=self.environment())
        if check and done.returncode != 0:
            raise AssertionError(f"troupe {' '.join(arguments)} exited with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def deploy(self, path, *arguments, timeout_s=PATIENCE_S):
        """Deploys and expects success. Under a sanitizer the host of a shared object takes more memory than functions have."""
        if SANITIZED and path.endswith(".so") and "--memory-mb" not in arguments:
            arguments += ("--memory-mb", "2048")
        return self.run("deploy", path, *arguments, timeout_s=timeout_s, check=True)

    def deploy_files(self, name, files, *arguments, check=True, timeout_s=PATIENCE_S):
        """Deploys {path: text}, or the text of an index.js, from a folder that is gone afterwards."""
        with TempDir() as folder:
            write_files(folder, {"index.js": files} if isinstance(files, (str, bytes)) else files)
            return self.run("deploy", folder, "--name", name, *arguments, check=check, timeout_s=timeout_s)

    def logs(self, name):
        """The kept lines of a function's log."""
        return [line["text"] for line in json.loads(self.run("logs", name, "--json", check=True).stdout)["lines"]]

    def connect(self, timeout_s=PATIENCE_S):
        """A RawClient of the gateway."""
        return RawClient(self.host, self.port, timeout_s)

    def connect_admin(self, timeout_s=PATIENCE_S):
        """A RawClient of the admin port."""
        host, port = self.admin_address.rsplit(":", 1)
        return RawClient(host, int(port), timeout_s)

    def terminate(self, timeout_s=PATIENCE_S):
        """SIGTERM, then the exit code."""
        self.pids()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self):
        """SIGKILL to the node alone: what is below it must go by itself."""
        self.pids()
        self.process.kill()
        return self.process.wait()

    def close(self):
        """Ends what still runs, by pid, and removes the directory if it is this object's own."""
        if self.process is not None:
            if self.process.poll() is None:
                self.pids()
                self.process.kill()
                self.process.wait()
            for pid in self._descendants:
                if is_alive(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        reports = self._sanitizer_reports()
        if self._own_dir:
            rmtree_later(self.data_dir)
            with contextlib.suppress(OSError):
                os.unlink(self.data_dir.rstrip("/") + ".log")
        if reports:
            raise AssertionError("a sanitizer found something in the node:\n" + "\n".join(reports))

    def _sanitizer_reports(self):
        """What sanitizers wrote to the node's log; a node goes on after some of them, or is killed by its test."""
        if not SANITIZED or self.log_path is None:
            return []
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return [line.rstrip() for line in log if SANITIZER_REPORT.search(line)]
        except FileNotFoundError:  # closed before
            return []


def directory_command(command, node, *arguments):
    """The words of a command on the data directory, or on that of a node that does not run."""
    return [TROUPE, command, *arguments, "--data-dir", node.data_dir if isinstance(node, Node) else node]


def environment_without_settings():
    """Variables of this test that the program would take for settings of a node are not in it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}


def run_on_directory(command, node, *arguments, timeout_s=PATIENCE_S):
    """Runs such a command: a CompletedProcess with text output."""
    return subprocess.run(directory_command(command, node, *arguments), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout_s, env=environment_without_settings())


class Response:
    """One HTTP response as it came over the wire. `fields` keeps order and case of names."""

    def __init__(self, status, reason, fields, body):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:200]!r}>"

    def header(self, name):
        """The value of the one field of that name; None without it."""
        values = self.headers(name)
        if len(values) > 1:
            raise AssertionError(f"{name} occurs {len(values)} times")
        return values[0] if values else None

    def headers(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)


def free_ports(count):
    """Ports of 127.0.0.1 that nobody has now; each with the next one free too, for the control plane."""
    found = []
    while len(found) < count:
        with socket.socket() as links, socket.socket() as control:
            links.bind(("127.0.0.1", 0))
            port = links.getsockname()[1]
            try:
                control.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            found.append(port)
    return found


class RawClient:
    """A TCP connection that sends bytes as they are and reads responses strictly. A reset is an error (OSError)."""

    def __init__(self, host, port, timeout_s=PATIENCE_S):
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._kept = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *pieces):
        """Sends each piece with a system call of its own."""
        for piece in pieces:
            self.socket.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)
        return self

    def reset(self):
        """Ends the connection as a client that was killed: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def _more(self):
        piece = self.socket.recv(262144)
        self._kept += piece
        return bool(piece)

    def _until(self, mark):
        while mark not in self._kept:
            if not self._more():
                raise EOFError(f"connection closed after {self._kept[:200]!r}")
        taken, self._kept = self._kept.split(mark, 1)
        return taken

    def _exactly(self, count):
        while len(self._kept) < count:
            if not self._more():
                raise EOFError(f"connection closed after {len(self._kept)} of {count} bytes")
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def response(self, to="GET"):
        """The next response, `to` a request of that method. Raises EOFError when the connection ends before it is whole."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise AssertionError(f"no status line: {lines[0]!r}")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise AssertionError(f"malformed field: {line!r}")
            fields.append((name, value.strip(" \t")))
        found = Response(int(status), "".join(reason), fields, b"")
        if to == "HEAD" or found.status in (204, 304) or found.status < 200:
            return found
        if (found.header("transfer-encoding") or "").lower() == "chunked":
            found.body = self._chunked()
        elif found.header("content-length") is not None:
            found.body = self._exactly(int(found.header("content-length")))
        else:
            found.body = self.rest()
        return found

    def _chunked(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self._until(b"\r\n"):
                    pass
                return body
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise AssertionError("a chunk does not end where it said")

    def rest(self):
        """Everything up to the end of the connection."""
        while self._more():
            pass
        taken, self._kept = self._kept, b""
        return taken

    def is_closed(self, timeout_s=PATIENCE_S):
        """Whether the other side closes, without a further byte, within the time."""
        if self._kept:
            return False
        readable, _, _ = select.select([self.socket], [], [], timeout_s)
        return bool(readable) and not self._more()

    def responses(self, *to):
        """All responses up to the end of the connection; `to` are the requests' methods where they are not GET or POST."""
        found = []
        while self._kept or self._more():
            found.append(self.response(to[len(found)] if len(found) < len(to) else "GET"))
        return found

    def exchange(self, *pieces, to="GET"):
        """Sends and reads one response."""
        return self.send(*pieces).response(to)


def get(url, timeout_s=PATIENCE_S):
    """(status, body) of a GET, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read()


def write_files(directory, files):
    """Writes {relative path: text or bytes} below `directory` and returns it."""
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
    return directory


def parallel(count, call):
    """The results of `call(0)` to `call(count - 1)`, each on a thread of its own; raises what one of them raised."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def build_native(source, directory, name="function"):
    """Compiles C++ text against the SDK header into `directory`/`name`.so and returns its path."""
    source_path = os.path.join(write_files(directory, {name + ".cpp": source}), name + ".cpp")
    target = os.path.join(directory, name + ".so")
    subprocess.run([os.environ.get("TROUPE_CXX", "c++"), "-std=c++17", "-O1", "-fPIC", "-shared", "-I", SDK_INCLUDE,
                    source_path, "-o", target], check=True)
    return target
