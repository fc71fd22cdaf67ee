// Plays seeds of the built-in store. README.md says how to replay one.
#include "player.hpp"
#include "world.hpp"

namespace {

using namespace troupe::sim;

struct totals {
  std::uint64_t commits = 0;
  std::uint64_t acts = 0;
  std::int64_t simulated_s = 0;
};

std::string in_words(const totals& sum) {
  return std::to_string(sum.commits) + " commits, " + std::to_string(sum.acts) + " acts of owners, " +
         std::to_string(sum.simulated_s) + " s simulated";
}

}  // namespace

int main(int count, char** arguments) {
  totals sum;
  game what;
  what.program = "sim_store";
  // In the order of `mutation`.
  what.defects = {{"acknowledge-before-fsync", {"acknowledged_is_kept"}},
                  {"apply-batch-twice", {"total_order"}},
                  {"renew-while-moving", {"session_freed_early", "one_acting_owner"}}};
  what.play = [&](std::uint64_t seed, std::size_t defect, bool trace) {
    world all{seed, static_cast<mutation>(defect), trace};
    all.run();
    sum.commits += all.seen.commits();
    sum.acts += all.seen.acts();
    sum.simulated_s += all.time.now().count() / 1'000'000;
  };
  what.totals = [&] { return in_words(sum); };
  return play(what, count, arguments);
}
