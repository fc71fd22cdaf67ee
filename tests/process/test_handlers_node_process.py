"""What Node.js handlers find around them: modules, environment, descriptors, limits."""
import unittest

from handlers import node_process, suite


class NodeProcessTest(suite.SuiteCase):
    pass


suite.add_tests(NodeProcessTest, node_process.MODULES, node_process.SURROUNDINGS)

if __name__ == "__main__":
    unittest.main()
