// Sessions between two nodes: order, one connection for both directions, a common fate.
#include "actors/stores/store_links.hpp"

#include <gtest/gtest.h>

#include <map>

#include "actors/link_listener.hpp"
#include "tests/actors/link_fixture.hpp"
#include "tests/support/on_loop.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

constexpr std::size_t large = std::size_t{3} << 20;

struct told {
  enum class kind { none, up, down, message, probed } what = kind::none;
  std::uint64_t session = 0;
  std::string message;
  bool alive = false;
};

/// One node: its loop, its port, its sessions.
class node final : public store_network_user {
public:
  explicit node(std::string id) : id_{parse_uuid(id)}, loop_{0, "node"} {
    loop_.start();
    const auto descriptor = open_link_socket(where, where);
    EXPECT_TRUE(descriptor);
    store_links_config config;
    config.self = id_;
    config.hello = [this] { return hello(); };
    config.idle_timeout = milliseconds{300};
    links = std::make_unique<store_links>(loop_, std::move(config));
    links->begin(*this);
    on_loop([&] {
      link_listener_config listening;
      listening.hello = [this] { return hello(); };
      listening.accept = [this](const cluster::link_hello&) { return expected<cluster::link_hello>{hello()}; };
      server_ = std::make_unique<link_server>(loop_, services_, link_server_config{});
      listening.deliver = deliver_to_store(*links, deliver_to({}, {&loop_, server_.get()}));
      listener_ = std::make_unique<link_listener>(loop_, *descriptor, std::move(listening));
      listener_->start();
    });
  }
  ~node() {
    on_loop([this] {
      listener_.reset();
      server_.reset();
    });
    links.reset();
    loop_.stop();
  }

  void link_up(const cluster::node_id&, std::uint64_t session) override {
    news.put({told::kind::up, session, {}, false});
  }
  void link_down(const cluster::node_id&, std::uint64_t session) override {
    news.put({told::kind::down, session, {}, false});
  }
  void link_failed(const cluster::node_id&, std::string_view) override {}
  bool received(const cluster::node_id&, std::uint64_t session, std::string_view message) override {
    if (full)
      return false;
    news.put({told::kind::message, session, std::string{message}, false});
    return true;
  }
  void probed(const cluster::node_id&, const uuid&, bool alive) override {
    news.put({told::kind::probed, 0, {}, alive});
  }

  told wait_for(told::kind what) {
    return news.take_until([what](const told& each) { return each.what == what; });
  }
  void want(const node& other) { links->want({{other.id_, {to_string(other.where)}}}, {}); }
  void want_nobody() { links->want({}, {}); }

  const cluster::node_id& id() const { return id_; }
  const uuid incarnation = make_uuid();
  endpoint where{"127.0.0.1", 0};
  std::unique_ptr<store_links> links;
  mailbox<told> news;
  std::atomic<bool> full = false;

private:
  cluster::link_hello hello() const {
    auto own = hello_of("node");
    own.node = id_;
    own.incarnation = incarnation;
    own.address = to_string(where);
    return own;
  }
  void on_loop(const std::function<void()>& job) { tests::run_on_loop(loop_, job); }

  const cluster::node_id id_;
  event_loop loop_;
  const link_services services_;  ///< none
  std::unique_ptr<link_server> server_;
  std::unique_ptr<link_listener> listener_;
};

struct StoreLinksTest : testing::Test {
  node low{"11111111-1111-4111-8111-111111111111"};
  node high{"22222222-2222-4222-8222-222222222222"};

  /// Sends both ways until what was sent in one session arrives in it, whichever that is by then.
  void expect_one_session() {
    const auto until = clock::now() + patience;
    std::uint64_t of_low = 0;
    std::uint64_t of_high = 0;
    bool low_has = false;
    bool high_has = false;
    const auto take = [](node& at, std::uint64_t& session, bool& has) {
      while (at.news.size() > 0) {
        const auto next = at.news.take();
        if (next.what == told::kind::up)
          session = next.session, has = false;
        else if (next.what == told::kind::down)
          session = 0, has = false;
        else if (next.what == told::kind::message && next.session == session)
          has = true;
      }
    };
    while (!(low_has && high_has) && clock::now() < until) {
      take(low, of_low, low_has);
      take(high, of_high, high_has);
      if (of_low != 0 && !high_has)
        low.links->send(high.id(), of_low, "from low");
      if (of_high != 0 && !low_has)
        high.links->send(low.id(), of_high, "from high");
      std::this_thread::yield();
    }
    EXPECT_TRUE(low_has && high_has);
  }
};

}  // namespace

