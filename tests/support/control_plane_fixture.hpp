// Nodes of one cluster, for tests of their control planes.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "tests/support/control_node.hpp"

namespace troupe::tests {

class ControlPlaneFixture : public ::testing::Test {
protected:
  actors::node_identity identity(std::uint8_t number) const {
    return {cluster, ordered_id(number), "n" + std::to_string(number), make_uuid()};
  }
  /// Tells each of them of all.
  static void introduce(std::initializer_list<control_node*> nodes) {
    std::vector<cluster::peer_address> all;
    for (const auto* each : nodes)
      all.push_back(each->as_peer());
    for (auto* each : nodes)
      each->know(all);
  }
  /// Both hear of each other, and nothing is left of what the test did to them.
  static void still_serve(control_node& a, control_node& b) {
    introduce({&a, &b});
    ASSERT_TRUE(a.sees(b.self.node));
    const auto calls = ++b.in_flight;
    EXPECT_TRUE(a.knows_load(b.self.node, calls));
    EXPECT_EQ(a.system->registry().running(), 1u);
    EXPECT_EQ(b.system->registry().running(), 1u);
  }

  const uuid cluster = make_uuid();
};

}  // namespace troupe::tests
