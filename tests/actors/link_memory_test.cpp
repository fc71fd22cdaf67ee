// What becomes of calls between nodes when memory runs out while one is being made or served.
#include "tests/actors/link_fixture.hpp"
#include "tests/support/failing_memory.hpp"

namespace troupe::actors {
namespace {

using tests::failing_memory;

/// Has no memory for any call, nor for what is said of it.
struct starving_service final : link_service {
  void serve(incoming_call_ptr) override {
    memory.reset();
    memory.emplace(1);
    ++calls;
    throw std::bad_alloc{};
  }
  std::optional<failing_memory> memory;
  std::atomic<int> calls{0};
};

TEST_F(LinkTest, ANodeWithoutMemoryToSayWhatBecameOfACallClosesTheLinkAndGoesOn) {
  starving_service starving;
  services.offer(cluster::link_topic::invoke, starving);
  auto& link = connect();
  mailbox<int> ended;
  constexpr int count = 16;  // that many share a batch: what is said of them outgrows the memory that there was

  on(here, [&] {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(link.call(cluster::link_topic::invoke, buffer{"head"}, buffer{}, time_point::max(),
                            [&](call_result result) { ended.put(static_cast<int>(result.index())); }));
  });

  for (int i = 0; i < count; ++i)
    EXPECT_NE(ended.take(), 0);
  EXPECT_GT(starving.calls, 0);
  on(there, [&] { starving.memory.reset(); });
  services.offer(cluster::link_topic::invoke, echo);
}

TEST_F(LinkTest, ACallThatThrowsForWantOfMemoryIsNotSent) {
  auto& link = connect();
  mailbox<std::string> answered;
  bool failed = true;
  for (std::size_t nth = 1; failed; ++nth) {
    const auto text = "call " + std::to_string(nth) + " whose head is too long for a string without memory of its own";
    bool threw = false;
    on(here, [&] {
      buffer head{text};
      call_callback done = [&](call_result result) {
        if (auto* good = std::get_if<call_answered>(&result))
          answered.put(std::string{good->head.view()});
      };
      const failing_memory memory{nth};
      try {
        EXPECT_TRUE(link.call(cluster::link_topic::invoke, std::move(head), {}, time_point::max(), std::move(done)));
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      failed = memory.failed();
    });
    if (!threw) {
      EXPECT_EQ(answered.take(), text);  // and none of those before
    }
  }
}

}  // namespace
}  // namespace troupe::actors
