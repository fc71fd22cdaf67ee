"""Peers of troupe as processes: how each is started on a free port of 127.0.0.1 and ended by pid."""
import contextlib
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
