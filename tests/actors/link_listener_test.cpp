// Who comes to the cluster's port without being a node, and who says hello.
#include "actors/link_listener.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "actors/socket_address.hpp"
#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

namespace {

/// A client that speaks bytes.
class raw_client {
public:
  explicit raw_client(const endpoint& to) : descriptor_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const auto address = resolve(to);
    connected_ = ::connect(descriptor_, address->get(), address->length) == 0;
  }
  ~raw_client() { ::close(descriptor_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  bool connected() const noexcept { return connected_; }
  void send(std::string_view bytes) const { ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// What the other side sends until it closes.
  std::string read_to_end() const {
    std::string out;
    for (pollfd ready{descriptor_, POLLIN, 0}; ::poll(&ready, 1, 20'000) == 1;) {
      char bytes[4096];
      const auto got = ::recv(descriptor_, bytes, sizeof bytes, 0);
      if (got <= 0)
        return out;
      out.append(bytes, static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "not closed in time";
    return out;
  }

private:
  int descriptor_;
  bool connected_ = false;
};

/// Listens, and does with what comes as the test wants.
class raw_server {
public:
  raw_server() {
    auto where = resolve({"127.0.0.1", 0});
    descriptor_ = open_listening(*where, port_use::exclusive);
    ::getsockname(descriptor_, where->get(), &where->length);
    address = where->where();
  }
  ~raw_server() {
    if (accepted_ >= 0)
      ::close(accepted_);
    ::close(descriptor_);
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;

  void accept_and_send(std::string_view bytes) {
    pollfd ready{descriptor_, POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
    accepted_ = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_EQ(::send(accepted_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  endpoint address;

private:
  int descriptor_ = -1;
  int accepted_ = -1;
};

class LinkListenerTest : public LinkTest {
protected:
  std::uint64_t turned_away() {
    std::uint64_t count = 0;
    on(there, [&] { count = listener->turned_away(); });
    return count;
  }
};

}  // namespace

TEST_F(LinkListenerTest, StrangersAreClosedAtTheFirstBytesThatAreNoHello) {
  start_peer();
  for (const std::string_view bytes :
       {std::string_view{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, std::string_view{"\x16\x03\x01\x02\x00\x01", 6},
        std::string_view{"\xff\xff\xff\xff", 4}, std::string_view{"\x02\x00\x00\x00\x91\x01", 6},
        std::string_view{"\x03\x00\x00\x00\x92\x0b\x00", 7}}) {
    const raw_client stranger{address};
    stranger.send(bytes);
    EXPECT_EQ(stranger.read_to_end(), "");
  }
  EXPECT_EQ(turned_away(), 5u);
  dial(config());
  wait_for(link_phase::up);
}

TEST_F(LinkListenerTest, AnotherVersionIsToldBothRanges) {
  start_peer();
  auto old = hello_of("old");
  old.min_version = 7;
  old.max_version = 8;
  buffer bytes;
  append_hello(bytes, old);
  const raw_client peer{address};
  peer.send(bytes.view());

  const auto answer = peer.read_to_end();

  cluster::link_frame_reader reader;
  reader.feed(answer);
  const auto frame = reader.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->kind, cluster::link_kind::refuse_hello);
  EXPECT_EQ((*frame)->text, "this node speaks versions 1 to 1 of the link protocol, the other 7 to 8");
}

TEST_F(LinkListenerTest, WhoSaysNothingIsClosedInTime) {
  listener_config.hello_timeout = 100ms;
  start_peer();
  const raw_client silent{address};
  const raw_client slow{address};
  slow.send(std::string_view{"\x20\x00\x00", 3});

  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(slow.read_to_end(), "");
  EXPECT_EQ(turned_away(), 2u);
}

TEST_F(LinkListenerTest, TenThousandHalfOpenConnectionsAreBoundedAndDoNotKeepANodeOut) {
  start_peer();
  std::deque<raw_client> strangers;
  std::size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    strangers.emplace_back(address);
    ASSERT_TRUE(strangers.back().connected());
    if (strangers.size() > 600)
      strangers.pop_front();  // those the listener closed long ago, so that the test needs fewer descriptors
    if (i % 500 == 0)
      on(there, [&] { most = std::max(most, listener->strangers()); });
  }
  dial(config());
  wait_for(link_phase::up);
  on(there, [&] {
    EXPECT_LE(std::max(most, listener->strangers()), 256u);
    EXPECT_GT(listener->turned_away(), 9'000u);
  });
  call(*links.front(), link_topic::invoke, "", "served");
  EXPECT_TRUE(std::holds_alternative<call_answered>(results.take()));
}

TEST_F(LinkListenerTest, LinksGoToTheLoopThatTheHelloNamesAndControlStays) {
  event_loop other{2, "other"};
  other.start();
  std::unique_ptr<link_server> at_other;
  on(other, [&] { at_other = std::make_unique<link_server>(other, services, server_config); });
  std::unique_ptr<link_server> control;
  on(there, [&] { control = std::make_unique<link_server>(there, services, server_config); });
  start_peer();
  on(there, [&] {
    listener.reset();
    server.reset();
  });
  std::unique_ptr<link_server> at_there;
  on(there, [&] { at_there = std::make_unique<link_server>(there, services, server_config); });
  listener_config.deliver = deliver_to({{&there, at_there.get()}, {&other, at_other.get()}}, {&there, control.get()});
  start_peer();

  auto counted = config();
  counted.hello = [] {
    auto hello = hello_of("here");
    hello.loop = 3;
    return hello;
  };
  dial(counted);
  wait_for(link_phase::up);
  counted.hello = [] {
    auto hello = hello_of("here");
    hello.loop = 3;
    hello.purpose = cluster::link_purpose::control;
    return hello;
  };
  dial(counted);
  wait_for(link_phase::up);

  on(other, [&] { EXPECT_EQ(at_other->links(), 1u); });
  on(there, [&] {
    EXPECT_EQ(at_there->links(), 0u);
    EXPECT_EQ(control->links(), 1u);
    at_there.reset();
    control.reset();
  });
  on(other, [&] { at_other.reset(); });
  other.stop();
}

TEST_F(LinkListenerTest, APeerWithoutAHelloIsSilent) {
  raw_server mute;
  auto impatient = config();
  impatient.peer = mute.address;
  impatient.dialing.connect_timeout = 100ms;
  dial(impatient);
  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::silent);
}

TEST_F(LinkListenerTest, APeerThatFallsSilentIsGivenUp) {
  raw_server half;
  auto impatient = config();
  impatient.peer = half.address;
  impatient.dialing.silence_timeout = 300ms;
  auto& link = dial(impatient);
  buffer hello;
  append_hello(hello, hello_of("half"));
  half.accept_and_send(hello.view());
  wait_for(link_phase::up);
  call(link, link_topic::invoke, "", "nobody answers");

  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::silent);
  EXPECT_TRUE(std::holds_alternative<call_lost>(results.take()));
}

TEST_F(LinkListenerTest, APeerThatSpeaksNonsenseIsRejected) {
  raw_server web;
  auto with = config();
  with.peer = web.address;
  dial(with);
  web.accept_and_send("HTTP/1.1 400 Bad Request\r\n\r\n");
  const auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  EXPECT_NE(change.detail.find("frame of"), std::string::npos);
}

TEST_F(LinkListenerTest, ASecondListenerAtTheAddressIsRefused) {
  start_peer();
  endpoint bound;
  const auto second = open_link_socket(address, bound);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::io);
  EXPECT_NE(second.error().what.find(to_string(address)), std::string::npos);
}
