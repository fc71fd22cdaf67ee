#include "actors/control_plane.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "tests/support/control_plane_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using tests::control_node;
using tests::ordered_id;
using tests::patience;

namespace {

class ControlPlaneTest : public tests::ControlPlaneFixture {
protected:
  /// Asks `a` to have a function run at node `b` and waits for the end of that.
  static expected<void> spawn(control_node& a, const uuid& b, milliseconds within = patience) {
    std::promise<expected<void>> ended;
    a.on_loop([&] {
      a.plane->spawn_supervisor(b, {0, make_uuid(), 3, 5, {1, 4}}, clock::now() + within,
                                [&](expected<void> result) { ended.set_value(std::move(result)); });
    });
    auto future = ended.get_future();
    if (future.wait_for(patience) != std::future_status::ready)
      return fail(errc::bug, "it never ended");
    return future.get();
  }
};

}  // namespace

TEST_F(ControlPlaneTest, TwoNodesTellEachOtherTheirLoad) {
  control_node a{identity(1)}, b{identity(2)};
  a.in_flight = 11;
  b.in_flight = 22;

  introduce({&a, &b});

  EXPECT_TRUE(a.sees(b.self.node));
  EXPECT_TRUE(b.sees(a.self.node));
  EXPECT_TRUE(a.knows_load(b.self.node, 22));
  EXPECT_TRUE(b.knows_load(a.self.node, 11));
  a.in_flight = 33;
  EXPECT_TRUE(b.knows_load(a.self.node, 33));
}

TEST_F(ControlPlaneTest, ThreeNodesThatLearnOfEachOtherAtOnceAllMeetOnce) {
  control_node a{identity(1)}, b{identity(2)}, c{identity(3)};

  introduce({&c, &a, &b});

  for (auto* each : {&a, &b, &c})
    for (auto* other : {&a, &b, &c})
      if (each != other) {
        EXPECT_TRUE(each->sees(other->self.node));
      }
  for (auto* each : {&a, &b, &c})
    for (auto* other : {&a, &b, &c})
      each->said.change([&] { EXPECT_EQ(each->lost[other->self.node], 0); });
}

TEST_F(ControlPlaneTest, AManyFunctionedNodeTellsThemInSeveralEnvelopes) {
  control_node a{identity(1)}, b{identity(2)};
  b.functions = cluster::load_reporter::max_entries * 2 + 5;
  introduce({&a, &b});

  EXPECT_TRUE(
      a.said.wait([&] { return a.known_functions[b.self.node] == cluster::load_reporter::max_entries * 2 + 5; }));
}

TEST_F(ControlPlaneTest, ANodeThatIsGoneIsLostAndItsRequestsEnd) {
  control_node a{identity(1)};
  auto b = std::make_unique<control_node>(identity(2));
  b->spawner = [](const uuid&, const spawn_request&, auto) {};  // never answers
  introduce({&a, b.get()});
  ASSERT_TRUE(a.sees(b->self.node));
  std::promise<expected<void>> ended;
  a.on_loop([&] {
    a.plane->spawn_supervisor(b->self.node, {0, make_uuid(), 1}, clock::now() + patience * 2,
                              [&](expected<void> result) { ended.set_value(std::move(result)); });
  });
  const auto gone = b->self.node;

  b.reset();

  EXPECT_TRUE(a.has_lost(gone));
  auto future = ended.get_future();
  ASSERT_EQ(future.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(future.get().error().code, errc::unknown_outcome);
  EXPECT_EQ(spawn(a, gone).error().code, errc::unavailable);
}

TEST_F(ControlPlaneTest, ARestartAtTheSameAddressIsANewPeer) {
  control_node a{identity(1)};
  auto b = std::make_unique<control_node>(identity(2));
  b->in_flight = 1;
  introduce({&a, b.get()});
  ASSERT_TRUE(a.knows_load(b->self.node, 1));
  auto again = b->self;
  again.incarnation = make_uuid();
  auto options = control_node::quick();
  options.listen = b->address;
  b.reset();
  ASSERT_TRUE(a.has_lost(again.node));

  control_node restarted{again, options};
  restarted.in_flight = 2;
  restarted.know({a.as_peer()});
  EXPECT_TRUE(a.was_refused("another incarnation")) << "until the list says so";
  a.said.change([&] { EXPECT_EQ(a.connected[again.node], 1); });
  a.know({restarted.as_peer()});

  EXPECT_TRUE(a.knows_load(again.node, 2));
  EXPECT_TRUE(restarted.sees(a.self.node));
  restarted.spawner = [](const uuid&, const spawn_request&, auto reply) { reply({}); };
  EXPECT_TRUE(spawn(a, again.node).has_value());
}

TEST_F(ControlPlaneTest, ARequestEndsAtItsDeadline) {
  control_node a{identity(1)}, b{identity(2)};
  b.spawner = [](const uuid&, const spawn_request&, auto) {};
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));

  EXPECT_EQ(spawn(a, b.self.node, milliseconds{50}).error().code, errc::budget_spent);

  a.said.change([&] { EXPECT_EQ(a.lost[b.self.node], 0) << "a late answer is no lost contact"; });
}

