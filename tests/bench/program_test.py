"""Tests what the programs of bench/run have in common: exit codes, the file, the choice by name."""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import program  # noqa: E402
import servers  # noqa: E402


def ended(*arguments, held=True, measure=lambda options: [1, 2]):
    """(exit code, stdout, stderr) of a program with these arguments."""
    options = program.Parser("p", "d", "q").parse(arguments)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = program.run(options, lambda _: ("3 tries", {"tries": 3}), measure, lambda *_: held)
    return code, out.getvalue(), err.getvalue()


class ProgramTest(unittest.TestCase):
    def test_an_exceeded_budget_fails_only_where_that_is_asked_for(self):
        self.assertEqual([ended(held=False)[0], ended("--check")[0], ended("--check", held=False)[0]], [0, 0, 1])

    def test_a_server_that_fails_is_named_and_fails(self):
        def measure(_):
            raise servers.Failed("nginx did not start")
        self.assertEqual(ended(measure=measure)[::2], (1, "bench/run: nginx did not start\n"))

    def test_checking_arguments_measures_nothing(self):
        self.assertEqual(ended("--check-arguments", measure=lambda _: self.fail("measured")), (0, "", ""))

    def test_the_head_line_and_the_file_say_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "f.json")
            self.assertTrue(ended("--json", path)[1].startswith("== 3 tries; "))
            with open(path, encoding="utf-8") as file:
                written = json.load(file)
        self.assertEqual((written["measurements"], written["about"]["tries"]), ([1, 2], 3))

    def test_names_are_chosen_in_their_own_order(self):
        self.assertEqual(program.some_of({"a": 1, "b": 2, "c": 3}, "letter")("c,a"), ["a", "c"])


if __name__ == "__main__":
    unittest.main()
