// A store of several nodes in one process, and what tests ask of it.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/cluster/store_network.hpp"

namespace troupe::cluster {

struct store_cluster_test : testing::Test {
  store_network net;

  /// A primary a, and these as copies that are level with it.
  void found(std::initializer_list<const char*> joiners) {
    net.add("a", false);
    net.settle();
    for (const auto* name : joiners) {
      net.add(name, true);
      net.settle();
    }
    net.pass(milliseconds{600});
  }
  store_answer put(const std::string& at, const std::string& name) {
    return net.answer(at, commit_call{{{}, {{"function/" + name, "1", false}}, make_fast_uuid()}});
  }
  static bool done(const store_answer& answer) { return std::holds_alternative<committed>(answer); }
  static std::string why(const store_answer& answer) {
    const auto* refusal = std::get_if<refused>(&answer);
    return refusal == nullptr ? "" : refusal->why.what;
  }
};

}  // namespace troupe::cluster
