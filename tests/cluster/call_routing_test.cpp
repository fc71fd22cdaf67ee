#include "cluster/call_routing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <vector>

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

const uuid self = id(1);

peer_view peer(std::uint8_t n, std::uint32_t slots, std::uint32_t busy) {
  return {id(n), true, slots, busy, 0, {}};
}

local_view idle_here() {
  return {true, true, true, false, {}};
}
local_view nothing_here() {
  return {true, false, false, false, {}};
}
local_view busy_here(duration age) {
  return {true, false, true, false, age};
}

call_route route(const local_view& here, const std::vector<peer_view>& peers, const uuid& home = self,
                 const std::vector<uuid>& tried = {}, std::uint64_t random = 0) {
  // Of one node it is the home, whatever the function.
  return route_call(here, peers, {self, {&home, 1}}, self, tried, random);
}

TEST(HomeTest, IsTheSameInWhateverOrderTheNodesAreKnown) {
  std::vector<uuid> nodes{id(1), id(2), id(3), id(4), id(5)};
  const auto function = make_uuid();
  const auto home = home_of(function, nodes);

  for (int i = 0; i < 20; ++i) {
    std::ranges::shuffle(nodes, std::mt19937{static_cast<unsigned>(i)});
    EXPECT_EQ(home_of(function, nodes), home);
  }
}

TEST(HomeTest, MovesOnlyTheFunctionsOfTheNodeThatLeft) {
  const std::vector<uuid> five{id(1), id(2), id(3), id(4), id(5)};
  const std::vector<uuid> four{id(1), id(2), id(3), id(4)};
  for (int i = 0; i < 500; ++i) {
    const auto function = make_fast_uuid();
    if (const auto before = home_of(function, five); before != id(5)) {
      EXPECT_EQ(home_of(function, four), before);
    }
  }
}

TEST(HomeTest, SpreadsFunctionsEvenly) {
  const std::vector<uuid> nodes{id(1), id(2), id(3), id(4)};
  std::map<uuid, int> homes;
  for (int i = 0; i < 4000; ++i) {
    uuid function;
    function.bytes[0] = static_cast<std::uint8_t>(i);
    function.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    ++homes[home_of(function, nodes)];
  }

  for (const auto& node : nodes) {
    EXPECT_GT(homes[node], 850);
    EXPECT_LT(homes[node], 1150);
  }
}

TEST(HomeTest, OfNobodyIsNobody) {
  EXPECT_EQ(home_of(make_uuid(), {}), uuid{});
}

TEST(RouteCallTest, StaysHereWhileAnInstanceHereIsFree) {
  EXPECT_EQ(route(idle_here(), {peer(2, 8, 0)}).place, call_place::here);
}

TEST(RouteCallTest, WaitsHereForAShortWhileBeforeItHopsToAFreePeer) {
  EXPECT_EQ(route(busy_here(9ms), {peer(2, 8, 0)}).place, call_place::here);

  const auto later = route(busy_here(10ms), {peer(2, 8, 0)});

  EXPECT_EQ(later.place, call_place::peer);
  EXPECT_EQ(later.node, id(2));
}

TEST(RouteCallTest, WaitsHereWhenThePeersAreBusyToo) {
  EXPECT_EQ(route(busy_here(500ms), {peer(2, 8, 8)}).place, call_place::here);
}

TEST(RouteCallTest, GoesWhereInstancesRunWhenNoneRunsHere) {
  const auto found = route(nothing_here(), {peer(2, 0, 0), peer(3, 1, 0)}, id(2));

  EXPECT_EQ(found.place, call_place::peer);
  EXPECT_EQ(found.node, id(3));
}

TEST(RouteCallTest, WaitsAtABusyPeerRatherThanStartingAnotherHere) {
  EXPECT_EQ(route(nothing_here(), {peer(3, 1, 1)}).node, id(3));
}

TEST(RouteCallTest, TakesTheBetterOfTwoPeersThatAreDrawn) {
  std::map<uuid, int> taken;
  std::mt19937_64 random{7};
  for (int i = 0; i < 1000; ++i)
    ++taken[route(nothing_here(), {peer(2, 8, 7), peer(3, 8, 1), peer(4, 8, 4)}, self, {}, random()).node];

  EXPECT_EQ(taken[id(2)], 0) << "whatever it is drawn with is better";
  EXPECT_GT(taken[id(3)], taken[id(4)]);
  EXPECT_GT(taken[id(4)], 200) << "drawn with the worst third of the time";
}

TEST(RouteCallTest, CountsItsOwnCallsThatThePeerHasNotReportedYet) {
  auto reported_free = peer(2, 8, 0);
  reported_free.outstanding = 8;
  for (const std::uint64_t random : {0ull, 1ull, ~0ull})
    EXPECT_EQ(route(nothing_here(), {reported_free, peer(3, 8, 2)}, self, {}, random).node, id(3));
}

TEST(RouteCallTest, FromNothingTheHomeStartsTheFirstInstance) {
  EXPECT_EQ(route(nothing_here(), {peer(2, 0, 0), peer(3, 0, 0)}, id(3)).node, id(3));
  EXPECT_EQ(route(nothing_here(), {peer(2, 0, 0)}, self).place, call_place::here);
}

