// What may happen at the port of the control plane, below its protocol.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "tests/support/control_plane_fixture.hpp"
#include "tests/support/raw_connection.hpp"

using namespace troupe;
using namespace troupe::actors;
using tests::connect_to;
using tests::control_node;
using tests::is_closed;

namespace {

using ControlPlanePortTest = tests::ControlPlaneFixture;

/// The head of a message of CAF's protocol: its kind and how long it claims to be.
std::string basp_header(char operation, std::uint32_t payload_bytes, char destination) {
  std::string header(32, '\0');
  header[0] = operation;
  const auto length = htonl(payload_bytes);
  header.replace(4, 4, reinterpret_cast<const char*>(&length), 4);
  header[31] = destination;
  return header;
}

}  // namespace

TEST_F(ControlPlanePortTest, GarbageOnThePortEndsItsOwnConnectionOnly) {
  control_node a{identity(1)}, b{identity(2)};
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));
  std::mt19937_64 random{3};
  for (int i = 0; i < 200; ++i) {
    const int descriptor = connect_to(b.address);
    ASSERT_GE(descriptor, 0);
    std::string bytes(32 + random() % 200, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    if (i % 2 == 0)  // a head that CAF takes for one of its own
      bytes.replace(0, 32,
                    basp_header(static_cast<char>(random() % 7), static_cast<std::uint32_t>(bytes.size() - 32),
                                static_cast<char>(random() % 16)));
    ASSERT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ::shutdown(descriptor, SHUT_WR);
    ASSERT_TRUE(is_closed(descriptor));
    ::close(descriptor);
  }

  still_serve(a, b);
  a.said.change([&] { EXPECT_EQ(a.lost[b.self.node], 0); });
}

TEST_F(ControlPlanePortTest, AMessageThatClaimsToBeHugeEndsItsConnectionAndAllocatesNothing) {
  control_node a{identity(1)}, b{identity(2)};
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const std::uint32_t claimed : {~0u, 1u << 31, 1u << 20, 128u * 1024 + 1}) {
    const int descriptor = connect_to(b.address);
    ASSERT_GE(descriptor, 0);
    const auto header = basp_header(1, claimed, 0);
    ASSERT_EQ(::send(descriptor, header.data(), header.size(), MSG_NOSIGNAL), 32);

    EXPECT_TRUE(is_closed(descriptor)) << claimed;

    ::close(descriptor);
  }
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 50'000);  // KiB
  still_serve(a, b);
}

TEST_F(ControlPlanePortTest, SilentConnectionsGiveWayToNewOnes) {
  auto options = control_node::quick();
  options.sockets.max_silent = 8;
  control_node a{identity(1)}, b{identity(2), options};
  std::vector<int> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(connect_to(b.address));
    ASSERT_GE(silent.back(), 0);
  }

  still_serve(a, b);

  // The first ones come first: but for the last few, all have been closed.
  for (std::size_t i = 0; i < 90; ++i)
    ASSERT_TRUE(is_closed(silent[i])) << i;
  for (const int descriptor : silent)
    ::close(descriptor);
}

TEST_F(ControlPlanePortTest, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  auto options = control_node::quick();
  options.sockets.max_accepted = 3;
  control_node b{identity(2), options};
  std::vector<int> open;
  for (int i = 0; i < 3; ++i)
    open.push_back(connect_to(b.address));

  const int beyond = connect_to(b.address);
  EXPECT_TRUE(is_closed(beyond));
  ::close(beyond);

  // One leaves, so there is room again.
  ::close(open.back());
  open.pop_back();
  control_node a{identity(1)};
  introduce({&a, &b});
  EXPECT_TRUE(a.sees(b.self.node));
  for (const int descriptor : open)
    ::close(descriptor);
}

TEST_F(ControlPlanePortTest, TwoNodesCannotShareAPort) {
  control_node a{identity(1)};
  endpoint bound;

  const auto second = open_control_listener(a.address, bound);

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::io);
  EXPECT_NE(second.error().what.find(to_string(a.address)), std::string::npos) << second.error().what;
}
