"""The judges of histories find what is wrong, and nothing else."""
import subprocess
import unittest

import history
from cluster import Asked
from history import Change, Outage


def asked(number="r1", node="n1", began=10.0, ended=10.1, outcome="ok", status=None, cause=None, body=None):
    if outcome == "ok":
        status, body = status or 200, number if body is None else body
    elif outcome == "failed":
        status, cause = status or 502, "link_lost" if cause is None else cause
        body = "the node is gone" if body is None else body
    return Asked(number, node, began, ended, outcome, status, cause, body or "")


def dead(node="n2", began=20.0, ended=25.0):
    return Outage("dead", node, began, ended)


class WrongAnswersTest(unittest.TestCase):
    def judged(self, *requests, outages=()):
        return history.wrong_answers(requests, outages)

    def test_own_answers_and_clear_refusals_are_right(self):
        self.assertEqual(self.judged(asked(), asked("r2", outcome="failed"),
                                     asked("r3", outcome="failed", status=503)), [])

    def test_another_requests_answer_is_wrong(self):
        self.assertEqual(len(self.judged(asked("r1", body="r2"))), 1)

    def test_two_answers_and_silence_are_wrong_wherever_they_happen(self):
        for outcome in ("repeated", "silent"):
            request = asked(node="n2", began=21, ended=22, outcome=outcome)
            self.assertEqual(len(self.judged(request, outages=[dead()])), 1)

    def test_a_refusal_says_why(self):
        for how in ({"status": 500}, {"cause": ""}, {"body": ""}):
            request = asked(outcome="failed")._replace(**how)
            self.assertEqual(len(self.judged(request)), 1, how)

    def test_only_a_node_that_was_stopped_may_say_that_the_function_took_too_long(self):
        late = asked(node="n2", began=21, ended=26, outcome="failed", status=500, cause="function_timeout")
        self.assertEqual(len(self.judged(late)), 1)
        self.assertEqual(self.judged(late, outages=[Outage("stopped", "n2", 20.0, 25.0)]), [])

    def test_only_a_dead_node_owes_no_answer(self):
        for outcome in ("unknown", "refused"):
            request = asked(node="n2", began=19.9, ended=20.1, outcome=outcome)
            self.assertEqual(self.judged(request, outages=[dead()]), [])
            for node, began in (("n1", 20.1), ("n2", 18.0), ("n2", 25.1)):
                request = asked(node=node, began=began, ended=began + 0.1, outcome=outcome)
                self.assertEqual(len(self.judged(request, outages=[dead()])), 1, request)

    def test_a_stopped_node_owes_an_answer(self):
        self.assertEqual(len(self.judged(asked(node="n2", began=21, ended=22, outcome="unknown"),
                                         outages=[Outage("stopped", "n2", 20.0, 25.0)])), 1)


class RepeatedRunsTest(unittest.TestCase):
    def test_one_run_for_each_answer_is_right(self):
        requests = [asked("r1"), asked("r2", outcome="failed"), asked("r3", outcome="unknown")]
        self.assertEqual(history.repeated_runs(requests, {"r1": ["n1"], "r3": ["n2"]}), [])

    def test_two_runs_are_wrong_at_one_node_and_at_two(self):
        for at in (["n1", "n1"], ["n1", "n2"]):
            self.assertEqual(len(history.repeated_runs([asked("r1", outcome="unknown")], {"r1": at})), 1)

    def test_an_answer_without_a_run_is_wrong(self):
        self.assertEqual(len(history.repeated_runs([asked("r1")], {})), 1)

    def test_a_run_of_what_was_refused_is_wrong(self):
        for request in (asked("r1", outcome="refused"), asked("r1", outcome="failed", status=503, cause="overloaded")):
            self.assertEqual(len(history.repeated_runs([request], {"r1": ["n2"]})), 1)

    def test_a_run_that_nobody_asked_for_is_wrong(self):
        self.assertEqual(len(history.repeated_runs([], {"r1": ["n1"]})), 1)


class NeedlessFailuresTest(unittest.TestCase):
    def judged(self, request, at=(), outages=None):
        return history.needless_failures([request], {request.number: list(at)} if at else {},
                                         [dead()] if outages is None else outages, 0.5)

    def test_what_ran_at_the_node_that_died_may_fail(self):
        self.assertEqual(self.judged(asked(began=19.0, ended=20.2, outcome="failed"), ["n2"]), [])

    def test_what_went_to_it_before_its_death_was_noticed_may_fail(self):
        self.assertEqual(self.judged(asked(began=20.3, ended=20.5, outcome="failed")), [])

    def test_what_its_own_clients_asked_may_fail_until_it_is_back(self):
        self.assertEqual(self.judged(asked(node="n2", began=24.9, ended=25.0, outcome="refused")), [])
        self.assertEqual(len(self.judged(asked(node="n2", began=25.1, ended=25.2, outcome="refused"))), 1)

    def test_what_ran_elsewhere_may_not_fail(self):
        self.assertEqual(len(self.judged(asked(began=19.9, ended=20.2, outcome="failed"), ["n3"])), 1)

    def test_nothing_may_fail_once_its_death_was_noticed_or_before_it_died(self):
        for began in (19.0, 20.6, 24.0, 26.0):
            self.assertEqual(len(self.judged(asked(began=began, ended=began + 0.01, outcome="failed"))), 1, began)

    def test_a_failure_is_told_in_time(self):
        self.assertEqual(len(self.judged(asked(began=19.9, ended=20.6, outcome="failed"), ["n2"])), 1)

    def test_without_an_outage_nothing_fails(self):
        self.assertEqual(len(self.judged(asked(outcome="failed"), outages=[])), 1)


