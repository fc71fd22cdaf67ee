"""Single links between three nodes that are slow, half-open or reset, under load and deployments."""
import os
import time
import unittest

import history
import load
import support
from cluster import Cluster, Member, own_host
from metrics import metrics_of, total
from relay import Relay
from trial import DEATH_NOTICED_S, SILENCE_NOTICED_S, Trial, unnoticed

RELAY_HOST = 3


class RelayedCluster(Cluster):
    """Nodes at hosts of their own, which know each other by addresses of the relay only."""

    def __init__(self, relay, count=3):
        self.relay = relay
        super().__init__(count)

    def make(self, number, seeds, flags, **more):
        member = Member(f"n{number + 1}", seeds, flags, host=own_host(number), **more)
        _, port = member.cluster_address.split(":")
        for each in (int(port), int(port) + 1):  # links and control plane
            self.relay.listen((own_host(RELAY_HOST), each), (member.host, each))
        member.flags += ["--advertise", f"{own_host(RELAY_HOST)}:{port}"]
        member.cluster_address = f"{own_host(RELAY_HOST)}:{port}"
        return member

    def links(self, one, other):
        """Both directions, as the relay names them: whichever of the two has dialed."""
        return (one.host, other.host), (other.host, one.host)


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.relay = self.enterContext(Relay())
        self.cluster = self.enterContext(RelayedCluster(self.relay))

    def on_each(self, change, one, other, *more, **options):
        for link in self.cluster.links(one, other):
            change(*link, *more, **options)

    def test_everything_goes_through_the_relay(self):
        nodes = list(self.cluster)
        for one in nodes:
            for other in nodes:
                if one is not other:
                    support.wait_until(lambda link=(one.host, other.host): self.relay.passed(*link) > 0,
                                       f"{one.name} dials {other.name} through the relay")

    def test_a_delay_of_200_ms_costs_nothing_but_time(self):
        one, two, three = self.cluster
        with Trial(self.cluster, [two], [one, three]) as trial:
            for other in (one, two):
                self.on_each(self.relay.delay, three, other, 0.2)
            began = time.monotonic()
            trial.wait_answered(self.cluster, 5)
            trial.wait_changed(4)
            trial.wait_changed(2, through=three)
            asked = [each for each in trial.loads["n3"].of("ok") if each.began > began]
            ran = history.runs(trial.folder, self.cluster)
            trial.conclude(self, [])
        there_and_back = [each.ended - each.began for each in asked if ran[each.number] != ["n3"]]
        self.assertGreaterEqual(min(there_and_back), 0.4)
        self.assertEqual([text for kind, text in three.events() if kind == "node_suspected"], [])

    def test_a_link_that_is_open_and_dead(self):
        one, two, three = self.cluster
        with Trial(self.cluster, [one, two], [one, three]) as trial:
            trial.wait_changed(2)
            began = time.monotonic()
            self.on_each(self.relay.freeze, two, three)
            for node, other in ((two, three), (three, two)):
                self.cluster.wait_for_state(other.name, ("suspected",), [node])
            trial.wait_answered(self.cluster, 10, SILENCE_NOTICED_S)
            trial.wait_changed(3)
            self.on_each(self.relay.thaw, two, three)
            trial.conclude(self, unnoticed(began, time.monotonic()))

    def test_a_link_that_is_reset_again_and_again(self):
        one, two, three = self.cluster
        with Trial(self.cluster, [one, two], [one, three]) as trial:
            trial.wait_changed(2)
            resets = []
            for _ in range(5):
                resets.append(time.monotonic())
                for other in (one, two):
                    self.on_each(self.relay.reset, three, other)
                trial.wait_answered(self.cluster, 5)
                trial.wait_changed(1)
            trial.conclude(self, [(at, at + DEATH_NOTICED_S) for at in resets])

    def break_links(self, times):
        """Resets all links of n3, which asks the store for what is deployed; then what each node has at rest."""
        three = self.cluster[2]
        for _ in range(times):
            for other in self.cluster[:2]:
                self.on_each(self.relay.reset, three, other)
            self.assertEqual(three.admin("GET", "/v1/functions")[0], 200)
        self.cluster.wait_together()
        return support.wait_until(self.at_rest, "rest", interval_s=1)

    def at_rest(self):
        """What each node has, if nothing of it is on its way: a busy machine takes seconds for the start of an instance."""
        now = self.footprint()
        changing = sum(total(metrics_of(node), "troupe_function_instances", state=state)
                       for node in self.cluster for state in ("starting", "stopping"))
        return None if changing or now != self.footprint() else now

    def footprint(self):
        return [(len(os.listdir(f"/proc/{node.pid}/fd")), load.Footprint(node).counts) for node in self.cluster]

    def test_links_that_break_leave_nothing_behind(self):
        self.cluster.deploy("hello", "exports.handler = async () => 'hello';", at=list(self.cluster))
        before, after = self.break_links(1), self.break_links(30)
        for (few, counts), (now, counts_now) in zip(before, after):
            self.assertEqual(counts_now, counts)
            self.assertLess(now, few + 4, "links for code come and go; some of each break would be dozens")

    def test_a_link_that_refuses_every_dial(self):
        one, two, three = self.cluster
        with Trial(self.cluster, [one, two], [one, three]) as trial:
            trial.wait_changed(2)
            began = time.monotonic()
            self.on_each(self.relay.reset, two, three, again="refused")
            trial.wait_answered(self.cluster, 10, SILENCE_NOTICED_S)
            trial.wait_changed(3)
            self.on_each(self.relay.restore, two, three)
            trial.conclude(self, unnoticed(began, time.monotonic()))


if __name__ == "__main__":
    unittest.main()
