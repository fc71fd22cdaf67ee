"""Python handlers, over HTTP and through invoke."""
import unittest

from handlers import python_handlers, suite


class PythonHandlersTest(suite.SuiteCase):
    main_file = "index.py"
    language = ("--runtime", "python3")
    default_handler = ("--handler", "index.handler")


suite.add_tests(PythonHandlersTest, python_handlers.ANSWERS, python_handlers.FAILURES, python_handlers.STARTS)

if __name__ == "__main__":
    unittest.main()
