"""The other directions of test_fault_one_way.py."""
import network
from one_way import OneWayTest


class PairsTest(OneWayTest):
    def test_a_node_that_executes_is_not_heard_by_an_entry(self):
        self.cut(self.cluster[1], self.cluster[4])

    def test_a_copy_is_not_heard_by_the_primary(self):
        self.cut(self.cluster[2], self.cluster[0])


if __name__ == "__main__":
    network.run_tests()
