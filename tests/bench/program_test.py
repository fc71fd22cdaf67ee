"""Tests what the groups of bench/run have in common: exit codes, the file of results, choosing groups and options."""
import json
import os
import tempfile
import types
import unittest
import unittest.mock

import support
import figures
import main
import nodes
import program
import servers
import small_requests
from support import quietly, refused


class Group(types.SimpleNamespace):
    """A group that measures nothing."""

    TITLE, INTRO = "A group", "It measures nothing."

    def __init__(self, held=True, measured=None, fails=None):
        super().__init__(held=held, measured=measured or {"ratio": 1.0}, fails=fails)

    def parse(self, arguments):
        return program.Parser("p", "d", "q").parse(arguments)

    def about(self, _):
        return "3 tries", {"tries": 3}

    def measure_all(self, _, save):
        save({"ratio": 0.5})
        if self.fails:
            raise self.fails
        return self.measured

    def blocks_of(self, _):
        return [support.blocks.Verdicts("what", [figures.of_rounds("ratio", [1.0], budget=2.0 if self.held else 0.5)])]


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def ended(self, group, *arguments):
        """(exit code, stdout, stderr, what the file says)"""
        options = group.parse(["--results", self.folder, *arguments])
        returned = quietly(program.run, "group", group, options, "bench/run group")
        with open(os.path.join(self.folder, "group.json"), encoding="utf-8") as file:
            return *returned, json.load(file)

    def test_an_exceeded_budget_fails_only_where_that_is_asked_for(self):
        codes = [self.ended(Group(held=False))[0], self.ended(Group(), "--check")[0],
                 self.ended(Group(held=False), "--check")[0]]
        self.assertEqual(codes, [0, 0, 1])

    def test_the_head_line_and_the_file_say_what_was_measured(self):
        code, out, _, written = self.ended(Group())
        self.assertEqual((code, written["measured"], written["complete"]), (0, {"ratio": 1.0}, True))
        self.assertTrue(out.startswith("== group: 3 tries; "))
        self.assertEqual((written["about"]["tries"], written["about"]["command"]), (3, "bench/run group"))
        self.assertGreater(written["about"]["cores"], 0)

    def test_what_was_measured_before_a_failure_is_kept_and_says_so(self):
        code, _, err, written = self.ended(Group(fails=servers.Failed("nginx did not start")))
        self.assertEqual((code, err), (1, "bench/run: nginx did not start\n"))
        self.assertEqual((written["measured"], written["complete"]), ({"ratio": 0.5}, False))

    def test_a_fault_of_a_group_is_shown_and_ends_that_group_alone(self):
        code, _, err, written = self.ended(Group(fails=KeyError("p50")))
        self.assertEqual((code, written["complete"]), (1, False))
        self.assertIn("KeyError: 'p50'", err)

    def test_a_server_that_failed_fails_the_run(self):
        self.assertEqual(self.ended(Group(measured={"failed": {"nginx, 1 loop": "no answer"}}))[0], 1)
        self.assertEqual(self.ended(Group(measured={"failed": {}}))[0], 0)

    def test_names_are_chosen_in_their_own_order(self):
        self.assertEqual(program.some_of({"a": 1, "b": 2, "c": 3}, "letter")("c,a"), ["a", "c"])


class MainTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, nodes.Node, "program", nodes.Node.program)

    def test_without_a_group_all_are_measured_and_the_page_is_made_last(self):
        self.assertEqual(list(main.parse(["--quick"])), ["peers", *main.GROUPS, "page"])

    def test_a_lone_group_has_options_of_its_own(self):
        self.assertEqual(main.parse(["requests", "--only", "lua"])["requests"].only, ["lua"])
        self.assertEqual(refused(main.parse, "requests", "cold", "--only", "lua"), 2)
        self.assertEqual(refused(main.parse, "speed"), 2)

    def test_another_build_is_measured_when_that_is_asked_for(self):
        main.parse(["cold", "idle", "--build", "/x/bench"])
        self.assertEqual(nodes.Node.program, "/x/bench/troupe")
        self.assertEqual(nodes.built("bench/basp_hop"), "/x/bench/bench/basp_hop")

    def test_an_interrupted_run_keeps_what_it_has_and_still_makes_the_page(self):
        groups = {"done": Group(), "cut": Group(fails=KeyboardInterrupt()), "later": Group()}
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(main.GROUPS, groups, clear=True), \
                unittest.mock.patch.object(main, "prepare"):
            code, _, err = quietly(main.main, ["done", "cut", "later", "page", "--results", folder])
            with open(os.path.join(folder, "index.html"), encoding="utf-8") as file:
                text = file.read()
            files = sorted(os.listdir(folder))
        self.assertEqual((code, files), (130, ["cut.json", "done.json", "index.html"]))
        self.assertIn("what was measured is kept", err)
        self.assertEqual(text.count("was interrupted"), 1)
        self.assertIn("<code>bench/run later</code>", text)

    def test_help_names_every_group(self):
        with self.assertRaises(SystemExit) as stop:
            quietly(main.parse, ["--help"])
        self.assertEqual(stop.exception.code, 0)
        for name, group in main.GROUPS.items():
            self.assertIn(f"  {name:<10} {group.TITLE}\n", main.usage())

    def test_peers_measure_with_all_logs_off(self):
        kinds = [kind for kind in small_requests.SERVERS.values() if issubclass(kind, nodes.Node)]
        self.assertEqual({kind.access_log for kind in kinds}, {"off"})


if __name__ == "__main__":
    unittest.main()
