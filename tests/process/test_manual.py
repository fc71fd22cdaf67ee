"""The reference that is made from the declarations: docs/settings.md, the man page, and where it is installed."""
import os
import re
import shutil
import subprocess
import unittest

import support


def printed(subject):
    done = subprocess.run([support.TROUPE, "help", subject], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=support.environment_without_settings())
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


class SettingsDocumentTest(unittest.TestCase):
    def test_what_is_committed_is_what_the_program_prints(self):
        with open(os.path.join(support.SOURCE_DIR, "docs", "settings.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), printed("settings.md"),
                             "settings have changed: `build/dev/troupe help settings.md > docs/settings.md`")


class ManualTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = printed("man")

    def test_it_has_every_command_flag_and_setting(self):
        plain = self.page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
        commands = [line.split()[0] for line in printed("settings").splitlines() if line[:1].isalpha() and "  " in line]
        for key in commands:
            self.assertIn(f"\n{key} (default: ", plain)
        usage = subprocess.run([support.TROUPE, "--help"], capture_output=True, text=True, check=True).stdout
        found = re.findall(r"^  ([a-z][a-z-]+) ", usage, re.MULTILINE)
        self.assertLessEqual({"serve", "deploy", "config", "restore", "logs", "certs"}, set(found))
        for command in found:
            self.assertIn(f'.SS "troupe {command}', plain)
            usage = subprocess.run([support.TROUPE, command, "--help"], capture_output=True, text=True).stdout
            for word in usage.split():
                if word.startswith("--") and word.strip("-,").isalnum():
                    self.assertIn(word.rstrip(","), plain)
        for section in ("NAME", "SYNOPSIS", "COMMANDS", "SETTINGS", "EXIT STATUS", "FILES", "ENVIRONMENT", "SIGNALS"):
            self.assertIn(f".SH {section}\n", self.page)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_finds_nothing_wrong(self):
        done = subprocess.run(["groff", "-man", "-ww", "-b", "-Tutf8", "-z"], input=self.page, capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # Quotes and dashes that a reader can paste into a shell.
        text = subprocess.run(["groff", "-man", "-Tutf8", "-P-cbou"], input=self.page, capture_output=True, text=True).stdout
        self.assertIn("troupe deploy examples/hello --route 'GET /hello/{name}'", text)
        self.assertNotIn("\N{MINUS SIGN}", text)
        self.assertNotIn("\N{RIGHT SINGLE QUOTATION MARK}", text)

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_man_shows_it_without_a_warning(self):
        with support.TempDir() as folder:
            support.write_files(folder, {"troupe.1": self.page})
            done = subprocess.run(["man", "--warnings", "-l", os.path.join(folder, "troupe.1")], capture_output=True,
                                  text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat"})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("TROUPE(1)", done.stdout)

    def test_it_is_installed(self):
        with support.TempDir() as folder:
            subprocess.run(["cmake", "--install", support.BINARY_DIR, "--prefix", folder, "--component", "manual"],
                           stdout=subprocess.DEVNULL, check=True)
            with open(os.path.join(folder, "share", "man", "man1", "troupe.1"), encoding="utf-8") as file:
                self.assertEqual(file.read(), self.page)


if __name__ == "__main__":
    unittest.main()
