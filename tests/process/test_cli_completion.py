"""The completion scripts in real shells: bash always, zsh and fish where they are installed."""
import os
import shutil
import subprocess
import unittest

import support

HELLO = "exports.handler = async () => 'hello';"
# Sets up what bash hands to a completion function, calls it, prints the candidates.
BASH = r"""
source <("$TROUPE" completion bash) || exit
COMP_LINE=$1 COMP_POINT=${#1}
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_troupe
printf '%s\n' "${COMPREPLY[@]}"
"""


class BashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())
        for name in ("hello", "help-desk", "other"):
            cls.node.deploy_files(name, HELLO, "--env", "name=decoy")
        cls.folder = cls.enterClassContext(support.TempDir())
        support.write_files(cls.folder, {"code/index.js": HELLO, "my event.json": "{}"})

    def complete(self, *words, admin=None):
        """What bash offers for the last of these words; words as bash breaks them."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("TROUPE_")}
        env.update(TROUPE=support.TROUPE, TROUPE_ADMIN=admin or self.node.admin_url)
        done = subprocess.run(["bash", "-c", BASH, "bash", " ".join(words).replace(" = ", "=").replace(" : ", ":"),
                               support.TROUPE, *words[1:]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.folder, env=env,
                              timeout=support.PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.split("\n")[:-1] if done.stdout.strip() else []

    def test_commands(self):
        self.assertIn("deploy", self.complete("troupe", ""))
        self.assertEqual(self.complete("troupe", "inv"), ["invoke"])
        self.assertEqual(self.complete("troupe", "--admin", "http", ":", "//127.0.0.1", ":", "9001", "rou"), ["routes"])
        self.assertIn("--version", self.complete("troupe", "--"))

    def test_flags_and_their_choices(self):
        self.assertEqual(self.complete("troupe", "deploy", "code", "--m"),
                         ["--memory-mb", "--min-instances", "--max-instances"])
        self.assertEqual(self.complete("troupe", "deploy", "--runtime", "py"), ["python3"])
        self.assertEqual(self.complete("troupe", "serve", "--native", ""), ["process", "in-process"])
        self.assertEqual(self.complete("troupe", "serve", "--native", "=", "in"), ["in-process"])
        self.assertEqual(self.complete("troupe", "serve", "--set", "drain.t"), ["drain.timeout="])
        self.assertEqual(self.complete("troupe", "deploy", "--name", ""), [])
        self.assertEqual(self.complete("troupe", "completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("troupe", "help", "sett"), ["settings"])
        self.assertEqual(self.complete("troupe", "certs", ""), ["init", "issue"])
        self.assertEqual(self.complete("troupe", "certs", "issue", "node-1", "--a"), ["--address"])
        self.assertEqual(self.complete("troupe", "nodes", ""), ["remove"])
        self.assertEqual(self.complete("troupe", "config", ""), ["check", "show", "reload"])
        self.assertEqual(self.complete("troupe", "config", "show", "--set", "log.l"), ["log.level="])

    def test_names_of_functions(self):
        for command in ("remove", "logs", "invoke"):
            self.assertEqual(self.complete("troupe", command, "hel"), ["hello", "help-desk"])
        self.assertEqual(self.complete("troupe", "logs", "-f", "o"), ["other"])
        self.assertEqual(self.complete("troupe", "logs", "--json", "other", ""), [], "there is only one")
        self.assertEqual(self.complete("troupe", "remove", "", admin="http://127.0.0.1:1"), [])
        self.assertEqual(self.complete("troupe", "--admin", self.node.admin_url, "remove", "o",
                                       admin="http://127.0.0.1:1"), ["other"])

    def test_files(self):
        self.assertEqual(self.complete("troupe", "deploy", "co"), ["code"])
        self.assertEqual(self.complete("troupe", "config", "check", "co"), ["code"])
        self.assertEqual(self.complete("troupe", "deploy", "--env", "A", "=", "b", "co"), ["code"])
        self.assertEqual(self.complete("troupe", "invoke", "hello", "--payload", "@my"), ["@my event.json"])
        self.assertEqual(self.complete("troupe", "invoke", "hello", "--payload", "@", "my"), ["my event.json"])
        self.assertEqual(self.complete("troupe", "serve", "--data-dir", "c"), ["code"])


class OtherShellsTest(unittest.TestCase):
    def script(self, shell):
        done = subprocess.run([support.TROUPE, "completion", shell], capture_output=True, check=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_reads_its_script(self):
        with support.TempDir() as folder:
            support.write_files(folder, {"_troupe": self.script("zsh")})
            subprocess.run(["zsh", "-f", "-c", "fpath=($1 $fpath); autoload -U compinit && compinit -u -D && "
                            "[[ $_comps[troupe] == _troupe ]] && zsh -n $1/_troupe", "zsh", folder], check=True)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes(self):
        with support.TempDir() as folder:
            support.write_files(folder, {"troupe.fish": self.script("fish")})
            done = subprocess.run(["fish", "--no-config", "-c", f"source {folder}/troupe.fish; complete -C 'troupe dep'; "
                                   "complete -C 'troupe deploy --runtime py'; complete -C 'troupe logs --fo'"],
                                  capture_output=True, text=True, check=True, env={**os.environ, "HOME": folder})
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()],
                             ["deploy", "python3", "--follow"])

    def test_wrong_usage(self):
        for words in (("completion",), ("completion", "tcsh"), ("completion", "bash", "zsh")):
            done = subprocess.run([support.TROUPE, *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)


if __name__ == "__main__":
    unittest.main()
