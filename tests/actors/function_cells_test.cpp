#include "actors/function_cells.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "actors/function_load.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

std::uint64_t sum(const std::array<counter_cell, errc_count>& cells) {
  return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0},
                         [](std::uint64_t all, const counter_cell& each) { return all + each.value(); });
}

TEST(FunctionCells, CountWhatBecameOfEachCallAndHowLongItTook) {
  function_cells cells;
  functions::outcome good;
  good.value = functions::native_response{};
  good.queued = good.started = milliseconds{40};
  good.ran = milliseconds{3};
  cells.settle(good);
  cells.settle(*functions::make_failure(errc::function_timeout, "too long"));

  EXPECT_EQ(cells.succeeded.value(), 1u);
  EXPECT_EQ(cells.failures[static_cast<std::size_t>(errc::function_timeout)].value(), 1u);
  EXPECT_EQ(sum(cells.failures), 1u);
  EXPECT_EQ(cells.cold_starts.value(), 1u);
  duration_histogram::totals ran;
  cells.ran.add_to(ran);
  EXPECT_EQ(ran.count(), 2u);
  EXPECT_NEAR(ran.sum_s, 0.003, 1e-9);
}

TEST(FunctionCells, CountARefusalAsNoCallThatRan) {
  function_cells cells;
  cells.refuse(errc::overloaded);
  EXPECT_EQ(sum(cells.refusals), 1u);
  EXPECT_EQ(sum(cells.failures) + cells.succeeded.value(), 0u);
  duration_histogram::totals ran;
  cells.ran.add_to(ran);
  EXPECT_EQ(ran.count(), 0u);
}

class WorkerSlotsTest : public ::testing::Test {
protected:
  std::uint32_t busy() const { return load->per_loop[0].busy; }

  std::shared_ptr<function_load> load = std::make_shared<function_load>(1);
  worker_slots slots{3, load, 0};
  time_point now{seconds{1}};
};

TEST_F(WorkerSlotsTest, AnInstanceIsBusyOnceHoweverManyCallsItHas) {
  slots.open();
  slots.take(now);
  slots.take(now);
  EXPECT_EQ(busy(), 1u);
  slots.give_back(now);
  EXPECT_EQ(busy(), 1u);
  slots.give_back(now);
  EXPECT_EQ(busy(), 0u);
}

TEST_F(WorkerSlotsTest, OneThatTakesNoMoreCallsIsBusyNoMoreAlthoughItHasSome) {
  slots.open();
  slots.take(now);
  slots.retire();
  slots.retire();
  EXPECT_EQ(busy(), 0u);
  slots.give_back(now);
  EXPECT_EQ(busy(), 0u);
}

TEST_F(WorkerSlotsTest, ItsBusyTimeIsThatWithAtLeastOneCall) {
  slots.open();
  slots.take(now);
  slots.take(now + milliseconds{10});
  slots.give_back(now + milliseconds{20});
  EXPECT_EQ(slots.busy_time(now + milliseconds{25}), milliseconds{25});
  slots.give_back(now + milliseconds{30});
  slots.take(now + milliseconds{100});

  EXPECT_EQ(slots.busy_time(now + milliseconds{105}), milliseconds{35});
}

TEST_F(WorkerSlotsTest, WhatInstancesDidCountsOnlyWhereSomeAre) {
  slots.worked({milliseconds{10}, milliseconds{5}, milliseconds{1}});
  EXPECT_EQ(load->work().busy, duration{});
  load->per_loop[0].workers = 1;

  const auto work = load->work();

  EXPECT_EQ(work.busy, milliseconds{10});
  EXPECT_EQ(work.ran, milliseconds{5});
  EXPECT_EQ(work.starved, milliseconds{1});
}

}  // namespace
