"""Each defect that is put into the members on purpose is found, and named as what it breaks."""
import unittest

import setups
import test_faults
from replay import Violation


class Defects(test_faults.ScenariosUnderLoad, unittest.TestCase):
    setup_class = setups.Copies

    def assert_found(self, defect, promises, trouble):
        with self.assertRaises(Violation) as found, self.under_load(flags=["--defect", defect]) as (setup, load):
            trouble(setup, load)
        self.assertIn(str(found.exception).split(":")[0], promises, found.exception)

    def cut_off(self, setup, load):
        """A copy that cannot see what the others do, for longer than its session."""
        copy = setup.others()[0]
        for other in setup.members:
            if other is not copy:
                setup.cut(copy, other)
        load.pause(2 * test_faults.BEYOND_TTL_S)
        setup.heal()
        setup.wait_commits()

    def test_stale_reads(self):
        self.assert_found("stale-reads", ("real_time_order",), self.cut_off)

    def test_acts_without_a_session(self):
        self.assert_found("acts-without-session", ("one_acting_owner",), self.cut_off)

    def test_commits_applied_twice(self):
        self.assert_found("applies-twice", ("applied_once",), lambda setup, load: load.wait_for(30))

    def test_commits_forgotten(self):
        # Whoever repeats one is answered something else.
        self.assert_found("forgets-commits", ("acknowledged_is_kept", "applied_once"), lambda setup, load: load.wait_for(30))


if __name__ == "__main__":
    unittest.main()
