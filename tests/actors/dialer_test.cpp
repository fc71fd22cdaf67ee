#include "actors/dialer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "actors/basp_sockets.hpp"
#include "tests/support/fill_queue.hpp"
#include "tests/support/on_loop.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

constexpr seconds patience{20};

class DialerTest : public ::testing::Test {
protected:
  DialerTest() { loop.start(); }
  ~DialerTest() override { loop.stop(); }

  void on_loop(const std::function<void()>& job) { tests::run_on_loop(loop, job); }
  expected<int> dial(const endpoint& to, std::optional<endpoint> from = std::nullopt, milliseconds within = patience) {
    std::promise<expected<int>> ended;
    std::unique_ptr<dialer> attempt;
    on_loop([&] {
      attempt = std::make_unique<dialer>(loop, [&](expected<int> result) {
        attempt.reset();
        ended.set_value(std::move(result));
      });
      attempt->start(to, from, clock::now() + within);
    });
    auto future = ended.get_future();
    if (future.wait_for(patience) != std::future_status::ready)
      return fail(errc::bug, "it never ended");
    return future.get();
  }

  event_loop loop{0, "dialer"};
};

}  // namespace

TEST_F(DialerTest, ConnectsAndHandsTheSocketOver) {
  endpoint bound;
  const auto listener = open_control_listener({"127.0.0.1", 0}, bound);
  ASSERT_TRUE(listener.has_value());

  const auto dialed = dial(bound);

  ASSERT_TRUE(dialed.has_value()) << dialed.error().what;
  EXPECT_NE(::fcntl(*dialed, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(*dialed, F_GETFD) & FD_CLOEXEC, 0);
  ::close(*dialed);
  ::close(*listener);
}

TEST_F(DialerTest, ComesFromTheAddressThatItIsGiven) {
  endpoint bound;
  const auto listener = open_control_listener({"127.0.0.1", 0}, bound);
  ASSERT_TRUE(listener.has_value());

  const auto dialed = dial(bound, endpoint{"127.0.0.9", 4});

  ASSERT_TRUE(dialed.has_value()) << dialed.error().what;
  sockaddr_in local{};
  socklen_t length = sizeof local;
  ::getsockname(*dialed, reinterpret_cast<sockaddr*>(&local), &length);
  EXPECT_EQ(ntohl(local.sin_addr.s_addr), 0x7f000009u);
  ::close(*dialed);
  ::close(*listener);
}

TEST_F(DialerTest, SaysWhyItCannotConnect) {
  endpoint bound;
  const auto listener = open_control_listener({"127.0.0.1", 0}, bound);
  ASSERT_TRUE(listener.has_value());
  ::close(*listener);

  const auto refused = dial(bound);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::io);
  EXPECT_NE(refused.error().what.find(to_string(bound)), std::string::npos) << refused.error().what;

  EXPECT_EQ(dial({"no-literal", 1}).error().code, errc::bad_setting);
  EXPECT_EQ(dial(bound, endpoint{"203.0.113.77", 0}).error().code, errc::io) << "an address of another machine";
}

TEST_F(DialerTest, EndsAtItsDeadlineWhenNobodyAnswers) {
  // A listener whose queue is full answers no further attempt.
  endpoint bound;
  const auto listener = open_control_listener({"127.0.0.1", 0}, bound);
  ASSERT_TRUE(listener.has_value());
  ASSERT_EQ(::listen(*listener, 0), 0);
  tests::fill_queue filled{bound};

  const auto late = dial(bound, std::nullopt, milliseconds{100});

  ASSERT_FALSE(late.has_value());
  EXPECT_NE(late.error().what.find("no answer in time"), std::string::npos) << late.error().what;
  ::close(*listener);
}

TEST_F(DialerTest, OneThatIsDroppedSaysNothing) {
  endpoint bound;
  const auto listener = open_control_listener({"127.0.0.1", 0}, bound);
  ASSERT_TRUE(listener.has_value());
  std::atomic<int> calls{0};
  on_loop([&] {
    dialer attempt{loop, [&](const expected<int>&) { ++calls; }};
    attempt.start(bound, std::nullopt, clock::now());
  });
  on_loop([] {});
  EXPECT_EQ(calls.load(), 0);
  ::close(*listener);
}
