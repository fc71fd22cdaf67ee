"""Authorities of clusters and certificates of nodes, made by `troupe certs`."""
import os
import subprocess

import support


class Authority:
    """In a folder that is made, with the certificates that it issues."""

    def __init__(self, path):
        self.path = path
        self.run("init")

    def run(self, *words):
        subprocess.run([support.TROUPE, "certs", *words, "--dir", self.path], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=support.PATIENCE_S)

    def issue(self, node, address="127.0.0.1"):
        self.run("issue", node, "--address", address)

    def file(self, name):
        return os.path.join(self.path, name)

    def flags(self, node):
        """What a node says that has the certificate of `node`."""
        return ["--set", "cluster.certificate=" + self.file(node + ".pem"), "--set",
                "cluster.key=" + self.file(node + "-key.pem"), "--set",
                "cluster.authority=" + self.file("authority.pem")]
