"""The driver finds what is broken, says how to play it again, and says so when inputs reach too little.

    driver_test.py PROGRAM    (fuzz_planted; TROUPE_SANITIZE in the environment says what it was built with)
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()
SANITIZERS = os.environ.get("TROUPE_SANITIZE", "")


def run(defect, *arguments):
    done = subprocess.run([PROGRAM, *arguments], env={**os.environ, "TROUPE_PLANTED": defect}, timeout=110,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


class DriverTest(unittest.TestCase):
    def find(self, defect, words, *more):
        """Plays until the defect is found; plays the same again by seed and by file."""
        status, said = run(defect, "--seconds", "60", *more)
        self.assertNotEqual(status, 0, said)
        self.assertIn("FAILED", said)
        self.assertRegex(said, words)
        kept = re.search(r"^input: (.+)$", said, re.MULTILINE).group(1)
        self.addCleanup(os.remove, kept)
        replay = re.search(r"^replay: (.+) --seed (\d+)$", said, re.MULTILINE)
        self.assertEqual(replay.group(1), PROGRAM)
        for again in (("--seed", replay.group(2)), (kept,)):
            status, said = run(defect, *again, *more)
            self.assertNotEqual(status, 0, said)
            self.assertRegex(said, words)
        status, said = run("", kept)
        self.assertEqual(status, 0, said)
        self.assertIn("no promise was broken", said)

    def test_finds_a_broken_promise(self):
        self.find("promise", "broken promise: the planted promise")

    def test_finds_an_exception_that_escapes(self):
        self.find("exception", "the planted exception")

    def test_finds_a_stack_that_is_used_up(self):
        self.find("stack", "FAILED")

    @unittest.skipIf(SANITIZERS, "sanitizers take address space of their own")
    def test_finds_memory_that_is_used_up(self):
        self.find("memory", "bad_alloc")

    def test_finds_an_input_that_takes_too_long(self):
        self.find("time", "takes too long", "--patience", "1")

    def test_without_a_defect_it_passes_and_counts(self):
        status, said = run("", "--seconds", "1", "--first", "7")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"^\d+ inputs in .* CPU.* \d+ looked at; no promise was broken")

    def test_what_was_never_reached_is_a_failure(self):
        status, said = run("unreached", "--seconds", "1")
        self.assertEqual(status, 1, said)
        self.assertIn("never reached: the planted outcome", said)

    def test_one_seed_is_one_input(self):
        status, said = run("unreached", "--seed", "3")
        self.assertEqual(status, 0, said)
        self.assertTrue(said.startswith("1 inputs"), said)

    def test_wrong_usage_exits_with_2(self):
        for words in (("--seconds",), ("--magic", "1"), (os.path.join(tempfile.gettempdir(), "no-such-input"),)):
            with self.subTest(words=words):
                self.assertEqual(run("", *words)[0], 2)


if __name__ == "__main__":
    unittest.main()
