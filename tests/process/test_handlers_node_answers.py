"""Node.js handlers that answer, over HTTP and through invoke."""
import unittest

from handlers import node_answers, suite


class NodeAnswersTest(suite.SuiteCase):
    pass


suite.add_tests(NodeAnswersTest, node_answers.CASES)

if __name__ == "__main__":
    unittest.main()
