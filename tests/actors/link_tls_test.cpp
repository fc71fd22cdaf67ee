// Links between nodes with certificates: the same calls, and no others' nodes.
#include <memory>

#include "actors/tls_cipher.hpp"
#include "tests/actors/link_fixture.hpp"
#include "tests/support/tls_files.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

namespace {

class LinkTlsTest : public LinkTest {
protected:
  void start_secure_peer(const std::string& certificate) {
    listener_config.make_cipher = [context = authority.context_of(certificate)] {
      return std::make_unique<tls_cipher>(context, tls_role::server);
    };
    start_peer();
  }
  node_link_config secure(std::shared_ptr<const tls_context> context) {
    auto out = config();
    out.make_cipher = [context = std::move(context)] {
      return std::make_unique<tls_cipher>(context, tls_role::client);
    };
    return out;
  }

  tests::test_authority authority;
};

}  // namespace

TEST_F(LinkTlsTest, CallsAndLargeBodiesPass) {
  start_secure_peer("there");
  auto& link = dial(secure(authority.context_of("here")));
  wait_for(link_phase::up);
  const std::string body(3'000'000, 'b');
  for (int i = 0; i < 40; ++i)
    call(link, link_topic::invoke, "head", i % 10 == 0 ? body : "small");
  std::size_t bytes = 0;
  for (int i = 0; i < 40; ++i) {
    auto result = results.take();
    ASSERT_TRUE(std::holds_alternative<call_answered>(result));
    bytes += std::get<call_answered>(result).body.size();
  }
  EXPECT_EQ(bytes, 4 * body.size() + 36 * 5);
}

TEST_F(LinkTlsTest, ANodeUnderAnothersNameIsRefusedByBothSides) {
  start_secure_peer("there");
  dial(secure(authority.context_of("impostor")));
  auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  EXPECT_EQ(change.detail, "a node that calls itself 'here' has the certificate of 'impostor'");

  on(here, [this] { links.clear(); });
  stop_peer();
  start_secure_peer("impostor");
  dial(secure(authority.context_of("here")));
  change = changes.take_until([](const link_change& each) { return each.detail.find("'there'") != std::string::npos; });
  EXPECT_EQ(change.why, link_break::rejected);
}

TEST_F(LinkTlsTest, ACertificateOfAnotherAuthorityIsRejected) {
  start_secure_peer("there");
  tests::test_authority other;
  dial(secure(other.context_of("here")));
  const auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  on(there, [this] { EXPECT_EQ(server->links(), 0u); });
}

TEST_F(LinkTlsTest, APlainNodeAndOneWithCertificatesDoNotMeet) {
  start_secure_peer("there");
  dial(config());
  EXPECT_NE(wait_for(link_phase::broken).why, link_break::none);

  on(here, [this] { links.clear(); });
  stop_peer();
  listener_config.make_cipher = nullptr;
  start_peer();
  dial(secure(authority.context_of("here")));
  EXPECT_NE(wait_for(link_phase::broken).why, link_break::none);
  on(there, [this] { EXPECT_EQ(server->links(), 0u); });
}

TEST_F(LinkTlsTest, WhoStallsInTheHandshakeIsClosedInTime) {
  listener_config.hello_timeout = 100ms;
  start_secure_peer("there");
  auto mute = config();
  struct silent_cipher final : stream_cipher {
    expected<void> feed(std::string_view) override { return {}; }
    expected<void> take_plaintext(buffer&) override { return {}; }
    expected<void> write(std::string_view) override { return {}; }
    std::string_view output() const noexcept override { return {}; }
    void consume_output(std::size_t) noexcept override {}
    bool established() const noexcept override { return false; }
    expected<void> check_peer(std::string_view) const override { return {}; }
  };
  mute.make_cipher = [] { return std::make_unique<silent_cipher>(); };
  mute.dialing.connect_timeout = 20s;
  dial(mute);
  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::closed);
  on(there, [this] { EXPECT_EQ(listener->strangers(), 0u); });
}
