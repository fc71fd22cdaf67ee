#include "actors/pending_requests.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::actors;

namespace {

class PendingRequestsTest : public ::testing::Test {
protected:
  std::uint64_t add(const uuid& node, time_point deadline) {
    return requests.add(node, deadline, [this](const expected<cluster::event_page>& result) {
      ++ended;
      last = result ? std::optional<errc>{} : result.error().code;
    });
  }

  pending_requests requests;
  const uuid one = make_fast_uuid();
  const uuid other = make_fast_uuid();
  const time_point now{seconds{1'000}};
  int ended = 0;
  std::optional<errc> last;
};

}  // namespace

TEST_F(PendingRequestsTest, AnAnswerEndsItsRequestOnce) {
  const auto request = add(one, now + seconds{1});

  EXPECT_TRUE(requests.settle(one, request, cluster::event_page{}));
  EXPECT_FALSE(requests.settle(one, request, cluster::event_page{}));
  requests.expire(now + seconds{2});

  EXPECT_EQ(ended, 1);
  EXPECT_FALSE(last.has_value());
}

TEST_F(PendingRequestsTest, OnlyTheNodeThatWasAskedMayAnswer) {
  const auto request = add(one, now + seconds{1});

  EXPECT_FALSE(requests.settle(other, request, cluster::event_page{}));
  EXPECT_EQ(ended, 0);
}

TEST_F(PendingRequestsTest, WhatIsTooLateFails) {
  add(one, now + seconds{1});
  add(one, now + seconds{3});

  requests.expire(now + seconds{1});

  EXPECT_EQ(ended, 1);
  EXPECT_EQ(last, errc::budget_spent);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests.unanswered(), 1u);
}

TEST_F(PendingRequestsTest, ALostNodeEndsItsOwnRequestsOnly) {
  add(one, now + seconds{1});
  add(one, now + seconds{1});
  const auto kept = add(other, now + seconds{1});

  requests.fail_all(one, {errc::unknown_outcome, "lost"});

  EXPECT_EQ(ended, 2);
  EXPECT_EQ(last, errc::unknown_outcome);
  EXPECT_TRUE(requests.settle(other, kept, cluster::event_page{}));
}

TEST_F(PendingRequestsTest, AContinuationMayAskAgain) {
  requests.add(one, now, [this](const auto&) { add(other, now); });

  requests.expire(now);

  EXPECT_EQ(ended, 0);
  EXPECT_EQ(requests.size(), 1u);
  requests.expire(now);
  EXPECT_EQ(ended, 1);
}

TEST_F(PendingRequestsTest, ThereIsALimit) {
  for (std::size_t i = 0; i < pending_requests::max_requests; ++i)
    ASSERT_NE(add(one, now), 0u);

  EXPECT_EQ(add(one, now), 0u);
  EXPECT_EQ(ended, 0);

  requests.fail_all({errc::unavailable, "down"});
  EXPECT_EQ(ended, static_cast<int>(pending_requests::max_requests));
  const auto request = add(one, now);
  ASSERT_NE(request, 0u);
  requests.withdraw(request);
  EXPECT_EQ(requests.size(), 0u);
}