TEST_F(ControlPlaneTest, ASupervisorIsAskedForWithItsBand) {
  control_node a{identity(1)}, b{identity(2)};
  uuid asked_by;
  spawn_request asked;
  b.spawner = [&](const uuid& from, const spawn_request& what, auto reply) {
    asked_by = from;
    asked = what;
    reply({});
  };
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));

  EXPECT_TRUE(spawn(a, b.self.node).has_value());
  EXPECT_EQ(asked_by, a.self.node);
  EXPECT_EQ(asked.version, 3u);
  EXPECT_EQ(asked.number, 5u);
  EXPECT_EQ(asked.band, (cluster::instance_band{1, 4}));

  b.on_loop([&] {
    b.spawner = [](const uuid&, const spawn_request&, auto reply) { reply(fail(errc::no_capacity, "no memory left")); };
  });
  const auto refused = spawn(a, b.self.node);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::no_capacity);
  EXPECT_EQ(refused.error().what, "no memory left");
}

TEST_F(ControlPlaneTest, TheWayAFunctionStartedIsTold) {
  control_node a{identity(1)}, b{identity(2)};
  introduce({&a, &b});
  ASSERT_TRUE(b.sees(a.self.node));
  const function_report started{make_uuid(), 3, 0, ""};
  const function_report failed{make_uuid(), 4, static_cast<std::uint8_t>(errc::init_failed), "SyntaxError"};

  b.on_loop([&] {
    EXPECT_TRUE(b.plane->report_function(a.self.node, started));
    EXPECT_TRUE(b.plane->report_function(a.self.node, failed));
  });

  EXPECT_TRUE(a.said.wait([&] { return a.reports.size() == 2; }));
  EXPECT_EQ(a.reports[0], started);
  EXPECT_EQ(a.reports[1], failed);
}

TEST_F(ControlPlaneTest, AChangeOfLoadThatMattersIsToldBeforeTheNextReport) {
  auto options = control_node::quick();
  options.status_interval = patience * 10;
  control_node a{identity(1), options}, b{identity(2), options};
  b.in_flight = 1;
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));
  b.on_loop([&] { b.plane->load_moved(); });
  ASSERT_TRUE(a.knows_load(b.self.node, 1));

  b.in_flight = 2;
  b.on_loop([&] {
    for (int i = 0; i < 100; ++i)
      b.plane->load_moved();
  });

  EXPECT_TRUE(a.knows_load(b.self.node, 2));
  a.said.change([&] { EXPECT_LE(a.load_reports[b.self.node], 6) << "not one for each change"; });
}

TEST_F(ControlPlaneTest, RecentEventsAreReadPageByPage) {
  control_node a{identity(1)}, b{identity(2)};
  for (std::uint64_t i = 1; i <= 200; ++i)
    b.events.push_back({i, 1'000 + static_cast<std::int64_t>(i), "member_joined", std::string(900, 'x')});
  introduce({&a, &b});
  ASSERT_TRUE(b.sees(a.self.node));
  ASSERT_TRUE(a.sees(b.self.node));

  const auto function = make_fast_uuid();
  std::uint64_t after = 0;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    std::promise<expected<cluster::event_page>> ended;
    a.on_loop([&] {
      a.plane->ask_events(b.self.node, function, after, 150, clock::now() + patience,
                          [&](expected<cluster::event_page> page) { ended.set_value(std::move(page)); });
    });
    auto future = ended.get_future();
    ASSERT_EQ(future.wait_for(patience), std::future_status::ready);
    const auto page = future.get();
    ASSERT_TRUE(page.has_value()) << page.error().what;
    ASSERT_FALSE(page->events.empty());
    EXPECT_EQ(page->events.front(), b.events[after]);
    after = page->events.back().sequence;
    more = page->more;
  }
  EXPECT_EQ(after, 200u);
  EXPECT_GT(pages, 2);
  b.on_loop([&] { EXPECT_EQ(b.asked_function, function); });
}

TEST_F(ControlPlaneTest, ADrainIsToldAtOnce) {
  control_node a{identity(1)}, b{identity(2)};
  introduce({&a, &b});
  ASSERT_TRUE(b.sees(a.self.node));
  ASSERT_TRUE(a.sees(b.self.node));

  b.on_loop([&] { b.plane->announce(cluster::serving_state::draining); });

  EXPECT_TRUE(a.said.wait([&] { return a.states[b.self.node] == cluster::serving_state::draining; }));
}

TEST_F(ControlPlaneTest, APeerThatLeavesTheListIsLostAndNotDialedAgain) {
  control_node a{identity(1)}, b{identity(2)};
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));
  ASSERT_TRUE(b.sees(a.self.node));

  a.know({});

  EXPECT_TRUE(a.has_lost(b.self.node));
  EXPECT_TRUE(b.has_lost(a.self.node));
  EXPECT_EQ(spawn(a, b.self.node).error().code, errc::unavailable);
}

TEST_F(ControlPlaneTest, AStartThatEndsAtOnceLeavesNothingBehind) {
  const auto who = identity(1);
  auto options = control_node::quick();
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open{"/proc/self/fd"};
    return std::distance(begin(open), end(open));
  };
  options.listen = control_node{who, options}.address;
  const auto before = descriptors();

  for (int round = 0; round < 20; ++round)
    control_node{who, options};

  EXPECT_EQ(descriptors(), before);
}

TEST_F(ControlPlaneTest, NodesComeAndGoWhileAPeerLivesOn) {
  control_node a{identity(1)};
  const auto who = identity(2);
  for (int round = 1; round <= 5; ++round) {
    auto self = who;
    self.incarnation = make_uuid();
    control_node b{self};
    introduce({&a, &b});
    ASSERT_TRUE(a.sees(self.node)) << round;
    ASSERT_TRUE(b.sees(a.self.node)) << round;
    b.end();
    ASSERT_TRUE(a.has_lost(self.node, round)) << round;
  }
}
