// Both sides of a link back to back, in one thread and on one hand-moved clock.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cluster/link_state.hpp"

namespace troupe::cluster {

inline link_hello hello_of(std::string name) {
  link_hello hello;
  hello.node_name = std::move(name);
  hello.node = make_fast_uuid();
  return hello;
}

class LinkStateTest : public ::testing::Test {
protected:
  /// Opens the link between two sides with these limits.
  void open(link_limits limits = {}) {
    here = link_state{hello_of("here"), limits, now};
    there = link_state{hello_of("there"), hello_of("here"), limits, now};
    buffer hello;
    here.pull(hello, 1, now);
    here.on_written(hello.size());
    settle();
    ASSERT_EQ(kinds(events(here)), "opened ");
    ASSERT_EQ(here.peer().node_name, "there");
  }

  /// What is to be sent from one side, at most about `up_to` bytes of it.
  std::string pull(link_state& from, std::size_t up_to = 256 * 1024) {
    buffer out;
    from.pull(out, up_to, now);
    from.on_written(out.size());
    return std::string{out.view()};
  }

  /// Moves bytes both ways, in pieces of `piece` bytes, until nothing is left to send.
  void settle(std::size_t piece = ~std::size_t{0}) {
    while (here.has_output() || there.has_output()) {
      deliver(pull(here), there, piece);
      deliver(pull(there), here, piece);
    }
  }

  void deliver(std::string_view bytes, link_state& to, std::size_t piece = ~std::size_t{0}) {
    while (!bytes.empty()) {
      const std::string part{bytes.substr(0, piece)};
      bytes.remove_prefix(part.size());
      to.on_bytes(part, now);
    }
  }

  static std::vector<link_event> events(link_state& of) { return std::exchange(of.events(), {}); }

  static std::string kinds(const std::vector<link_event>& events) {
    static constexpr const char* names[] = {"opened",  "called", "abandoned", "answered",
                                            "not_run", "lost",   "draining",  "closed"};
    std::string out;
    for (const auto& event : events)
      out.append(names[static_cast<std::size_t>(event.kind)]).append(" ");
    return out;
  }

  std::uint64_t call(std::string_view body = "body", milliseconds budget = milliseconds{10'000}) {
    const auto id = here.call(link_topic::invoke, buffer{"head"}, buffer{body}, now + budget, now);
    EXPECT_TRUE(id) << id.error().what;
    return id.value_or(0);
  }

  /// The one call that `there` was told of.
  link_event called() {
    auto seen = events(there);
    EXPECT_EQ(kinds(seen), "called ");
    return seen.size() == 1 ? std::move(seen.front()) : link_event{};
  }

  time_point now{std::chrono::hours{1}};
  link_state here{hello_of("here"), {}, now};
  link_state there{hello_of("there"), hello_of("here"), {}, now};
};

}  // namespace troupe::cluster
