"""Node.js handlers that fail, and code that does not load, over HTTP and through invoke."""
import unittest

from handlers import node_failures, suite


class NodeFailuresTest(suite.SuiteCase):
    pass


suite.add_tests(NodeFailuresTest, node_failures.CALLS, node_failures.STARTS)

if __name__ == "__main__":
    unittest.main()
