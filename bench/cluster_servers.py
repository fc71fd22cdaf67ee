"""What bench/run cluster compares: nginx -> nginx, the same call over CAF's middleman, nodes of troupe."""
import json
import os
import urllib.request

import bodies
import nodes
import servers



class Proxy(servers.Nginx):
    """nginx that passes everything on to a second nginx."""

    title = "nginx -> nginx"

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.behind = bodies.NginxEcho(name + "-behind", loops)

    def start(self):
        self.behind.__enter__()
        # Kept connections to the second one, as everybody has them who cares for what a proxy costs.
        self.outside = (f"upstream behind {{ server {self.behind.url.split('/')[2]}; keepalive 128; "
                        "keepalive_requests 100000000; }")
        self.location = ("proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ''; "
                         "client_max_body_size 8m; client_body_buffer_size 2m; proxy_buffers 64 32k;")
        super().start()

    def pids(self):
        return super().pids() + self.behind.pids()

    def stop(self):
        super().stop()
        self.behind.stop()


class Basp(servers.Server):
    """Two processes of bench/basp_hop: troupe's edge in one, the function in the other, CAF's middleman between."""

    title = "the same over BASP"

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.function = None

    def start(self):
        port = self.launch_side("function", nodes.built(nodes.NATIVE_HELLO))
        self.function = self.process
        self.url = f"http://127.0.0.1:{self.launch_side('gateway', str(self.loops), port)}/hello"

    def launch_side(self, kind, *arguments):
        """The port that it has."""
        file = os.path.join(self.directory, kind)
        self.launch(nodes.built("bench/basp_hop"), kind, file, *arguments)
        self.wait_for(lambda: os.path.exists(file), "port of the " + kind)
        with open(file, encoding="ascii") as text:
            return text.read().strip()

    def pids(self):
        return [self.function.pid, self.process.pid]

    def stop(self):
        # While the gateway has not been started, the function is what was launched last.
        if self.function not in (None, self.process):
            servers.end(self.function)
        super().stop()


class Member(nodes.Node):
    """One node of a cluster; the first has no seed."""

    def __init__(self, name, loops, where, seed=None):
        super().__init__(name, loops)
        self.where = where
        self.seed = seed
        self.cluster = f"127.0.0.1:{servers.free_port()}"

    @property
    def settings(self):
        join = ("--join", self.seed) if self.seed else ()
        control = servers.free_port()
        # A machine that is busy with other things is not to look like a node that is silent.
        return ("--name", self.name, "--cluster", self.cluster, "--set", f"cluster.control_port={control}", "--set",
                "cluster.suspect_after=30s", *self.where, *join)

    def nodes(self):
        """What it says of the nodes of its cluster."""
        with urllib.request.urlopen(self.admin + "/v1/nodes", timeout=10) as response:
            return json.load(response)

    def places(self):
        """Names of the nodes that it knows to have instances."""
        return [each["name"] for each in self.nodes() if each["functions"]]


class Hop(servers.Server):
    """Nodes of one cluster: HTTP goes to the last, the function runs at the first and there alone."""

    members = 2
    runs = ("--native", "in-process")
    # A node without memory for instances passes every call on, also one that comes before it knows to whom.
    passes_on = ("--native", "process", "--set", "instance_memory=1MiB", "--set", "stem_cells=off")

    def __init__(self, name, loops):
        super().__init__(name, loops)
        self.nodes = []

    def start(self):
        for number in range(self.members):
            where, seed = (self.passes_on, self.nodes[0].cluster) if self.nodes else (self.runs, None)
            self.nodes.append(Member(f"{self.name}-{number}", self.loops, where, seed))
            self.nodes[-1].__enter__()
        self.process = self.nodes[-1].process
        self.log = self.nodes[-1].log
        for node in self.nodes:
            self.wait_for(lambda n=node: [each["state"] for each in n.nodes()] == ["ready"] * self.members, "members")
        self.nodes[0].deploy(self.code(), *self.flags, "--route", "GET /hello", "--route", "POST /echo")
        self.url = self.nodes[-1].url + "/hello"
        self.wait_for(lambda: self.nodes[-1].places() == [self.nodes[0].name], "word of the instance")

    def pids(self):
        for node in self.nodes:
            if (places := node.places()) != [self.nodes[0].name]:
                raise servers.Failed(f"{self.name}: to {node.name} the function runs at {places or 'no node'}")
        return [pid for node in self.nodes for pid in node.pids()]

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()
        self.process = None
        super().stop()


class NativeHop(Hop):
    """A native function inline at the other node."""

    title = "troupe -> troupe, native"
    flags = ("--concurrency", "64", "--max-instances", "1")

    @staticmethod
    def code():
        return nodes.built(nodes.NATIVE_HELLO)


class NodeHop(Hop):
    """A Node.js function at the other node. It has no maximum: the room of one would be the home's, which may be the
    node without memory, and nothing would start."""

    title = "troupe -> troupe, Node.js"
    flags = ("--concurrency", "64")

    @staticmethod
    def code():
        return os.path.join(servers.ROOT, "examples/hello")


class Hop3(NativeHop):
    """As NativeHop, with a third node that only listens."""

    title = "troupe -> troupe, 3 nodes"
    members = 3


class Hop5(NativeHop):
    """As NativeHop, with three more that only listen."""

    title = "troupe -> troupe, 5 nodes"
    members = 5


SERVERS = {"proxy": Proxy, "basp": Basp, "native": NativeHop, "node": NodeHop, "three": Hop3, "five": Hop5}
# Those that send a body back as it came.
ECHOES = ("proxy", "basp", "native", "three", "five")