TEST_F(StoreLinksTest, MessagesOfAnySizeArriveInOrderBothWays) {
  low.want(high);
  const auto at_low = low.wait_for(told::kind::up).session;
  const auto at_high = high.wait_for(told::kind::up).session;

  for (int i = 0; i < 40; ++i) {
    const std::string text = std::to_string(i) + std::string(i % 4 == 0 ? large : 1, '.');
    low.links->send(high.id(), at_low, text);
    high.links->send(low.id(), at_high, text);
  }

  for (auto* each : {&low, &high})
    for (int i = 0; i < 40; ++i) {
      const auto next = each->news.take();
      ASSERT_EQ(next.what, told::kind::message);
      ASSERT_EQ(next.message.substr(0, next.message.find('.')), std::to_string(i));
      ASSERT_EQ(next.message.size(), std::to_string(i).size() + (i % 4 == 0 ? large : 1));
    }
}

TEST_F(StoreLinksTest, NodesThatDialEachOtherAtOnceEndUpWithOneSession) {
  for (int round = 0; round < 8 && !HasFailure(); ++round) {
    low.want(high);
    high.want(low);
    expect_one_session();
    low.want_nobody();
    high.want_nobody();
    low.wait_for(told::kind::down);
  }
}

TEST_F(StoreLinksTest, AConnectionThatOnlyTheOtherSideWantsStays) {
  low.want(high);
  const auto session = low.wait_for(told::kind::up).session;
  const auto there = high.wait_for(told::kind::up).session;
  high.want(low);
  low.want_nobody();

  // Longer than a connection that nobody wants would stay.
  for (const auto until = clock::now() + milliseconds{900}; clock::now() < until;) {
    high.links->send(low.id(), there, "are you there");
    const auto next = low.wait_for(told::kind::message);
    ASSERT_EQ(next.session, session);
  }
  high.want_nobody();
  EXPECT_EQ(low.wait_for(told::kind::down).session, session);
  EXPECT_EQ(high.wait_for(told::kind::down).session, there);
}

TEST_F(StoreLinksTest, WhatIsSentInASessionThatEndedIsNotSentInTheNext) {
  low.want(high);
  const auto first = low.wait_for(told::kind::up).session;
  high.wait_for(told::kind::up);
  high.full = true;
  low.links->send(high.id(), first, "cannot be taken");
  low.wait_for(told::kind::down);
  high.wait_for(told::kind::down);
  high.full = false;
  const auto second = low.wait_for(told::kind::up).session;
  high.wait_for(told::kind::up);

  low.links->send(high.id(), first, "old");
  low.links->send(high.id(), second, "new");

  EXPECT_EQ(high.wait_for(told::kind::message).message, "new");
}

TEST_F(StoreLinksTest, ASeedIsDialedWithoutKnowingWhoItIs) {
  low.links->want({}, {to_string(high.where), to_string(low.where)});

  low.wait_for(told::kind::up);
  high.wait_for(told::kind::up);
}

TEST_F(StoreLinksTest, AProbeTellsIncarnationsApart) {
  const auto ask = [&](const uuid& incarnation, const std::string& address) {
    low.links->probe({high.id(), incarnation, address});
    return low.wait_for(told::kind::probed).alive;
  };

  EXPECT_TRUE(ask(high.incarnation, to_string(high.where)));
  EXPECT_FALSE(ask(make_uuid(), to_string(high.where)));
  EXPECT_FALSE(ask(high.incarnation, "127.0.0.1:1"));
  EXPECT_FALSE(ask(high.incarnation, "no address"));
  low.want(high);
  low.wait_for(told::kind::up);
  EXPECT_TRUE(ask(high.incarnation, "127.0.0.1:1")) << "a session proves it";
}
