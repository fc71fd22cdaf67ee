#include "actors/control_links.hpp"

#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

namespace {

class ControlLinksTest : public LinkTest {
protected:
  ~ControlLinksTest() override {
    on(here, [this] { links_here.reset(); });
  }
  void make(control_links_config with = {}) {
    on(here, [&] {
      with.link_to = [](const uuid&) {
        node_link_config out;
        out.hello = [] { return hello_of("here"); };
        out.dialing.first_back_off = out.dialing.longest_back_off = 1h;  // only a poke dials again
        out.dialing.connect_timeout = patience;
        return out;
      };
      links_here = std::make_unique<control_links>(here, std::move(with));
      links_here->start();
      links_here->set_peers({{peer, address}});
    });
  }
  expected<void> ask(const uuid& whom, std::string_view body, milliseconds budget = patience) {
    expected<void> sent;
    on(here, [&] {
      sent = links_here->call(whom, link_topic::invoke, {}, buffer{body}, here.now() + budget,
                              [this](call_result result) { results.put(std::move(result)); });
    });
    return sent;
  }
  std::size_t links_up() {
    std::size_t count = 0;
    on(here, [&] { count = links_here->links(); });
    return count;
  }
  errc refusal() {
    auto result = results.take();
    const auto* refused = std::get_if<call_not_run>(&result);
    EXPECT_NE(refused, nullptr);
    return refused == nullptr ? errc::bug : refused->code;
  }
  std::string answer() {
    auto result = results.take();
    const auto* answered = std::get_if<call_answered>(&result);
    return answered == nullptr ? "no answer" : std::string{answered->body.view()};
  }

  const uuid peer = make_uuid();
  std::unique_ptr<control_links> links_here;
};

}  // namespace

TEST_F(ControlLinksTest, TheFirstCallDialsAndAllAreAnswered) {
  start_peer();
  make();
  EXPECT_EQ(links_up(), 0u);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(ask(peer, "hello"));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(answer(), "hello");
  EXPECT_EQ(links_up(), 1u);
}

TEST_F(ControlLinksTest, WithoutAListenerCallsAreRefusedAndTheNextOneDialsAgain) {
  start_peer();
  stop_peer();
  make();
  ASSERT_TRUE(ask(peer, "hello"));
  EXPECT_EQ(refusal(), errc::link_down);

  start_peer();
  ASSERT_TRUE(ask(peer, "hello"));
  EXPECT_EQ(answer(), "hello");
}

TEST_F(ControlLinksTest, UnknownNodesAndTooManyWaitingCallsAreRefusedAtOnce) {
  start_peer();
  control_links_config config;
  config.max_waiting = 2;
  make(std::move(config));
  EXPECT_EQ(ask(make_uuid(), "").error().code, errc::link_down);
  on(here, [&] {
    const auto call = [&] {
      return links_here->call(peer, link_topic::invoke, {}, {}, here.now() + patience,
                              [this](call_result result) { results.put(std::move(result)); });
    };
    EXPECT_TRUE(call());
    EXPECT_TRUE(call());
    EXPECT_EQ(call().error().code, errc::overloaded);
  });
  answer();
  answer();
}

TEST_F(ControlLinksTest, ACallThatWaitsEndsAtItsDeadline) {
  // The loop that would accept is busy.
  start_peer();
  std::promise<void> go;
  there.post([gone = go.get_future().share()] { gone.wait(); });
  make();
  ASSERT_TRUE(ask(peer, "hello", 200ms));
  EXPECT_EQ(refusal(), errc::budget_spent);
  go.set_value();
}

TEST_F(ControlLinksTest, AnIdleLinkIsHungUpAndDialedAgainWhenNeeded) {
  start_peer();
  control_links_config config;
  config.idle_timeout = 150ms;
  make(std::move(config));
  ASSERT_TRUE(ask(peer, "hello"));
  EXPECT_EQ(answer(), "hello");
  for (const auto end = clock::now() + patience; links_up() != 0 && clock::now() < end;) {
  }
  EXPECT_EQ(links_up(), 0u);
  ASSERT_TRUE(ask(peer, "again"));
  EXPECT_EQ(answer(), "again");
}

TEST_F(ControlLinksTest, CallsToANodeThatLeftOrAtTheEndAreSettled) {
  start_peer();
  make();
  on(here, [&] {
    const auto call = [&] {
      return links_here->call(peer, link_topic::store, {}, {}, here.now() + patience,
                              [this](call_result result) { results.put(std::move(result)); });
    };
    EXPECT_TRUE(call());
    links_here->set_peers({});
    EXPECT_FALSE(call());
    links_here->set_peers({{peer, address}});
    EXPECT_TRUE(call());
    links_here->stop();
  });
  EXPECT_EQ(refusal(), errc::link_down);
  EXPECT_EQ(refusal(), errc::link_down);
}
