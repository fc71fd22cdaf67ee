"""What bench/run measures, as processes: how each is started on a free port of 127.0.0.1 and ended by pid."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
# What `bench/run peers` gets from npm.
PEERS = os.path.join(ROOT, "build/bench-peers")
BODY = b'{"message":"Hello, world!"}'
MODULES = "/usr/lib/nginx/modules"

NGINX = """\
{modules}
daemon off;
worker_processes {loops};
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 16384; }}
http {{
  {log}
  default_type application/json;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  {outside}
  server {{
    listen 127.0.0.1:{port} reuseport;
    location / {{ {location} }}
  }}
}}
"""


class Failed(Exception):
    """A server did not start or does not answer as it should."""


def use_build(folder):
    """Measures another build than build/bench."""
    Node.program = os.path.join(os.path.abspath(folder), "troupe")


def built(path):
    """A file of the build that the measured troupe comes from."""
    return os.path.join(os.path.dirname(Node.program), path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process_tree(pid):
    """`pid` and everything below it that is alive."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry)] = int(stat_fields(int(entry))[1])
    found = [pid]
    for above in found:
        found += [child for child, parent in parents.items() if parent == above]
    return found


def stat_fields(pid):
    """The fields of /proc/<pid>/stat behind the name: state, parent, ..."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def end(process):
    """Ends a process, whatever it says to that, and what it has started."""
    below = process_tree(process.pid)
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in below:
        if pid != process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Server:
    """One running server: use it as a context manager. `url` answers GET with BODY."""

    title = ""
    poll_interval_s = 0.02

    def __init__(self, name, loops):
        self.name = name
        self.loops = loops
        self.directory = tempfile.mkdtemp(prefix=f"troupe-bench-{name}-")
        self.process = None

    @classmethod
    def missing(cls):
        """Why it cannot be measured on this machine, or None."""
        return None

    def __enter__(self):
        try:
            self.start()
            self.wait_for_answer()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def launch(self, *command, env=None, **more):
        self.log = os.path.join(self.directory, "output.log")
        # Appended to, so that it can be cut off while its writer goes on.
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, env=env, **more)

    def wait_for(self, condition, what):
        end = time.monotonic() + 30
        while True:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise Failed(f"{self.name}: no {what}; its output:\n{log.read()[-2000:]}")
            time.sleep(self.poll_interval_s)

    def wait_for_answer(self):
        def answer():
            try:
                with urllib.request.urlopen(self.url, timeout=10) as response:
                    return response.status, response.headers.get_content_type(), response.read()
            except OSError:
                return None
        found = self.wait_for(answer, "answer")
        if found != (200, "application/json", BODY):
            raise Failed(f"{self.name} answers {found}, not {BODY!r}")

    def pids(self):
        return process_tree(self.process.pid)

    def cut_log(self):
        """Forgets what was written so far, and returns how many lines it was. Its writers append and go on: a file of
        all rounds would fill disk and page cache."""
        with open(self.log, "rb+") as file:
            lines = sum(1 for _ in file)
            os.ftruncate(file.fileno(), 0)
        return lines

    def stop(self):
        self.end_process()
        shutil.rmtree(self.directory, ignore_errors=True)

    def end_process(self):
        """What it has written stays."""
        if self.process is not None:
            end(self.process)


class Nginx(Server):
    title = "nginx, static"
    log_format = "access_log off;"
    modules = ""
    outside = ""  # beside the server, in its file
    location = f"return 200 '{BODY.decode()}';"

    def start(self):
        port = free_port()
        config = os.path.join(self.directory, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NGINX.format(modules=self.modules, loops=self.loops, directory=self.directory, port=port,
                                    log=self.log_format.format(directory=self.directory), outside=self.outside,
                                    location=self.location))
        # Started by root, the workers of nginx drop to another user: they need the way to their own directory.
        os.chmod(self.directory, 0o755)
        self.launch("/usr/sbin/nginx", "-p", self.directory, "-c", config, "-e", f"{self.directory}/error.log")
        self.url = f"http://127.0.0.1:{port}/hello"


class NginxLua(Nginx):
    title = "nginx + Lua"
    modules = f"load_module {MODULES}/ndk_http_module.so;\nload_module {MODULES}/ngx_http_lua_module.so;"
    # With a length set, nginx answers without chunks, as troupe does; measured, it costs nginx the same as ngx.say.
    location = f"content_by_lua_block {{ ngx.header.content_length = {len(BODY)} ngx.print('{BODY.decode()}') }}"


class NodeHttp(Server):
    title = "Node's http server"
    flags = ()

    def start(self):
        port = free_port()
        self.launch("node", os.path.join(ROOT, "bench/peers/node_http.js"), str(port), str(self.loops), *self.flags)
        self.url = f"http://127.0.0.1:{port}/hello"


class Node(Server):
    """A troupe node without functions; `settings` are flags of `troupe serve`. `url` is its gateway."""

    title = "a troupe node"
    program = os.path.join(ROOT, "build/bench/troupe")
    settings = ("--native", "in-process")
    access_log = "off"
    wrapper = ()  # what starts the program

    def start(self):
        self.env = self.environment()
        data = os.path.join(self.directory, "data")
        self.launch(*self.wrapper, self.program, "serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                    "--data-dir", data, "--loops", str(self.loops), "--set", f"log.access={self.access_log}",
                    *self.settings, env=self.env)

        def addresses():
            try:
                with open(os.path.join(data, "node.json"), encoding="utf-8") as file:
                    return json.load(file)
            except (OSError, ValueError):
                return None
        where = self.wait_for(addresses, "node.json")
        self.admin = "http://" + where["admin"]
        self.url = "http://" + where["http"][0]

        def is_ready():
            try:
                with urllib.request.urlopen(self.admin + "/readyz", timeout=10) as response:
                    return response.status == 200
            except OSError:
                return False
        self.wait_for(is_ready, "readiness")

    def environment(self):
        return {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}

    def wait_for_answer(self):
        """Ready is all that a node without functions can be."""

    def deploy(self, path, *flags):
        """Seconds that `troupe deploy` took."""
        began = time.monotonic()
        deployed = subprocess.run([self.program, "deploy", path, "--admin", self.admin, *flags],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env)
        if deployed.returncode != 0:
            raise Failed(f"{self.name}: deploying failed:\n{deployed.stdout}{deployed.stderr}")
        return time.monotonic() - began


class Troupe(Node):
    """A node with one function. `code()`: what is deployed; `flags`: how; `routes`: where it answers."""

    flags = ()
    routes = ("GET /hello",)

    def start(self):
        super().start()
        routes = [word for route in self.routes for word in ("--route", route)]
        self.deploy(self.code(), *routes, *self.flags)
        self.url += "/hello"

    def wait_for_answer(self):
        Server.wait_for_answer(self)


class TroupeNative(Troupe):
    """In the node itself, on the event loop that read the request."""

    title = "troupe, native inline"

    @staticmethod
    def code():
        return built("examples/native-hello/native-hello.so")


class TroupeProcess(TroupeNative):
    """In a worker process, as deployments are unless the operator trusts them."""

    title = "troupe, native process"
    settings = ("--native", "process")
    flags = ("--concurrency", "64")


class TroupeNode(Troupe):
    title = "troupe, Node.js function"
    flags = ("--concurrency", "64")

    @staticmethod
    def code():
        return os.path.join(ROOT, "examples/hello")


class TroupeNodeOne(TroupeNode):
    """As on Lambda: an instance has one call at a time."""

    title = "troupe, Node.js, concurrency 1"
    flags = ()


class TroupePython(Troupe):
    title = "troupe, Python function"

    @staticmethod
    def code():
        return os.path.join(ROOT, "bench/peers/greeting.py")
