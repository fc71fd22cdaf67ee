"""A start that settings or the machine forbid: one line that names the cause, exit code 2, and nothing stays behind."""
import contextlib
import os
import signal
import socket
import subprocess
import time
import unittest

import support

NOBODY = 65534


def session_of(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        if fields[0] not in "ZX":
            return int(fields[3])
    return None


def living_members(session):
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and session_of(entry) == session]


class RefusedStartTest(unittest.TestCase):
    def setUp(self):
        folder = support.TempDir()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)

    def serve(self, *flags, env=None, user=None):
        """Runs `troupe serve` in a session of its own until it ends: (exit code, stdout, stderr, seconds)."""
        words = [support.TROUPE, "serve"]
        for name, value in (("--http", "127.0.0.1:0"), ("--admin", "127.0.0.1:0"),
                            ("--data-dir", os.path.join(self.folder, "data"))):
            if name not in flags:
                words += [name, value]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TROUPE_")}
        begun = time.monotonic()
        process = subprocess.Popen([*words, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.folder, env={**kept, **(env or {})},
                                   start_new_session=True, user=user)
        try:
            out, err = process.communicate(timeout=support.PATIENCE_S)
            took_s = time.monotonic() - begun
            support.wait_until(lambda: not living_members(process.pid), "end of everything that the start had begun", 2)
            return process.returncode, out, err, took_s
        finally:
            for pid in living_members(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.stdout.close()
            process.stderr.close()
            process.wait()

    def assert_refused(self, named, *flags, **how):
        code, out, err, took_s = self.serve(*flags, **how)
        self.assertEqual(code, 2, err)
        self.assertEqual(out, "")
        self.assertTrue(err.endswith("\n"), err)
        self.assertEqual(err.count("\n"), 1, err)
        for text in [named] if isinstance(named, str) else named:
            self.assertIn(text, err)
        self.assertLess(took_s, 2)

    def config(self, text):
        support.write_files(self.folder, {"troupe.yaml": text})
        return "--config", os.path.join(self.folder, "troupe.yaml")

    def test_unknown_key_in_the_file(self):
        for text, key in (("nmae: a\n", "nmae"), ("edge:\n  max_feilds: 5\n", "edge.max_feilds"),
                          ("edge.max_feilds: 5\n", "edge.max_feilds")):
            with self.subTest(text=text):
                self.assert_refused([key, "troupe.yaml"], *self.config(text))

    def test_bad_value_in_the_file(self):
        for text, key, value in (("loops: many\n", "loops", "many"),
                                 ("edge:\n  max_fields: 0\n", "edge.max_fields", "0"),
                                 ("drain:\n  timeout: soon\n", "drain.timeout", "soon"),
                                 ("edge:\n  max_fields: [1, 2]\n", "edge.max_fields", "1"),
                                 ("native: vm\n", "native", "vm"), ("name: ' '\n", "name", "' '")):
            with self.subTest(text=text):
                self.assert_refused([key, value, "troupe.yaml"], *self.config(text))

    def test_file_that_cannot_be_read(self):
        self.assert_refused("missing.yaml", "--config", os.path.join(self.folder, "missing.yaml"))
        self.assert_refused(self.folder, "--config", self.folder)
        self.assert_refused("troupe.yaml", *self.config("edge: [1, 2\n"))
        self.assert_refused("troupe.yaml", *self.config("- a\n- b\n"))

    def test_variables_of_the_environment(self):
        self.assert_refused("TROUPE_NMAE", env={"TROUPE_NMAE": "a"})
        self.assert_refused(["TROUPE_LOOPS", "many"], env={"TROUPE_LOOPS": "many"})
        self.assert_refused(["TROUPE_EDGE_HEADER_TIMEOUT", "1"], env={"TROUPE_EDGE_HEADER_TIMEOUT": "1"})

    def test_flags(self):
        self.assert_refused(["--loops", "many"], "--loops", "many")
        self.assert_refused("edge.max_feilds", "--set", "edge.max_feilds=5")
        self.assert_refused(["edge.max_fields", "5000"], "--set", "edge.max_fields=5000")
        self.assert_refused("edge.max_fields", "--set", "edge.max_fields")
        self.assert_refused("--nmae", "--nmae", "a")
        self.assert_refused("somewhere:1", "--http", "somewhere:1")
        self.assert_refused("127.0.0.1", "--http", "127.0.0.1")
        self.assert_refused("127.0.0.1:70000", "--http", "127.0.0.1:70000")

    def test_admin_port_is_loopback_only(self):
        for address in ("0.0.0.0:0", "192.0.2.1:9001", "[::]:0"):
            with self.subTest(address=address):
                self.assert_refused(["admin", address], "--admin", address)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused(address, "--http", address)
            self.assert_refused(address, "--admin", address)
            self.assert_refused(address, "--http", "127.0.0.1:0", "--http", address)

    def test_cluster_that_strangers_could_enter(self):
        for flags, named in ((("--cluster", "10.0.0.1:7000"), "--insecure-cluster"),
                             (("--cluster", "127.0.0.1:7000", "--join", "10.0.0.1:7000"), "join = '10.0.0.1:7000'"),
                             (("--join", "127.0.0.1:7000"), "--cluster"),
                             (("--advertise", "127.0.0.1:7000"), "cluster.advertise = '127.0.0.1:7000'"), (("--cluster", "here"), "cluster = 'here'"),
                             (("--cluster", "127.0.0.1:0", "--set", "cluster.key=k.pem"), "cluster.certificate")):
            with self.subTest(flags=flags):
                self.assert_refused(named, *flags)

    def test_certificate_that_other_nodes_would_refuse(self):
        def certs(*words):
            subprocess.run([support.TROUPE, "certs", *words], cwd=self.folder, stdout=subprocess.DEVNULL, check=True)

        def flags(certificate, key, authority="certs"):
            folder = os.path.join(self.folder, "")
            return ("--cluster", "10.0.0.1:0", "--set", f"cluster.certificate={folder}certs/{certificate}.pem", "--set",
                    f"cluster.key={folder}certs/{key}-key.pem", "--set",
                    f"cluster.authority={folder}{authority}/authority.pem")

        certs("init", "--dir", "certs")
        certs("init", "--dir", "other")
        for node in ("a", "b"):
            certs("issue", node, "--dir", "certs")
        self.assert_refused(["cluster.key", "b-key.pem", "a.pem"], *flags("a", "b"))
        self.assert_refused(["cluster.certificate", "c.pem"], *flags("c", "a"))
        self.assert_refused(["cluster.key", "c-key.pem"], *flags("a", "c"))
        self.assert_refused(["cluster.authority", "missing"], *flags("a", "a", "missing"))
        self.assert_refused(["cluster.certificate", "a.pem", "other"], *flags("a", "a", "other"))
        self.assert_refused(["name = 'c'", "'a'"], "--name", "c", *flags("a", "a"))

    def test_port_of_another_node(self):
        # Its listeners share their port among themselves, and must not with this one.
        with support.Node(loops=2) as other:
            self.assert_refused(other.http_addresses[0], "--http", other.http_addresses[0])
            self.assert_refused(other.admin_address, "--admin", other.admin_address)
            self.assertTrue(other.is_ready())

    def test_address_of_another_machine(self):
        self.assert_refused("192.0.2.1:8080", "--http", "192.0.2.1:8080")

    def test_data_directory_below_a_file(self):
        support.write_files(self.folder, {"file": "x"})
        path = os.path.join(self.folder, "file", "data")
        self.assert_refused(["data_dir", path], "--data-dir", path)
        self.assert_refused(["data_dir", os.path.join(self.folder, "file")], "--data-dir",
                            os.path.join(self.folder, "file"))

    def test_data_directory_that_may_not_be_written(self):
        path = os.path.join(self.folder, "locked")
        os.mkdir(path)
        os.chmod(path, 0o500)
        os.chmod(self.folder, 0o755)
        # Modes do not bind root, so root becomes somebody else.
        user = NOBODY if os.geteuid() == 0 else None
        for data_dir in (path, os.path.join(path, "data")):
            self.assert_refused(["data_dir", data_dir], "--data-dir", data_dir, user=user)

    def test_data_directory_of_another_node(self):
        with support.Node() as other:
            self.assert_refused(["data_dir", other.data_dir, "in use"], "--data-dir", other.data_dir)
            self.assertTrue(other.is_ready())

    def test_data_directory_of_a_refused_start_can_be_used(self):
        data_dir = os.path.join(self.folder, "data")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused(address, "--http", address)

        with support.Node(data_dir=data_dir) as node:
            self.assertTrue(node.is_ready())


class SourcesTest(unittest.TestCase):
    def test_flags_override_the_environment_which_overrides_the_file(self):
        with support.TempDir() as folder:
            file = "edge:\n  max_fields: 10\n  max_target_bytes: 100\n  max_body_bytes: 1000\n"
            support.write_files(folder, {"troupe.yaml": file})
            with support.Node("--config", os.path.join(folder, "troupe.yaml"), "--set", "edge.max_fields=30",
                              env={"TROUPE_EDGE_MAX_FIELDS": "20", "TROUPE_EDGE_MAX_TARGET_BYTES": "200"}) as node:
                def status_of(fields=0, target=2, body=0):
                    text = f"POST /{'x' * (target - 1)} HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n"
                    text += "X: y\r\n" * (fields - 2) + "\r\n" + "b" * body
                    with node.connect() as client:
                        return client.exchange(text).status

                self.assertEqual([status_of(fields=30), status_of(fields=31)], [404, 431])
                self.assertEqual([status_of(target=200), status_of(target=201)], [404, 414])
                self.assertEqual([status_of(body=1000), status_of(body=1001)], [404, 413])


if __name__ == "__main__":
    unittest.main()
