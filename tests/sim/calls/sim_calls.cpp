// Plays seeds of what moves calls between nodes. README.md of tests/sim says how to replay one.
#include "machine.hpp"
#include "tests/sim/player.hpp"
#include "world.hpp"

namespace {

using namespace troupe::sim;
using namespace troupe::sim::calls;

struct totals {
  std::uint64_t requests = 0;
  std::uint64_t hops = 0;
  std::uint64_t retries = 0;
  std::int64_t simulated_s = 0;
};

std::string in_words(const totals& sum) {
  return std::to_string(sum.requests) + " requests, " + std::to_string(sum.hops) + " calls between nodes, " +
         std::to_string(sum.retries) + " retries, " + std::to_string(sum.simulated_s) + " s simulated";
}

}  // namespace

int main(int count, char** arguments) {
  totals sum;
  game what;
  what.program = "sim_calls";
  // In the order of `mutation`.
  what.defects = {{"retry-what-left", {"retried_only_where_certain", "ran_at_most_once"}},
                  {"run-what-is-old", {"stale_is_refused"}},
                  {"keep-credit", {"within_credit", "heals"}},
                  {"keep-suspects", {"heals"}},
                  {"trust-records", {"heals"}},
                  {"judge-while-late", {"healthy_not_suspected"}}};
  what.play = [&](std::uint64_t seed, std::size_t defect, bool trace) {
    world all{seed, static_cast<mutation>(defect), trace};
    all.run();
    sum.requests += all.seen.requests();
    sum.hops += all.seen.hops();
    sum.retries += all.seen.retries();
    sum.simulated_s += all.time.now().count() / 1'000'000;
  };
  what.totals = [&] { return in_words(sum); };
  return play(what, count, arguments);
}
