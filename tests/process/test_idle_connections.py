"""Ten thousand clients that keep their connection and say nothing: what each of them costs the node in memory."""
import os
import resource
import socket
import unittest

import support
import wire
from cluster import own_host

COUNT = int(os.environ.get("TROUPE_IDLE_CONNECTIONS", "10000"))
MOST_BYTES_EACH = 8 * 1024
AT_ONCE = 500


def proportional_bytes(pid):
    """The memory of a process, pages that it shares counted in part (PSS)."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


class IdleConnectionsTest(unittest.TestCase):
    def setUp(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        hard = before[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if COUNT + 500 > hard:
            self.skipTest(f"{COUNT} connections need more descriptors than {hard}")
        self.clients = []
        self.addCleanup(self.leave)

    def leave(self, node=None):
        for client in self.clients:
            client.close()
        self.clients.clear()
        if node is not None:
            support.wait_until(lambda: not wire.held_sockets(node.port), "the end of all connections")

    def connect(self, node, count):
        """So many connections, each of which has had a request answered."""
        for begin in range(0, count, AT_ONCE):
            fresh = [self.dial(node) for _ in range(min(AT_ONCE, count - begin))]
            self.clients += fresh
            for client in fresh:
                client.sendall(wire.get())
            for client in fresh:
                if not client.recv(65536).startswith(b"HTTP/1.1 200 "):
                    raise AssertionError("a request was not answered")

    @staticmethod
    def dial(node):
        client = socket.socket()
        client.settimeout(support.PATIENCE_S)
        client.setsockopt(socket.IPPROTO_IP, support.IP_BIND_ADDRESS_NO_PORT, 1)  # and those of others stay theirs
        client.bind((own_host(), 0))
        client.connect((node.host, node.port))
        return client

    def test_cost_little_and_are_given_back(self):
        with support.Node("--set", f"edge.max_connections={COUNT + 1000}", loops=2) as node:
            wire.deploy_hello(node)
            self.connect(node, 200)  # what is made once is there before it is counted
            self.leave(node)
            before = proportional_bytes(node.pid)

            for _ in range(2):  # the second time in what the first has left
                self.connect(node, COUNT)
                self.assertEqual(len(wire.held_sockets(node.port)), COUNT)
                each = (proportional_bytes(node.pid) - before) / COUNT
                print(f"{COUNT} idle connections: {each:.0f} bytes each", flush=True)
                self.assertEqual(node.request("GET", "/hello")[0], 200)
                if not support.SANITIZED:
                    self.assertLessEqual(each, MOST_BYTES_EACH)
                self.leave(node)


if __name__ == "__main__":
    unittest.main()
