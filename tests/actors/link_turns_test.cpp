// How many calls of one peer run before the others of the loop have their turn.
#include <algorithm>
#include <atomic>

#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

namespace {

/// Runs each call for 100 us as an inline function does, and notes in which batch of the loop that was.
class busy_service final : public link_service, private batch_listener {
public:
  explicit busy_service(event_loop& loop) : loop_{loop} {}

  void serve(incoming_call_ptr call) override {
    if (bodies.empty() && at_first)
      at_first();
    if (!std::exchange(counts_, true))
      loop_.at_batch_end(*this);
    ++in_batch_;
    bodies.emplace_back(call->body.view());
    for (const auto end = clock::now() + 100us; clock::now() < end;) {
    }
    call->answer({}, std::move(call->body));
  }

  std::function<void()> at_first;
  std::vector<std::string> bodies;
  std::size_t most_in_batch = 0;
  std::size_t batches = 0;

private:
  void on_batch_end() override {
    counts_ = false;
    ++batches;
    most_in_batch = std::max(most_in_batch, std::exchange(in_batch_, 0));
  }

  event_loop& loop_;
  std::size_t in_batch_ = 0;
  bool counts_ = false;
};

class LinkTurnsTest : public LinkTest {
protected:
  static constexpr int count = 200;

  LinkTurnsTest() { services.offer(link_topic::invoke, busy); }
  ~LinkTurnsTest() override { services.withdraw(link_topic::invoke); }

  /// All of them leave in one batch.
  void call_all(node_link& link) {
    on(here, [&] {
      for (int i = 0; i < count; ++i)
        EXPECT_TRUE(link.call(link_topic::invoke, {}, buffer{std::to_string(i)}, here.now() + patience,
                              [this](call_result result) { results.put(std::move(result)); }));
    });
  }

  busy_service busy{there};
};

}  // namespace

TEST_F(LinkTurnsTest, ALongRowOfCallsLeavesTheLoopToOthersInBetween) {
  auto& link = connect();

  call_all(link);

  for (int i = 0; i < count; ++i) {
    auto result = results.take();
    ASSERT_TRUE(std::holds_alternative<call_answered>(result)) << i;
    EXPECT_EQ(std::get<call_answered>(result).body.view(), std::to_string(i)) << "answers in the order of the calls";
  }
  on(there, [&] {
    ASSERT_EQ(busy.bodies.size(), std::size_t{count});
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(busy.bodies[static_cast<std::size_t>(i)], std::to_string(i));
    // One turn when the bytes come and one at the end of that batch.
    EXPECT_LE(busy.most_in_batch, 32u);
  });
}

TEST_F(LinkTurnsTest, CallsThatWaitForTheirTurnWhenTheLinkEndsDoNotRun) {
  auto& link = connect();
  busy.at_first = [&] { there.post([&] { server->close(); }); };

  call_all(link);

  int lost = 0;
  for (int i = 0; i < count; ++i)
    lost += std::holds_alternative<call_lost>(results.take());
  EXPECT_GE(lost, count - 64);
  on(there, [&] {
    EXPECT_LE(busy.bodies.size(), 64u);
    EXPECT_EQ(server->calls(), 0u);
  });
}

TEST_F(LinkTurnsTest, CallsThatWaitForTheirTurnWhileTheLoopSleepsAreStale) {
  auto& link = connect();
  // What the loop is told to do in the batch in which it reads them runs in the next.
  busy.at_first = [&] {
    there.post([] {
      for (const auto end = clock::now() + 1'300ms; clock::now() < end;) {
      }
    });
  };

  call_all(link);

  int answered = 0;
  int stale = 0;
  for (int i = 0; i < count; ++i) {
    auto result = results.take();
    answered += std::holds_alternative<call_answered>(result);
    const auto* refused = std::get_if<call_not_run>(&result);
    stale += refused != nullptr && refused->code == errc::stale;
  }
  EXPECT_EQ(answered + stale, count);
  EXPECT_GE(stale, count - 64);
  on(there, [&] { EXPECT_EQ(busy.bodies.size(), static_cast<std::size_t>(answered)); });
}
