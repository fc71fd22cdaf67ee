"""What happens when a node hears another one and is not heard by it, for the tests of each pair of roles."""
import time
import unittest

import network
from trial import SILENCE_NOTICED_S, Trial, unnoticed


class OneWayTest(unittest.TestCase):
    """Five nodes: n1 is the primary, n2 and n3 execute, n4 and n5 call them."""

    def setUp(self):
        self.network = network.Network(5)
        self.addCleanup(self.network.close)
        self.cluster = self.enterContext(network.HostedCluster(self.network.hosts))

    def cut(self, sender, receiver):
        """Loses what `sender` sends to `receiver`: both take to others, and all is well once it ends."""
        with Trial(self.cluster, self.cluster[1:3], [sender, receiver]) as trial:
            trial.wait_changed(2)
            began = time.monotonic()
            self.network.cut(sender.at, receiver.at)
            trial.wait_answered(self.cluster, 10, SILENCE_NOTICED_S)
            for one, other in ((sender, receiver), (receiver, sender)):
                self.cluster.wait_for_state(one.name, ("gone", "suspected"), [other])
            trial.wait_answered(self.cluster)
            self.network.heal()
            trial.conclude(self, unnoticed(began, time.monotonic()))
