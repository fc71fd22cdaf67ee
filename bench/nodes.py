"""Nodes of troupe as processes, without functions and with one."""
import json
import os
import subprocess
import time
import urllib.request

import servers

NATIVE_HELLO = "examples/native-hello/native-hello.so"


def use_build(folder):
    """Measures another build than build/bench."""
    Node.program = os.path.join(os.path.abspath(folder), "troupe")


def built(path):
    """A file of the build that the measured troupe comes from."""
    return os.path.join(os.path.dirname(Node.program), path)


class Node(servers.Server):
    """A troupe node without functions; `settings` are flags of `troupe serve`. `url` is its gateway."""

    title = "a troupe node"
    program = os.path.join(servers.ROOT, "build/bench/troupe")
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
            raise servers.Failed(f"{self.name}: deploying failed:\n{deployed.stdout}{deployed.stderr}")
        return time.monotonic() - began


class Deployed(Node):
    """A node with one function. `code()`: what is deployed; `flags`: how; `routes`: where it answers."""

    flags = ()
    routes = ("GET /hello",)

    def start(self):
        super().start()
        routes = [word for route in self.routes for word in ("--route", route)]
        self.deploy(self.code(), *routes, *self.flags)
        self.url += "/hello"

    def wait_for_answer(self):
        servers.Server.wait_for_answer(self)


class Native(Deployed):
    """In the node itself, on the event loop that read the request."""

    title = "troupe, native inline"

    @staticmethod
    def code():
        return built(NATIVE_HELLO)


class NativeProcess(Native):
    """In a worker process, as deployments are unless the operator trusts them."""

    title = "troupe, native process"
    settings = ("--native", "process")
    flags = ("--concurrency", "64")


class JavaScript(Deployed):
    title = "troupe, Node.js function"
    flags = ("--concurrency", "64")

    @staticmethod
    def code():
        return os.path.join(servers.ROOT, "examples/hello")


class JavaScriptOne(JavaScript):
    """As on Lambda: an instance has one call at a time."""

    title = "troupe, Node.js, concurrency 1"
    flags = ()
    # Clients that ask again at once keep a queue standing; none of them is to be told to come back later.
    settings = (*Node.settings, "--set", "queue.shedding=off")


class Python(Deployed):
    title = "troupe, Python function"
    settings = JavaScriptOne.settings

    @staticmethod
    def code():
        return os.path.join(servers.ROOT, "bench/peers/greeting.py")
