"""A node that another one does not hear any more, under load and deployments; test_long_fault_one_way.py has more."""
import network
from one_way import OneWayTest


class PairsTest(OneWayTest):
    def test_an_entry_is_not_heard_by_a_node_that_executes(self):
        self.cut(self.cluster[4], self.cluster[1])

    def test_the_primary_is_not_heard_by_a_copy(self):
        self.cut(self.cluster[0], self.cluster[2])


if __name__ == "__main__":
    network.run_tests()
