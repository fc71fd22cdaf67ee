"""The servers that bench/run compares: how each is started on a free port of 127.0.0.1 and ended by pid."""
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
BODY = b'{"message":"Hello, world!"}'
MODULES = "/usr/lib/nginx/modules"

NGINX = """\
{modules}
daemon off;
worker_processes {loops};
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
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


class Server:
    """One running server: use it as a context manager. `url` answers GET with BODY."""

    poll_interval_s = 0.02

    def __init__(self, name, loops):
        self.name = name
        self.loops = loops
        self.directory = tempfile.mkdtemp(prefix=f"troupe-bench-{name}-")
        self.process = None

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

    def launch(self, *command, env=None):
        self.log = os.path.join(self.directory, "output.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, env=env)

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

    def stop(self):
        self.end_process()
        shutil.rmtree(self.directory, ignore_errors=True)

    def end_process(self):
        """What it has written stays."""
        if self.process is not None:
            below = self.pids()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for pid in below:
                if pid != self.process.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


class Nginx(Server):
    modules = ""
    outside = ""  # beside the server, in its file
    location = f"return 200 '{BODY.decode()}';"

    def start(self):
        port = free_port()
        config = os.path.join(self.directory, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NGINX.format(modules=self.modules, loops=self.loops, directory=self.directory, port=port,
                                    outside=self.outside, location=self.location))
        # Started by root, the workers of nginx drop to another user: they need the way to their own directory.
        os.chmod(self.directory, 0o755)
        self.launch("/usr/sbin/nginx", "-p", self.directory, "-c", config, "-e", f"{self.directory}/error.log")
        self.url = f"http://127.0.0.1:{port}/hello"


class NginxLua(Nginx):
    modules = f"load_module {MODULES}/ndk_http_module.so;\nload_module {MODULES}/ngx_http_lua_module.so;"
    # With a length set, nginx answers without chunks, as troupe does; measured, it costs nginx the same as ngx.say.
    location = f"content_by_lua_block {{ ngx.header.content_length = {len(BODY)} ngx.print('{BODY.decode()}') }}"


class NodeHttp(Server):
    def start(self):
        port = free_port()
        self.launch("node", os.path.join(ROOT, "bench/peers/node_http.js"), str(port), str(self.loops))
        self.url = f"http://127.0.0.1:{port}/hello"


class Node(Server):
    """A troupe node without functions; `settings` are flags of `troupe serve`. `url` is its gateway."""

    program = os.path.join(ROOT, "build/bench/troupe")
    settings = ("--native", "in-process")

    def start(self):
        self.env = self.environment()
        data = os.path.join(self.directory, "data")
        self.launch(self.program, "serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data-dir", data,
                    "--loops", str(self.loops), *self.settings, env=self.env)

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
    """A node with one function. `function`: what is deployed; `flags`: how."""

    def start(self):
        super().start()
        self.deploy(os.path.join(ROOT, self.function), "--route", "GET /hello", *self.flags)
        self.url += "/hello"

    def wait_for_answer(self):
        Server.wait_for_answer(self)


class TroupeNative(Troupe):
    function = "build/bench/examples/native-hello/native-hello.so"
    flags = ()


class TroupeNode(Troupe):
    function = "examples/hello"
    flags = ("--concurrency", "64")


# Name on the command line, title, class: in the order of the printed table.
SERVERS = {
    "nginx": ("nginx, static", Nginx),
    "lua": ("nginx + Lua", NginxLua),
    "native": ("troupe, native function", TroupeNative),
    "node-http": ("Node's http server", NodeHttp),
    "node": ("troupe, Node.js function", TroupeNode),
}
