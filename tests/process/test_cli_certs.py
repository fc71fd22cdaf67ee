"""`troupe certs`: what openssl says of the files, and that nothing is ever overwritten."""
import json
import os
import shutil
import stat
import subprocess
import time
import unittest

import support

DAY_S = 86_400


def openssl(*words):
    return subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=support.PATIENCE_S)


class CertsTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())

    def run_certs(self, *words, code=0):
        done = subprocess.run([support.TROUPE, "certs", *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=support.PATIENCE_S)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 0 if code == 0 else 1, done.stderr)
        if code:
            self.assertEqual(done.stdout, "")
        return done

    def path(self, name):
        return os.path.join(self.folder, "troupe-certs", name)

    def refusal(self, *words, code=1):
        return self.run_certs(*words, code=code).stderr

    def contents(self):
        found = {}
        for name in sorted(os.listdir(self.path(""))):
            with open(self.path(name), encoding="ascii") as file:
                found[name] = file.read()
        return found


class OpensslTest(CertsTest):
    def test_a_node_of_the_authority_is_accepted_in_both_roles(self):
        self.run_certs("init", "--name", "shop")
        self.run_certs("issue", "node-1", "--address", "10.0.0.1", "--address", "fd00::1", "--address", "one.example")

        for purpose in ("sslserver", "sslclient"):
            done = openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", self.path("authority.pem"),
                           self.path("node-1.pem"))
            self.assertEqual((done.returncode, done.stdout.strip()), (0, self.path("node-1.pem") + ": OK"), done.stderr)
        for name in ("node-1", "one.example"):
            self.assertEqual(openssl("verify", "-CAfile", self.path("authority.pem"), "-verify_hostname", name,
                                     self.path("node-1.pem")).returncode, 0)
        for address in ("10.0.0.1", "fd00::1"):
            self.assertEqual(openssl("verify", "-CAfile", self.path("authority.pem"), "-verify_ip", address,
                                     self.path("node-1.pem")).returncode, 0)
        text = openssl("x509", "-in", self.path("node-1.pem"), "-noout", "-text").stdout
        for words in ("CA:FALSE", "TLS Web Server Authentication, TLS Web Client Authentication", "ecdsa-with-SHA256",
                      "NIST CURVE: P-256"):
            self.assertIn(words, text)
        self.assertIn("pathlen:0", openssl("x509", "-in", self.path("authority.pem"), "-noout", "-text").stdout)
        self.assertEqual(openssl("pkey", "-in", self.path("node-1-key.pem"), "-pubout").stdout,
                         openssl("x509", "-in", self.path("node-1.pem"), "-noout", "-pubkey").stdout)

    def test_another_authority_does_not_accept_it(self):
        self.run_certs("init")
        self.run_certs("issue", "a")
        self.run_certs("init", "--dir", "other")
        done = openssl("verify", "-CAfile", os.path.join(self.folder, "other", "authority.pem"), self.path("a.pem"))
        self.assertNotEqual(done.returncode, 0)

    def test_what_a_node_signs_does_not_count(self):
        self.run_certs("init")
        self.run_certs("issue", "a")
        request = os.path.join(self.folder, "request.pem")
        forged = os.path.join(self.folder, "forged.pem")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=b",
                "-keyout", os.path.join(self.folder, "b-key.pem"), "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.path("a.pem"), "-CAkey", self.path("a-key.pem"),
                "-out", forged)
        done = openssl("verify", "-CAfile", self.path("authority.pem"), "-untrusted", self.path("a.pem"), forged)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("invalid CA certificate", done.stderr)

    def test_days_are_counted_and_end_with_the_authority(self):
        self.run_certs("init", "--days", "100")
        for node, flags, days in (("a", ("--days", "30"), 30), ("b", (), 100), ("c", ("--days", "36500"), 100)):
            answer = json.loads(self.run_certs("issue", node, *flags, "--json").stdout)
            self.assertEqual(answer["node"], node)
            self.assertAlmostEqual(answer["ends_unix_s"], time.time() + days * DAY_S, delta=support.PATIENCE_S)
            still = openssl("x509", "-in", self.path(node + ".pem"), "-noout", "-checkend", str((days - 1) * DAY_S))
            over = openssl("x509", "-in", self.path(node + ".pem"), "-noout", "-checkend", str((days + 1) * DAY_S))
            self.assertEqual((still.returncode, over.returncode), (0, 1))


