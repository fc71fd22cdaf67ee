"""scripts/repeat on a build of a few tests that note each of their runs."""
import os
import subprocess
import unittest

import support

SCRIPT = os.path.join(support.SOURCE_DIR, "scripts", "repeat")


class RepeatTest(unittest.TestCase):
    def setUp(self):
        self.build = self.enterContext(support.TempDir())
        self.ran = os.path.join(self.build, "ran")
        self.tests = []
        self.touch_build(1)

    def touch_build(self, at_s):
        support.write_files(self.build, {".ninja_log": ""})
        os.utime(os.path.join(self.build, ".ninja_log"), (at_s, at_s))

    def add(self, name, command="", measured_s=None, **properties):
        """A test that notes its name, then does `command`."""
        self.tests.append((name, measured_s))
        with open(os.path.join(self.build, "CTestTestfile.cmake"), "a", encoding="utf-8") as file:
            file.write(f'add_test("{name}" "/bin/sh" "-c" "echo \'{name}\' >> {self.ran}; {command}")\n')
            for key, value in properties.items():
                file.write(f'set_tests_properties("{name}" PROPERTIES {key} "{value}")\n')
        costs = "".join(f"{each} 1 {cost}\n" for each, cost in self.tests if cost is not None)
        support.write_files(self.build, {"Testing/Temporary/CTestCostData.txt": costs + "---\n"})

    def repeat(self, *words):
        return subprocess.run([SCRIPT, self.build, "--jobs", "3", *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=support.PATIENCE_S)

    def runs(self):
        """{test: how often it ran}."""
        with open(self.ran, encoding="utf-8") as file:
            names = file.read().splitlines()
        return {name: names.count(name) for name in set(names)}

    def test_short_ones_run_twenty_times_and_others_three_times(self):
        self.add("known", measured_s=4.9)
        self.add("typed<of.  # TypeParam = int>", measured_s=5.0)
        self.add("unknown")
        self.add("slow", measured_s=5.0)
        self.add("long", LABELS="long")
        done = self.repeat()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.runs(), {"known": 20, "typed<of.  # TypeParam = int>": 3, "unknown": 20, "slow": 3})

    def test_environment_and_directory_are_those_of_the_test(self):
        self.add("there", "test $PWD = / && test $KEY = value", ENVIRONMENT="KEY=value", WORKING_DIRECTORY="/")
        self.assertEqual(self.repeat().returncode, 0)

    def test_a_failure_is_told_with_its_output_and_the_others_go_on(self):
        self.add("breaks", "echo the reason; exit 7", measured_s=9)
        self.add("hangs", "exec sleep 1000", measured_s=9, TIMEOUT=1)
        self.add("good")
        done = self.repeat()
        self.assertEqual(done.returncode, 1)
        self.assertIn("exit status 7", done.stdout)
        self.assertIn("not done after 1 s", done.stdout)
        self.assertIn("failed 3 times: breaks", done.stdout)
        self.assertIn("failed 3 times: hangs", done.stdout)
        outputs = os.path.join(self.build, "Testing", "repeat-failures")
        told = []
        for name in os.listdir(outputs):
            if name.startswith("breaks"):
                with open(os.path.join(outputs, name), encoding="utf-8") as file:
                    told.append(file.read())
        self.assertEqual(told, ["the reason\n"] * 3)
        self.assertEqual(self.runs()["good"], 20)

    def test_runs_that_skip_are_named(self):
        self.add("bare", "echo 'OK (skipped=1)'", measured_s=9, SKIP_REGULAR_EXPRESSION="OK [(]skipped=")
        self.add("good", measured_s=9, SKIP_REGULAR_EXPRESSION="OK [(]skipped=")
        done = self.repeat()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("skipped 3 of 3 times: bare", done.stdout)
        self.assertNotIn("good", done.stdout)

    def test_out_of_time_it_stops_and_goes_on_at_the_next_call(self):
        self.add("slow", "sleep 0.2", measured_s=0.2)
        done = self.repeat("--minutes", "0.02")
        self.assertEqual(done.returncode, 3, done.stdout)
        first = self.runs()["slow"]
        self.assertIn(first, range(1, 20))
        self.assertEqual(self.repeat().returncode, 0)
        self.assertEqual(self.runs(), {"slow": 20})
        self.assertEqual(self.repeat().returncode, 0)
        self.assertEqual(self.runs(), {"slow": 20}, "ran although nothing was left")

    def test_another_build_begins_anew(self):
        self.add("quick")
        self.assertEqual(self.repeat().returncode, 0)
        self.touch_build(2)
        self.assertEqual(self.repeat().returncode, 0)
        self.assertEqual(self.runs(), {"quick": 40})
        self.assertEqual(self.repeat("--anew").returncode, 0)
        self.assertEqual(self.runs(), {"quick": 60})

    def test_a_regex_chooses(self):
        self.add("one.a", measured_s=9)
        self.add("two.b", measured_s=9)
        self.assertEqual(self.repeat("-R", "^one").returncode, 0)
        self.assertEqual(self.runs(), {"one.a": 3})


if __name__ == "__main__":
    unittest.main()
