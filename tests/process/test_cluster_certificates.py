"""A cluster whose nodes have certificates: it works, and whoever has none, or another's, is told why at both ends."""
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import unittest

import support
from authority import Authority

HELLO = "exports.handler = async () => 'hello';"


class CertificatesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.certificates = Authority(os.path.join(cls.folder, "certificates"))
        for name in ("n1", "n2", "n3"):
            cls.certificates.issue(name)

    def member(self, name, port, seed=None, flags=None, **more):
        words = ["--name", name, "--cluster", f"127.0.0.1:{port}"]
        words += self.certificates.flags(name) if flags is None else flags
        if seed:
            words += ["--join", f"127.0.0.1:{seed}"]
        return self.enterContext(support.Node(*words, **more))

    def newcomer(self, name, port, seed, flags):
        """A node that is started and not waited for: it is not let in."""
        return self.member(name, port, seed, flags, start=False)

    def start_without_waiting(self, node):
        node.log_path = node.data_dir.rstrip("/") + ".log"
        node._log_start = 0
        with open(node.log_path, "ab") as log:
            node.process = subprocess.Popen(node.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=node.environment())

    def states(self, node):
        rows = node.run("nodes", "--json")
        return {} if rows.returncode else {each["name"]: each["state"] for each in json.loads(rows.stdout)}

    def test_three_nodes_serve_each_others_functions(self):
        ports = support.free_ports(3)
        nodes = [self.member("n1", ports[0])]
        nodes += [self.member(f"n{i + 1}", ports[i], ports[0]) for i in (1, 2)]
        names = {"n1": "ready", "n2": "ready", "n3": "ready"}
        for node in nodes:
            support.wait_until(lambda n=node: self.states(n) == names, "three nodes that know each other")

        nodes[0].deploy_files("hello", HELLO, "--route", "GET /hello")
        for node in nodes:
            support.wait_until(lambda n=node: n.request("GET", "/hello")[::2] == (200, b"hello"), "answers of each node")

        for port in ports:  # links, control plane: not a byte of either is readable
            for each in (port, port + 1):
                with self.subTest(port=each):
                    self.assert_plain_bytes_are_refused(each)
        self.assertEqual(self.states(nodes[0]), names)
        for node in reversed(nodes):
            self.assertEqual(node.terminate(), 0)

    def test_a_restore_reaches_the_other_nodes_with_the_certificate_of_its_own(self):
        ports = support.free_ports(2)
        first = self.member("n1", ports[0])
        second = self.member("n2", ports[1], ports[0])
        support.wait_until(lambda: self.states(second) == {"n1": "ready", "n2": "ready"}, "two nodes")
        self.assertEqual(second.terminate(), 0)
        words = ["--from-copy", "--old-primary-stopped", *self.certificates.flags("n2")]
        refused = support.run_on_directory("restore", second, *words)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("n1 at 127.0.0.1", refused.stderr)
        self.assertEqual(first.terminate(), 0)
        done = support.run_on_directory("restore", second, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"not reached: 127.0.0.1:{ports[0]}", done.stderr)

    def test_a_restore_with_other_settings_than_those_of_its_cluster_is_refused_while_somebody_answers(self):
        others = Authority(os.path.join(self.folder, "other-authority"))
        others.issue("n2")
        own = self.certificates.flags("n2")
        another_name = ["--set", "cluster.name=another"]
        for of_cluster, given, named in ((True, [], "of which none is set here"),
                                         (True, others.flags("n2"), "does not count here"),
                                         (True, own + another_name, "'another'"),
                                         (False, own, "not those of that node's cluster")):
            with self.subTest(given=given, of_cluster=of_cluster):
                ports = support.free_ports(2)
                flags = None if of_cluster else []
                first = self.member("n1", ports[0], flags=flags)
                second = self.member("n2", ports[1], ports[0], flags)
                support.wait_until(lambda: self.states(second) == {"n1": "ready", "n2": "ready"}, "two nodes")
                self.assertEqual(second.terminate(), 0)
                words = ["--from-copy", "--old-primary-stopped", *given]
                refused = support.run_on_directory("restore", second, *words)
                self.assertEqual((refused.returncode, refused.stdout), (1, ""))
                self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
                for word in (f"127.0.0.1:{ports[0]}", "n1", "--config", "cluster.certificate", "cluster.name", named):
                    self.assertIn(word, refused.stderr)
                self.assertFalse(os.path.exists(os.path.join(second.data_dir, "store.db.set-aside")))
                wrong = support.run_on_directory("restore", second, *words, "--without", f"127.0.0.1:{ports[1]}")
                self.assertEqual(wrong.returncode, 2)
                if of_cluster:  # with nobody there, it is the way to go on
                    self.assertEqual(first.terminate(), 0)
                else:  # with somebody there whom the user knows for a stranger
                    words += ["--without", f"127.0.0.1:{ports[0]}"]
                done = support.run_on_directory("restore", second, *words)
                self.assertEqual(done.returncode, 0, done.stderr)

    def assert_plain_bytes_are_refused(self, port):
        """The other side closes, and tells nothing of itself but an alert of TLS."""
        heard = b""
        with socket.create_connection(("127.0.0.1", port), support.PATIENCE_S) as stranger:
            with contextlib.suppress(ConnectionError):
                stranger.sendall(b"GET / HTTP/1.1\r\nhost: troupe\r\n\r\n" + b"\0" * 4096)
                while piece := stranger.recv(65536):
                    heard += piece
        self.assertLessEqual(len(heard), 64, heard)

    def refused(self, name, flags, here, there):
        """A node with these certificates is not let in; both say why, in a line with these words."""
        ports = support.free_ports(2)
        first = self.member("n1", ports[0])
        other = self.newcomer(name, ports[1], ports[0], flags)
        self.start_without_waiting(other)
        for node, words in ((first, here), (other, there)):
            line = support.wait_until(
                lambda n=node, w=words: [each for each in n.log().splitlines() if w in each],
                f"'{words}' in the log of {node.flags[1]}; it has:\n{first.log()}\n{other.log()}")
            self.assertEqual(len(line), 1, line)
            self.assertIn('"level":"warning"', line[0])
        self.assertIsNone(other.process.poll())
        self.assertEqual(self.states(first), {"n1": "ready"})
        other.process.send_signal(signal.SIGTERM)
        self.assertEqual(other.process.wait(support.PATIENCE_S), 1)
        self.assertEqual(first.terminate(), 0)

    def test_a_node_without_a_certificate_is_not_let_in(self):
        self.refused("n2", [], "what the peer sends is no TLS", "the peer closed the connection")

    def test_a_node_of_another_authority_is_not_let_in(self):
        others = Authority(os.path.join(self.folder, "others"))
        others.issue("n2")
        self.refused("n2", others.flags("n2"), "does not accept this node's certificate", "does not count here")

    def test_a_node_with_the_certificate_of_another_does_not_start(self):
        """That a program that lies about it is not let in either, tests of the links show."""
        self.assert_start_refused(["--name", "thief", "--cluster", "127.0.0.1:0", *self.certificates.flags("n2")],
                                  "name = 'thief'", "is that of 'n2'")

    def test_a_node_does_not_enter_a_cluster_without_certificates(self):
        ports = support.free_ports(2)
        first = self.member("n1", ports[0], flags=[])
        other = self.newcomer("n2", ports[1], ports[0], self.certificates.flags("n2"))
        self.start_without_waiting(other)
        support.wait_until(lambda: "link_turned_away" in first.log(), "refusal of the newcomer")
        support.wait_until(lambda: "seed_not_reached" in other.log(), "the newcomer's reason")
        self.assertEqual(self.states(first), {"n1": "ready"})

    def test_who_has_no_certificate_gets_no_further_than_the_handshake(self):
        """Neither on links nor on the control plane, also with a program that speaks TLS."""
        port, = support.free_ports(1)
        first = self.member("n1", port)
        others = Authority(os.path.join(self.folder, "strangers"))
        others.issue("n1")
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        nobody.check_hostname = False
        nobody.verify_mode = ssl.CERT_NONE
        foreign = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        foreign.check_hostname = False
        foreign.verify_mode = ssl.CERT_NONE
        foreign.load_cert_chain(others.file("n1.pem"), others.file("n1-key.pem"))
        for where in (port, port + 1):
            for context in (nobody, foreign):
                with self.subTest(port=where), self.assertRaises((ssl.SSLError, ConnectionError)):
                    with socket.create_connection(("127.0.0.1", where), support.PATIENCE_S) as plain:
                        with context.wrap_socket(plain) as secured:
                            if secured.recv(1) == b"":
                                raise ConnectionError("closed")
        for event in ("link_turned_away", "control_connection_refused"):
            support.wait_until(lambda e=event: e in first.log(), event)
        self.assertEqual(self.states(first), {"n1": "ready"})

    def test_a_stranger_whose_bytes_are_there_before_it_is_accepted_is_told_of(self):
        port, = support.free_ports(1)
        first = self.member("n1", port)
        support.freeze(first.process.pid)
        try:
            stranger = self.enterContext(socket.create_connection(("127.0.0.1", port + 1), support.PATIENCE_S))
            stranger.sendall(b"GET / HTTP/1.1\r\nhost: troupe\r\n\r\n")
        finally:
            first.process.send_signal(signal.SIGCONT)
        support.wait_until(lambda: "control_connection_refused" in first.log(), "word of the stranger", 10)

    def test_a_stranger_who_left_again_is_named_by_its_address(self):
        port, = support.free_ports(1)
        first = self.member("n1", port)
        support.freeze(first.process.pid)
        try:
            with socket.create_connection(("127.0.0.1", port + 1), support.PATIENCE_S) as stranger:
                where = "{}:{}".format(*stranger.getsockname())
                stranger.sendall(b"GET / HTTP/1.1\r\nhost: troupe\r\n\r\n")
        finally:
            first.process.send_signal(signal.SIGCONT)
        line = support.wait_until(lambda: [each for each in first.log().splitlines()
                                           if "control_connection_refused" in each], "word of the stranger")
        self.assertIn(f'"address":"{where}"', line[0])

    def assert_start_refused(self, flags, *words):
        env = {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}
        done = subprocess.run([support.TROUPE, "serve", "--data-dir", self.folder + "/none", *flags], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=support.PATIENCE_S)
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_without_certificates_a_cluster_stays_on_loopback(self):
        self.assert_start_refused(["--cluster", "10.1.2.3:7000"], "cluster = '10.1.2.3:7000'", "troupe certs")
        self.assert_start_refused(["--cluster", "127.0.0.1:0", "--join", "10.1.2.3:7000"], "join = '10.1.2.3:7000'")

    def test_files_that_do_not_belong_together_stop_the_start(self):
        flags = self.certificates.flags("n1")
        flags[3] = "cluster.key=" + self.certificates.file("n2-key.pem")
        self.assert_start_refused(["--name", "n1", "--cluster", "127.0.0.1:0", *flags], "n2-key.pem",
                                  "does not belong to the certificate")


if __name__ == "__main__":
    unittest.main()
