// Sessions at the primary: what the simulator (tests/sim) found, each as a case of its own.
#include <gtest/gtest.h>

#include <map>

#include "cluster/store_node.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// A primary without copies whose disk never waits.
struct StoreSessionTest : testing::Test {
  store_now now{time_point{} + 1'000s, 5'000ms};
  std::optional<store_node> primary;
  std::map<std::uint64_t, store_answer> answers;
  std::uint64_t asked = 0;
  node_record self;

  void SetUp() override {
    self.id = make_fast_uuid();
    self.name = "a";
    self.addresses = {"a:7000"};
    store_node_options options;
    options.self = self;
    options.incarnation = make_fast_uuid();
    auto made = store_node::make(options, stored_store{{make_fast_uuid(), {1, 7}, {}, {}}, {}}, now);
    ASSERT_TRUE(made);
    primary = std::move(*made);
    carry_out(primary->start(now));
    pass(100ms);
  }
  void carry_out(store_actions actions) {
    for (auto& each : actions) {
      if (auto* rows = std::get_if<persist_rows>(&each))
        carry_out(primary->persisted(rows->number, now));
      else if (auto* given = std::get_if<answer_call>(&each))
        answers.insert_or_assign(given->number, std::move(given->answer));
    }
  }
  void pass(milliseconds span) {
    for (milliseconds passed{0}; passed < span; passed += 100ms) {
      now.steady += 100ms;
      now.boot += 100ms;
      carry_out(primary->tick(now));
    }
  }
  std::uint64_t ask(store_call call, milliseconds wait) {
    carry_out(primary->call(++asked, std::move(call), now.steady + wait, now));
    return asked;
  }
  open_session_call open(session_id session, uuid incarnation) {
    return {session, self.id, incarnation, "a:7000", 2'000ms};
  }
  bool granted(std::uint64_t call) {
    return answers.contains(call) && std::holds_alternative<session_granted>(answers[call]);
  }
};

}  // namespace

TEST_F(StoreSessionTest, ASessionThatIsGrantedOnceMoreHasItsFullTimeFromThen) {
  const auto session = make_fast_uuid();
  const auto incarnation = make_fast_uuid();
  ASSERT_TRUE(granted(ask(open(session, incarnation), 300ms)));
  pass(1'500ms);

  // The first answer was lost: the node asks again, and counts its time from here.
  ASSERT_TRUE(granted(ask(open(session, incarnation), 300ms)));
  pass(1'500ms);

  EXPECT_EQ(primary->status(now).sessions, 1u);
  pass(600ms);
  EXPECT_EQ(primary->status(now).sessions, 0u);
}

TEST_F(StoreSessionTest, WhoWaitsForAnOlderIncarnationIsAnsweredByTheDeadlineAndLetInAtTheNextTry) {
  const auto newer = make_fast_uuid();
  ASSERT_TRUE(granted(ask(open(make_fast_uuid(), make_fast_uuid()), 300ms)));

  // Nobody answers for the older one, which is known only after a second; each try waits a third of it.
  const auto session = make_fast_uuid();
  const auto first = ask(open(session, newer), 300ms);
  EXPECT_FALSE(answers.contains(first));
  pass(400ms);
  ASSERT_TRUE(answers.contains(first));
  EXPECT_EQ(std::get<refused>(answers[first]).why.code, errc::unavailable);
  pass(700ms);

  EXPECT_TRUE(granted(ask(open(session, newer), 300ms)));
}
