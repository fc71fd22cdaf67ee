#include "cluster/session.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct SessionTest : testing::Test {
  session_options options{make_fast_uuid(), make_fast_uuid(), "a:7000", 10s};
  session own{options};
  session_id fresh = make_fast_uuid();

  void open(milliseconds sent, milliseconds answered) {
    ASSERT_TRUE(own.due(sent, fresh));
    own.answered(session_granted{10s, {7}}, answered);
  }
};

}  // namespace

TEST_F(SessionTest, ItIsValidFromBeforeTheSendingForFourFifthsOfWhatWasGranted) {
  open(100s, 100'900ms);

  EXPECT_EQ(own.valid_until(), 108s);
  EXPECT_TRUE(own.valid(107'999ms));
  EXPECT_FALSE(own.valid(108s));
}

TEST_F(SessionTest, ItIsRenewedEverySixthOfItsTimeAndOneCallIsOutstandingAtMost) {
  open(100s, 100s);

  EXPECT_FALSE(own.due(101'600ms, {}));
  const auto renewal = own.due(101'700ms, {});
  ASSERT_TRUE(renewal);
  EXPECT_EQ(std::get<renew_call>(*renewal).session, fresh);
  EXPECT_FALSE(own.due(150s, {}));
  own.answered(session_granted{10s, {}}, 102s);
  EXPECT_EQ(own.valid_until(), 109'700ms);
}

TEST_F(SessionTest, AFailedRenewalIsTriedAgainAndDoesNotProlongIt) {
  open(100s, 100s);
  ASSERT_TRUE(own.due(102s, {}));
  own.answered(refused{{errc::unavailable, "away"}}, 103s);

  EXPECT_EQ(own.valid_until(), 108s);
  EXPECT_FALSE(own.due(103'050ms, {}));
  EXPECT_TRUE(own.due(103'100ms, {}));
  // Past its validity it is still renewed: a later good renewal resumes it.
  own.answered(refused{{errc::unavailable, "away"}}, 109s);
  ASSERT_TRUE(own.due(110s, {}));
  own.answered(session_granted{10s, {}}, 110s);
  EXPECT_TRUE(own.valid(111s));
  EXPECT_EQ(own.times_lost(), 0u);
}

TEST_F(SessionTest, AnOpenWithoutAnAnswerIsAskedAgainUnderTheSameId) {
  ASSERT_TRUE(own.due(100s, fresh));
  own.answered(refused{{errc::unknown_outcome, "?"}}, 101s);

  const auto again = own.due(102s, make_fast_uuid());

  EXPECT_EQ(std::get<open_session_call>(*again).session, fresh);
}

TEST_F(SessionTest, AnExpiredSessionIsOpenedAnewAndASupersededOneNever) {
  open(100s, 100s);
  ASSERT_TRUE(own.due(120s, {}));
  own.answered(no_session{session_end::expired}, 120s);
  EXPECT_FALSE(own.valid(120s));
  EXPECT_EQ(own.times_lost(), 1u);
  const auto second = make_fast_uuid();
  ASSERT_EQ(std::get<open_session_call>(*own.due(121s, second)).session, second);
  own.answered(session_granted{10s, {}}, 121s);

  ASSERT_TRUE(own.due(125s, {}));
  own.answered(no_session{session_end::superseded}, 125s);

  EXPECT_EQ(own.now(), session::state::superseded);
  EXPECT_FALSE(own.due(200s, make_fast_uuid()));
}

TEST_F(SessionTest, TheNewcomerGivesUpWhenTheOlderIncarnationAnswers) {
  ASSERT_TRUE(own.due(100s, fresh));
  own.answered(incarnation_alive{"a:7000"}, 100s);

  EXPECT_EQ(own.now(), session::state::rejected);
  EXPECT_FALSE(own.due(200s, fresh));
}

TEST_F(SessionTest, WhatAReplacedHistoryGrantedIsVoidAlsoWhenItsAnswerComesLater) {
  open(100s, 100s);
  ASSERT_TRUE(own.due(102s, {}));
  own.history_replaced();
  EXPECT_FALSE(own.valid(102s));

  own.answered(session_granted{10s, {}}, 103s);

  EXPECT_EQ(own.now(), session::state::closed);
  EXPECT_TRUE(std::holds_alternative<open_session_call>(*own.due(104s, make_fast_uuid())));
}

TEST_F(SessionTest, AnIdThatWasAskedForInVainForTwiceItsTimeGivesWayToAFreshOne) {
  ASSERT_TRUE(own.due(100s, fresh));
  own.answered(refused{{errc::unknown_outcome, "no answer"}}, 101s);
  const auto again = own.due(120s, make_fast_uuid());
  ASSERT_TRUE(again);
  EXPECT_EQ(std::get<open_session_call>(*again).session, fresh) << "an open whose answer was lost is not opened twice";
  own.answered(refused{{errc::unavailable, "away"}}, 120s);

  const auto another = make_fast_uuid();
  const auto late = own.due(121s, another);

  ASSERT_TRUE(late);
  EXPECT_EQ(std::get<open_session_call>(*late).session, another) << "the store may have forgotten the old id";
}
