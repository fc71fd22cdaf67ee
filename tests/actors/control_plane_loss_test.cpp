// Peers that go silent, take nothing or never answer.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/control_plane_fixture.hpp"
#include "tests/support/fill_queue.hpp"
#include "tests/support/tcp_relay.hpp"

using namespace troupe;
using namespace troupe::actors;
using tests::control_node;
using tests::ordered_id;
using tests::patience;

using ControlPlaneLossTest = tests::ControlPlaneFixture;

TEST_F(ControlPlaneLossTest, ACutConnectionIsMadeAgainByItself) {
  control_node a{identity(1)}, b{identity(2)};
  tests::tcp_relay relay{b.address.port};
  auto through_relay = b.as_peer();
  through_relay.control.port = relay.port();
  b.know({a.as_peer()});
  a.know({through_relay});
  ASSERT_TRUE(a.sees(b.self.node));
  ASSERT_TRUE(b.sees(a.self.node));

  relay.cut();

  EXPECT_TRUE(a.has_lost(b.self.node));
  EXPECT_TRUE(b.has_lost(a.self.node));
  EXPECT_TRUE(a.sees(b.self.node));
  EXPECT_TRUE(b.sees(a.self.node));
  b.in_flight = 5;
  EXPECT_TRUE(a.knows_load(b.self.node, 5));
  a.end();
  b.end();  // before the relay that is between them
}

TEST_F(ControlPlaneLossTest, ASilentPeerIsLostAfterTheConnectionTimeout) {
  auto options = control_node::quick();
  options.heartbeat_interval = milliseconds{50};
  options.connection_timeout = milliseconds{400};
  control_node a{identity(1), options}, b{identity(2), options};
  tests::tcp_relay relay{b.address.port};
  auto through_relay = b.as_peer();
  through_relay.control.port = relay.port();
  b.know({a.as_peer()});
  a.know({through_relay});
  ASSERT_TRUE(a.sees(b.self.node));

  relay.freeze(true);
  EXPECT_TRUE(a.has_lost(b.self.node));
  EXPECT_TRUE(b.has_lost(a.self.node));

  relay.freeze(false);
  EXPECT_TRUE(a.sees(b.self.node));
  a.end();
  b.end();  // before the relay that is between them
}

TEST_F(ControlPlaneLossTest, APeerThatTakesNothingDoesNotHoldUpTheEndOfWhoDialedNorOfWhoWasDialed) {
  auto options = control_node::quick();
  // Nothing else ends the connection in time.
  options.heartbeat_interval = milliseconds{60'000};
  options.connection_timeout = milliseconds{600'000};
  options.sockets.unsent_timeout = milliseconds{600'000};
  for (const bool dialer_ends : {true, false}) {
    auto a = std::make_unique<control_node>(identity(1), options);
    auto b = std::make_unique<control_node>(identity(2), options);
    auto& ending = dialer_ends ? a : b;
    const auto other = dialer_ends ? b->self.node : a->self.node;
    tests::tcp_relay relay{b->address.port};
    auto through_relay = b->as_peer();
    through_relay.control.port = relay.port();
    b->know({a->as_peer()});
    a->know({through_relay});
    ASSERT_TRUE(ending->sees(other));
    relay.freeze(true);
    ending->on_loop([&] {
      // Far more than the kernel's buffers hold.
      const function_report report{make_uuid(), 1, 1, std::string(1'000, 'x')};
      for (int i = 0; i < 20'000; ++i)
        ASSERT_TRUE(ending->plane->report_function(other, report));
    });

    const auto began = clock::now();
    ending.reset();

    EXPECT_LT(clock::now() - began, seconds{10}) << dialer_ends;
  }
}

TEST_F(ControlPlaneLossTest, AnAddressThatNeverAnswersHoldsUpNobody) {
  endpoint deaf;
  const auto listener = open_control_listener({"127.0.0.1", 0}, deaf);
  ASSERT_TRUE(listener.has_value());
  ASSERT_EQ(::listen(*listener, 0), 0);
  tests::fill_queue filled{deaf};  // from now on the kernel drops attempts, as a machine that is gone would
  auto options = control_node::quick();
  options.dial_timeout = patience * 2;
  auto a = std::make_unique<control_node>(identity(1), options);
  control_node b{identity(2)};
  b.know({a->as_peer()});

  a->know({{ordered_id(3), "deaf", deaf, {}}, b.as_peer()});

  EXPECT_TRUE(a->sees(b.self.node));
  const auto began = clock::now();
  a.reset();
  EXPECT_LT(clock::now() - began, seconds{5});
  ::close(*listener);
}

TEST_F(ControlPlaneLossTest, APeerThatAcceptsAndSaysNothingIsTriedAgain) {
  endpoint mute;
  const auto listener = open_control_listener({"127.0.0.1", 0}, mute);
  ASSERT_TRUE(listener.has_value());
  auto options = control_node::quick();
  options.heartbeat_interval = milliseconds{60'000};  // CAF's own end of unfinished handshakes comes with a heartbeat
  options.connection_timeout = milliseconds{600'000};
  options.meet_timeout = milliseconds{100};
  control_node a{identity(1), options};

  a.know({{ordered_id(2), "mute", mute, {}}});

  for (int i = 0; i < 3; ++i) {
    pollfd watched{*listener, POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, static_cast<int>(milliseconds{patience}.count())), 1) << i;
    const int comer = ::accept4(*listener, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(comer, 0);
    const timeval bound{patience.count(), 0};
    ::setsockopt(comer, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    char bytes[256];
    ssize_t got = 0;
    do
      got = ::recv(comer, bytes, sizeof bytes, 0);
    while (got > 0);
    ASSERT_TRUE(got == 0 || errno == ECONNRESET) << "it never gave up";
    ::close(comer);
  }
  ::close(*listener);
}
