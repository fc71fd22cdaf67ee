// Commits to the store of a node alone, without the node: what the built-in engine itself can do. For bench/run store.
//
//   store_load DIRECTORY
//
// Reads lines `CALLERS SECONDS` and answers each with a line of JSON: so many callers commit for so long, each a record
// of its own, one commit after the other, guarded by the record's revision as every deployment is.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/stores/cluster_store.hpp"

using namespace troupe;

namespace {

/// About what a function with its settings takes.
constexpr std::size_t record_bytes = 400;
constexpr seconds commit_timeout{30};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "store_load: %s\n", why.c_str());
  std::exit(1);
}

/// Callers that commit until their time is over. All but the beginning runs on the store's thread.
class run {
public:
  run(actors::built_in_store& store, std::vector<std::uint64_t>& revisions, duration length)
      : store_{store}, revisions_{revisions}, until_{clock::now() + length}, running_{revisions.size()} {}

  /// @returns what each commit took, in seconds.
  std::vector<double> wait() {
    for (std::size_t caller = 0; caller < revisions_.size(); ++caller)
      commit(caller);
    done_.get_future().wait();
    return std::move(took_);
  }

private:
  void commit(std::size_t caller) {
    const auto began = clock::now();
    const auto key = "function/caller-" + std::to_string(caller);
    store_.commit({{key, revisions_[caller]}}, {{key, std::string(record_bytes, 'x')}}, make_uuid(),
                  began + commit_timeout, [this, caller, began](const cluster::commit_result& result) {
                    const auto* stored = std::get_if<cluster::committed>(&result);
                    if (stored == nullptr)
                      give_up("a commit was not applied");
                    revisions_[caller] = stored->cursor.value;
                    end(caller, clock::now() - began);
                  });
  }
  void end(std::size_t caller, duration took) {
    took_.push_back(std::chrono::duration<double>(took).count());
    if (clock::now() < until_)
      commit(caller);
    else if (--running_ == 0)
      done_.set_value();
  }

  actors::built_in_store& store_;
  std::vector<std::uint64_t>& revisions_;
  const time_point until_;
  std::size_t running_;
  std::vector<double> took_;
  std::promise<void> done_;
};

double quantile_ms(std::vector<double>& took, std::size_t percent) {
  const auto at = took.begin() + static_cast<std::ptrdiff_t>((took.size() - 1) * percent / 100);
  std::nth_element(took.begin(), at, took.end());
  return *at * 1000;
}

void measure(actors::built_in_store& store, std::vector<std::uint64_t>& all_revisions, std::size_t callers,
             seconds length) {
  // Callers beyond those of earlier lines write records that are not there yet.
  all_revisions.resize(std::max(all_revisions.size(), callers));
  std::vector<std::uint64_t> revisions{all_revisions.begin(),
                                       all_revisions.begin() + static_cast<std::ptrdiff_t>(callers)};
  const auto began = clock::now();
  auto took = run{store, revisions, length}.wait();
  const auto all = std::chrono::duration<double>(clock::now() - began).count();
  std::copy(revisions.begin(), revisions.end(), all_revisions.begin());
  std::printf("{\"commits\":%zu,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", took.size(),
              static_cast<double>(took.size()) / all, quantile_ms(took, 50), quantile_ms(took, 99));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: store_load DIRECTORY\n", stderr);
    return 2;
  }
  actors::cluster_store_options options;
  options.data_dir = argv[1];
  options.node.self.id = make_uuid();
  options.node.self.name = "bench";
  const auto store = actors::open_cluster_store(std::move(options));
  if (!store)
    give_up(store.error().what);
  std::vector<std::uint64_t> revisions;
  std::size_t callers = 0;
  for (int length = 0; std::cin >> callers >> length && callers > 0 && length > 0;)
    measure(**store, revisions, callers, seconds{length});
  (*store)->close();
  return std::cin.eof() ? 0 : 2;
}