TEST(RouteCallTest, StartsHereWhenTheHomeCannotBeReached) {
  auto suspected = peer(3, 0, 0);
  suspected.usable = false;
  EXPECT_EQ(route(nothing_here(), {suspected}, id(3)).place, call_place::here);
}

TEST(RouteCallTest, AsksNobodyTwice) {
  EXPECT_EQ(route(nothing_here(), {peer(2, 4, 0), peer(3, 4, 3)}, self, {id(2)}).node, id(3));
  EXPECT_EQ(route(nothing_here(), {peer(2, 4, 0)}, id(2), {id(2)}).place, call_place::here);
}

TEST(RouteCallTest, AFullQueueGoesToAnyPeerThatRunsTheFunctionAndElseIsRefused) {
  local_view full{true, false, true, true, 1s};

  EXPECT_EQ(route(full, {peer(2, 4, 4)}).node, id(2));
  EXPECT_EQ(route(full, {}).place, call_place::nowhere);
  EXPECT_EQ(route(full, {peer(2, 0, 0)}, id(2)).place, call_place::nowhere);
}

TEST(RouteCallTest, AFunctionThatCannotRunHereGoesToAnyPeer) {
  const local_view cannot{};
  EXPECT_EQ(route(cannot, {peer(2, 0, 0)}).node, id(2));
  EXPECT_EQ(route(cannot, {}).place, call_place::nowhere);
}

peer_view starting_peer(std::uint8_t n) {
  auto made = peer(n, 0, 0);
  made.starting = true;
  return made;
}

local_view limited_here(bool may_start) {
  auto here = nothing_here();
  here.limited = true;
  here.may_start = may_start;
  return here;
}

TEST(RouteCallTest, GoesWhereAnInstanceIsStartingRatherThanToTheHome) {
  EXPECT_EQ(route(nothing_here(), {peer(2, 0, 0), starting_peer(3)}, id(2)).node, id(3));
  EXPECT_EQ(route(nothing_here(), {peer(2, 4, 4), starting_peer(3)}, id(2)).node, id(2)) << "one that runs is better";
  auto soon = nothing_here();
  soon.starting = true;
  EXPECT_EQ(route(soon, {starting_peer(3)}, id(2)).place, call_place::here);
}

TEST(RouteCallTest, ALimitedFunctionThatNobodyRunsIsStartedByItsHome) {
  EXPECT_EQ(route(limited_here(false), {peer(2, 0, 0)}, id(2)).node, id(2));
  EXPECT_EQ(route(limited_here(false), {peer(2, 0, 0)}, self).place, call_place::here) << "its band is on its way";
}

TEST(RouteCallTest, WhatThoseThatRunALimitedFunctionRefuseGoesOnlyWhereTheMaximumLeavesRoom) {
  auto home = peer(3, 0, 0);
  EXPECT_EQ(route(limited_here(false), {peer(2, 1, 1), home}, id(3), {id(2)}).place, call_place::nowhere);
  EXPECT_EQ(route(limited_here(true), {peer(2, 1, 1), home}, id(3), {id(2)}).place, call_place::here);
  home.may_start = true;
  EXPECT_EQ(route(limited_here(true), {peer(2, 1, 1), home}, id(3), {id(2)}).node, id(3));
  EXPECT_EQ(route(nothing_here(), {peer(2, 1, 1)}, self, {id(2)}).place, call_place::here) << "it has no maximum";
}

TEST(RouteCallTest, InstancesOfASuspectedPeerKeepNobodyFromStarting) {
  auto suspected = peer(2, 1, 0);
  suspected.usable = false;
  EXPECT_EQ(route(limited_here(false), {suspected, peer(3, 0, 0)}, id(3)).node, id(3));
}

TEST(RetryTest, OnlyCallsThatCertainlyDidNotRunAreTriedAgain) {
  const time_point now{10s};
  EXPECT_TRUE(may_retry(try_result::not_run, 0, now, now + 1s, false));
  EXPECT_TRUE(may_retry(try_result::not_run, 1, now, now + 1s, false));
  EXPECT_FALSE(may_retry(try_result::not_run, 2, now, now + 1s, false)) << "two retries at most";
  EXPECT_FALSE(may_retry(try_result::not_run, 0, now, now, false)) << "nobody waits any more";
  EXPECT_FALSE(may_retry(try_result::unknown, 0, now, now + 1s, false));
  EXPECT_TRUE(may_retry(try_result::unknown, 0, now, now + 1s, true)) << "deployed as idempotent";
}

TEST(RetryTest, TellsRefusalsFromResultsOfARun) {
  for (const auto code : {errc::overloaded, errc::no_capacity, errc::draining, errc::not_ready, errc::breaker_open})
    EXPECT_TRUE(means_not_run(code));
  for (const auto code : {errc::function_error, errc::function_timeout, errc::function_crashed, errc::init_failed,
                          errc::malformed_answer, errc::no_such_function})
    EXPECT_FALSE(means_not_run(code));
}

}  // namespace
}  // namespace troupe::cluster
