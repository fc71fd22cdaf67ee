// A node of a test's cluster as far as its store goes, in the test's own process, with a data directory that survives a
// stop.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/store_client.hpp"
#include "tests/support/store_host.hpp"
#include "tests/support/temp_folder.hpp"

namespace troupe::tests {

class store_peer : public store_host {
public:
  store_peer(std::string shown_name, std::vector<std::string> seeds = {})
      : store_host{std::move(shown_name), make_uuid(), std::move(seeds)} {
    options.data_dir = folder.path();
  }
  ~store_peer() { stop(); }

  /// At the port that it had before.
  void start() {
    const auto started = store_host::start();
    ASSERT_TRUE(started) << started.error().what;
  }

  store_client client() { return store_client{store()}; }

  cluster::store_answer call(cluster::store_call what, duration timeout = seconds{20}) {
    std::promise<cluster::store_answer> answered;
    store().call(std::move(what), clock::now() + timeout,
                 [&](cluster::store_answer answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }
  cluster::store_status status() {
    std::promise<expected<cluster::store_status>> answered;
    store().status(clock::now() + seconds{20}, [&](auto answer) { answered.set_value(std::move(answer)); });
    return *answered.get_future().get();
  }
  /// Waits until everything up to `at` is here.
  void reach(std::uint64_t at) {
    const auto until = clock::now() + seconds{30};
    auto loaded = client().load();
    ASSERT_TRUE(loaded) << loaded.error().what;
    auto now = loaded->cursor;
    while (now.value < at) {
      ASSERT_LT(clock::now(), until) << name << " is at " << now.value << ", not at " << at;
      const auto next = client().follow(now, seconds{5});
      if (const auto* commits = std::get_if<cluster::batch>(&next); commits != nullptr && !commits->commits.empty())
        now = commits->commits.back().cursor;
      else if (std::holds_alternative<cluster::gap>(next))
        now = client().load()->cursor;
    }
  }
  /// The records that are no records of the store's own.
  std::string contents() {
    std::string text;
    const auto all = client().load();
    if (!all)
      return "not loaded: " + all.error().what;
    for (const auto& each : all->records)
      if (!each.key.starts_with("node/") && !each.key.starts_with("meta/"))
        text += each.key + "=" + each.value + " ";
    return text;
  }
  /// Commits again and again, under ids of its own, until it succeeds. @returns its cursor.
  std::uint64_t put_patiently(const std::string& key, const std::string& value) {
    const auto until = clock::now() + seconds{30};
    cluster::commit_result result;
    do
      result = client().put(key, value);
    while (cursor_of(result) == 0 && clock::now() < until);
    EXPECT_NE(cursor_of(result), 0u) << (why_refused(result) != nullptr ? why_refused(result)->what : "no refusal");
    return cursor_of(result);
  }

  temp_folder folder;
};

}  // namespace troupe::tests