class FailuresOutsideTest(unittest.TestCase):
    def judged(self, began, ended):
        return history.failures_outside([asked(began=began, ended=ended, outcome="failed")], [(20.0, 23.0)], 6.0)

    def test_what_began_or_was_under_way_in_a_window_may_fail(self):
        for began, ended in ((19.0, 20.5), (21.0, 21.1), (22.9, 28.0)):
            self.assertEqual(self.judged(began, ended), [])

    def test_what_was_over_before_or_began_later_may_not(self):
        for began, ended in ((19.0, 19.9), (23.1, 23.2)):
            self.assertEqual(len(self.judged(began, ended)), 1)

    def test_nothing_takes_for_ever_to_fail(self):
        self.assertEqual(len(self.judged(22.0, 28.5)), 1)


class LostChangesTest(unittest.TestCase):
    def setUp(self):
        self.changes = []

    def change(self, mark, outcome="ok", function="f"):
        at = float(len(self.changes))
        self.changes.append(Change(function, mark, "n1", at, at + 0.5, outcome, ""))

    def judged(self, **marks):
        return history.lost_changes(self.changes, {node: {"f": mark} if mark else {} for node, mark in marks.items()})

    def test_the_last_acknowledged_one_everywhere_is_right(self):
        self.change("a")
        self.change("b")
        self.assertEqual(self.judged(n1="b", n2="b"), [])

    def test_a_lost_deployment_is_found(self):
        self.change("a")
        self.assertTrue(self.judged(n1=None, n2=None))

    def test_an_earlier_version_is_found(self):
        self.change("a")
        self.change("b")
        self.assertTrue(self.judged(n1="a", n2="a"))

    def test_a_removed_function_that_comes_back_is_found(self):
        self.change("a")
        self.change(None)
        self.assertEqual(self.judged(n1=None, n2=None), [])
        self.assertTrue(self.judged(n1="a", n2="a"))

    def test_one_node_that_differs_is_found(self):
        self.change("a")
        self.change("b", "unknown")
        self.assertEqual(self.judged(n1="b", n2="b"), [])
        self.assertEqual(self.judged(n1="a", n2="a"), [])
        self.assertTrue(self.judged(n1="b", n2="a"))

    def test_what_was_refused_may_not_be_there(self):
        self.change("a")
        self.change("b", "failed")
        self.assertTrue(self.judged(n1="b", n2="b"))

    def test_what_was_unknown_does_not_come_after_what_was_acknowledged_later(self):
        self.change("a", "unknown")
        self.change("b")
        self.assertTrue(self.judged(n1="a", n2="a"))

    def test_functions_are_judged_one_by_one(self):
        self.change("a")
        self.change("b", function="g")
        self.assertEqual(len(history.lost_changes(self.changes, {"n1": {"f": "a"}})), 1)


class LostVersionsTest(unittest.TestCase):
    def setUp(self):
        self.changes = []

    def change(self, mark, version, outcome="ok", began=0.0, ended=9.0):
        self.changes.append(Change("f", mark, "n1", began, ended, outcome, "", version))

    def judged(self, **seen):
        return history.lost_versions(self.changes, seen)

    def test_the_newest_one_everywhere_is_right(self):
        self.change("a", 1)
        self.change("b", 2)
        self.change("c", None, "failed")
        self.assertEqual(self.judged(n1=(2, "b"), n2=(2, "b")), [])

    def test_an_unknown_one_may_be_the_newest(self):
        self.change("a", 1)
        self.change("b", None, "unknown")
        self.assertEqual(self.judged(n1=(2, "b")), [])

    def test_an_earlier_version_is_found(self):
        self.change("a", 1)
        self.change("b", 2)
        self.assertTrue(self.judged(n1=(1, "a")))

    def test_one_that_was_refused_is_found(self):
        self.change("a", 1)
        self.change("b", None, "failed")
        self.assertTrue(self.judged(n1=(2, "b")))

    def test_two_of_one_version_are_found(self):
        self.change("a", 1)
        self.change("b", 1)
        self.assertTrue(self.judged(n1=(1, "b")))

    def test_one_that_was_overwritten_by_an_earlier_one_is_found(self):
        self.change("a", 2, ended=1.0)
        self.change("b", 1, began=2.0)
        self.assertTrue(self.judged(n1=(2, "a")))

    def test_nodes_that_differ_are_found(self):
        self.change("a", 1)
        self.change("b", None, "unknown")
        self.assertTrue(self.judged(n1=(1, "a"), n2=(2, "b")))


class OutcomeTest(unittest.TestCase):
    def said(self, code, stderr):
        return history.outcome_of(subprocess.CompletedProcess([], code, "", stderr))[0]

    def test_acknowledged_refused_or_neither(self):
        deployed = subprocess.CompletedProcess([], 0, '{"name":"f","version":7}', "")
        self.assertEqual(history.outcome_of(deployed), ("ok", "", 7))
        self.assertEqual(self.said(1, '{"error":{"code":"unavailable","message":"no primary"}}\n'), "failed")
        self.assertEqual(self.said(1, '{"error":{"code":"unknown_outcome","message":"cannot be told"}}\n'), "unknown")
        self.assertEqual(self.said(1, '{"error":{"code":"overloaded","message":"deployed, but it did not start"}}\n'),
                         "unknown")
        self.assertEqual(self.said(1, "terminated\n"), "unknown")
        self.assertEqual(history.outcome_of(None)[0], "unknown")


if __name__ == "__main__":
    unittest.main()
