// A target with a defect that the environment chooses: what the driver must find and report (driver_test.py).
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "tests/fuzz/target.hpp"

using namespace troupe::fuzz;

namespace {

enum outcome : std::size_t { looked_at };

std::string_view defect() {
  const char* chosen = std::getenv("TROUPE_PLANTED");
  return chosen == nullptr ? std::string_view{} : chosen;
}

/// Uses up the stack. Not a tail call: something is left to do behind each.
std::size_t descend(std::size_t depth) {  // NOLINT(misc-no-recursion)
  volatile char frame[1024];
  frame[depth % sizeof frame] = 1;
  return depth == ~std::size_t{0} ? 0 : descend(depth + 1) + static_cast<std::size_t>(frame[depth % sizeof frame]);
}

void break_down() {
  const auto which = defect();
  require(which != "promise", "the planted promise");
  if (which == "exception")
    throw std::runtime_error{"the planted exception"};
  if (which == "stack")
    std::exit(static_cast<int>(descend(0)));
  if (which == "memory")
    static_cast<void>(std::vector<char>(std::size_t{8} << 30, 'x'));
  for (volatile bool endless = which == "time"; endless;) {
  }
}

}  // namespace

const target& troupe::fuzz::this_target() {
  static const target what{.seeds = {"a door\n", "open 1\n"},
                           .words = {"door", "open ", "\n"},
                           .outcomes = defect() == "unreached"
                                           ? std::vector<std::string>{"looked at", "the planted outcome"}
                                           : std::vector<std::string>{"looked at"},
                           .enough = 100};
  return what;
}

/// Broken by a word of the dictionary before a number at a boundary.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  happened(looked_at);
  const auto text = text_of(data, size);
  if (text.find("door") != text.npos && text.find("open 255\n") != text.npos)
    break_down();
  return 0;
}