class FilesTest(CertsTest):
    def test_a_line_for_each_file_and_modes_that_keep_secrets(self):
        lines = (self.run_certs("init").stdout + self.run_certs("issue", "a").stdout).splitlines()
        names = ("authority.pem", "authority-key.pem", "a.pem", "a-key.pem")
        self.assertEqual([line.split(":")[0] for line in lines], [f"wrote troupe-certs/{name}" for name in names])
        self.assertEqual(set(self.contents()), set(names))
        for name in names:
            mode = stat.S_IMODE(os.stat(self.path(name)).st_mode)
            self.assertEqual(mode & 0o077 if name.endswith("-key.pem") else mode & 0o022, 0, f"{name} {mode:o}")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("")).st_mode), 0o700)

    def test_nothing_is_overwritten(self):
        self.run_certs("init")
        self.run_certs("issue", "a")
        before = self.contents()
        self.assertIn("authority.pem is there already", self.refusal("init"))
        self.assertIn("a.pem is there already", self.refusal("issue", "a"))
        self.assertIn("authority.pem is there already", self.refusal("issue", "authority"))
        os.remove(self.path("a.pem"))
        self.assertIn("a-key.pem is there already", self.refusal("issue", "a"))
        os.symlink("nowhere", self.path("b.pem"))
        self.assertIn("b.pem is there already", self.refusal("issue", "b"))
        os.remove(self.path("b.pem"))
        del before["a.pem"]
        self.assertEqual(self.contents(), before)

    def test_without_an_authority_the_command_that_makes_one_is_named(self):
        self.assertIn("troupe certs init --dir elsewhere", self.refusal("issue", "a", "--dir", "elsewhere"))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "elsewhere")))

    def test_an_authority_that_is_none_issues_nothing(self):
        self.run_certs("init")
        self.run_certs("issue", "a")
        for name, source in (("authority-key.pem", "a-key.pem"), ("authority.pem", "a.pem")):
            kept = self.contents()[name]
            shutil.copyfile(self.path(source), self.path(name))
            self.assertIn("authority", self.refusal("issue", "b"))
            self.assertFalse(os.path.exists(self.path("b.pem")) or os.path.exists(self.path("b-key.pem")))
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(kept)
        self.run_certs("issue", "b")

    def test_a_folder_that_cannot_be_written(self):
        support.write_files(self.folder, {"file": ""})
        self.assertIn("file", self.refusal("init", "--dir", "file/certs"))

    def test_wrong_usage(self):
        self.run_certs("init")
        for words, named in ((("issue",), "NODE"), (("init", "a"), "troupe certs issue a"), ((), "ACTION"),
                             (("make",), "make"), (("issue", "a b"), "'a b'"), (("issue", "a/b"), "'a/b'"),
                             (("issue", "a", "--address", "10.0.0.1:7000"), "'10.0.0.1:7000'"),
                             (("issue", "a", "--days", "0"), "--days"), (("issue", "a", "--name", "b"), "--name"),
                             (("init", "--dir", "o", "--address", "a"), "--address"),
                             (("init", "--dir", "o", "--name", "a b"), "'a b'"),
                             (("issue", "a", "--admin", "x"), "--admin")):
            with self.subTest(words=words):
                self.assertIn(named, self.refusal(*words, code=2))
        error = json.loads(self.refusal("issue", "a b", "--json", code=2))["error"]
        self.assertEqual(error["code"], "bad_usage")


if __name__ == "__main__":
    unittest.main()
