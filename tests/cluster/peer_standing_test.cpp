#include "cluster/peer_standing.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

class PeerStandingTest : public ::testing::Test {
protected:
  PeerStandingTest() {
    table.set_nodes({{id(1), "self", {"127.0.0.1", 1}, true, id(1)}, {id(2), "peer", {"127.0.0.1", 2}, true, id(2)}},
                    now);
    table.opened(id(2), 0, now);
    load.functions[id(9)] = {id(9), 3, 1, 40, 5};
  }
  peer_standings_ptr standings() {
    return make_standings(
        table, [this](const uuid& node) { return node == id(2) ? &load : nullptr; }, [](const uuid&) { return 4u; });
  }

  time_point now{1h};
  member_table table{id(1), 1, {}};
  known_load load;
};

}  // namespace

TEST_F(PeerStandingTest, SaysWhatAPeerToldOfItsInstances) {
  const auto made = standings();
  ASSERT_EQ(made->peers.size(), 1u);
  EXPECT_EQ(made->homes, (std::vector{id(1), id(2)}));

  const auto view = view_of(made->peers.front(), id(9), true, 7);

  EXPECT_EQ(view.node, id(2));
  EXPECT_TRUE(view.usable);
  EXPECT_EQ(view.slots, 12u);
  EXPECT_EQ(view.in_flight, 5u);
  EXPECT_EQ(view.outstanding, 7u);
  EXPECT_EQ(view.queue_age, 40ms);
}

TEST_F(PeerStandingTest, APeerWithoutALinkThatTakesCallsIsOfNoUse) {
  EXPECT_FALSE(view_of(standings()->peers.front(), id(9), false, 0).usable);
}

TEST_F(PeerStandingTest, ASuspectDrainingOrStalledPeerIsOfNoUse) {
  for (const auto state : {serving_state::draining, serving_state::stalled}) {
    table.set_state(id(2), state);
    EXPECT_FALSE(standings()->peers.front().usable);
  }
  table.set_state(id(2), serving_state::serving);
  EXPECT_TRUE(standings()->peers.front().usable);

  table.link_changed(id(2), 0, link_phase::broken, link_break::refused, now);

  EXPECT_FALSE(standings()->peers.front().usable);
}

TEST_F(PeerStandingTest, AFunctionThatThePeerDidNotTellOfHasNoSlotsThere) {
  EXPECT_EQ(view_of(standings()->peers.front(), id(8), true, 0).slots, 0u);
}
