// `troupe restore`: what was done to the store of a node that does not run, in words.
#include <cstdio>

#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/console.hpp"
#include "cli/restoring.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

json view_of(const restored_store& done) {
  return {{"store", done.path},
          {"set_aside", done.set_aside.empty() ? json(nullptr) : json(done.set_aside)},
          {"store_id", to_string(done.store_id)},
          {"generation", done.generation},
          {"records", done.records},
          {"cursor", done.cursor},
          {"parent", {{"store_id", to_string(done.parent_store)}, {"cursor", done.parent_cursor}}},
          {"reached", done.reached},
          {"not_reached", done.not_reached},
          {"passed_over", done.passed_over},
          {"code_elsewhere", done.code_elsewhere},
          {"code_missing", done.code_missing},
          {"not_given", done.not_given.empty() ? json(nullptr) : json(done.not_given)}};
}

void print(const restored_store& done) {
  std::printf("restored %s: %zu records as of commit %llu; later commits are gone\n", done.path.c_str(), done.records,
              static_cast<unsigned long long>(done.cursor));
  std::printf("the store is %s now, generation %llu; this node is its primary when it starts\n",
              to_string(done.store_id).c_str(), static_cast<unsigned long long>(done.generation));
  if (!done.set_aside.empty())
    std::printf("what was there before is kept as %s\n", done.set_aside.c_str());
  std::fflush(stdout);
}

/// Nothing that needs somebody is left to be found out.
void warn(const restored_store& done) {
  if (!done.not_given.empty())
    std::fprintf(stderr, "troupe: the new store is root's: %s. Give it to the user of the node before you start it\n",
                 done.not_given.c_str());
  for (const auto& each : done.not_reached)
    std::fprintf(stderr, "(not reached: %s)\n", each.c_str());
  for (const auto& each : done.passed_over)
    std::fprintf(stderr, "troupe: a record of a node cannot be read, so that it was not asked: %s\n", each.c_str());
  if (!done.code_elsewhere.empty())
    std::fprintf(stderr, "(code that other nodes have, and this one fetches when it runs: %s)\n",
                 joined(done.code_elsewhere, ", ").c_str());
  if (!done.code_missing.empty())
    std::fprintf(
        stderr,
        "troupe: the code of these functions is neither on this disk nor at a node that answers: %s. They do not "
        "run until a node that has it is back, or they are deployed again\n",
        joined(done.code_missing, ", ").c_str());
}

}  // namespace

int restore(const client_options& client, const restore_options& options) {
  const auto done = restore_store(options);
  if (!done)
    return report(client, failure_of(done.error()));
  if (client.json)
    print_json(view_of(*done));
  else
    print(*done);
  warn(*done);
  return exit_done;
}

}  // namespace troupe::cli
