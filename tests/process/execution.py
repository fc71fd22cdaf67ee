"""What tests of native functions inside the node share: a handler that computes or waits for as long as it is told, and the
class that a function has."""
import unittest

import support
import wire
from metrics import metrics_of, total, values

# Burns processor time of the thread, not time on the clock: a loaded machine changes nothing of what is judged.
HANDLER = r"""
#include <ctime>
#include <string>
#include <unistd.h>
#include <troupe/function.hpp>

long cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}
troupe::response handler(const troupe::request& request, troupe::context&) {
  const long amount = std::stol(std::string{request.path_parameter("us")});
  if (request.raw_query() == "sleep")
    usleep(static_cast<useconds_t>(amount));
  else
    for (const long end = cpu_us() + amount; cpu_us() < end;) {
    }
  return troupe::response::text("done");
}
TROUPE_FUNCTION(handler)
"""


class ExecutionCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.object = support.build_native(HANDLER, cls.folder, "burn")

    def serve(self, *flags, loops=1):
        return self.enterContext(support.Node(*flags, loops=loops))

    def deploy(self, node, name, *flags):
        node.deploy(self.object, "--name", name, "--route", f"GET /{name}/{{us}}", *flags)

    def calls(self, node, name, us, count, query=""):
        with node.connect() as client:
            for _ in range(count):
                self.assertEqual(client.exchange(wire.get(f"/{name}/{us}{query}")).status, 200)

    def class_of(self, node, name):
        return list(values(metrics_of(node), "troupe_function_execution_class", "class", function=name))

    def until_class(self, node, name, which, us, query=""):
        """Calls the function until it has that class."""
        def there():
            self.calls(node, name, us, 50, query)
            return self.class_of(node, name) == [which]
        support.wait_until(there, f"{name} is {which}")

    def changes(self, node, name):
        seen = metrics_of(node)
        return tuple(total(seen, f"troupe_function_{kind}_total", function=name) for kind in ("promotions", "demotions"))
