// A cipher between socket and frames: handshake before the first byte, handed on with the connection, names checked.
// The cipher of this test is none; it shows that its place is kept.
#include "actors/stream_cipher.hpp"

#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

namespace {

/// Each side greets with one byte; all other bytes are inverted.
class toy_cipher final : public stream_cipher {
public:
  enum class role { dialer, acceptor };
  toy_cipher(role as, std::string peer_name) : role_{as}, peer_name_{std::move(peer_name)} {
    if (role_ == role::dialer)
      output_.push_back('D');
  }

  expected<void> feed(std::string_view bytes) override {
    if (!established_ && !bytes.empty()) {
      if (bytes.front() != (role_ == role::dialer ? 'A' : 'D'))
        return fail(errc::protocol, "not the greeting of a toy");
      if (role_ == role::acceptor)
        output_.push_back('A');
      established_ = true;
      bytes.remove_prefix(1);
    }
    invert(bytes, plaintext_);
    return {};
  }
  expected<void> take_plaintext(buffer& out) override {
    out.append(plaintext_.view());
    plaintext_.clear();
    return {};
  }
  expected<void> write(std::string_view plain) override {
    invert(plain, output_);
    return {};
  }
  std::string_view output() const noexcept override { return output_.view(); }
  void consume_output(std::size_t count) noexcept override { output_.consume(count); }
  bool established() const noexcept override { return established_; }
  expected<void> check_peer(std::string_view name) const override {
    if (name != peer_name_)
      return fail(errc::refused, "the certificate names " + peer_name_);
    return {};
  }

private:
  static void invert(std::string_view from, buffer& to) {
    for (const char c : from)
      to.push_back(static_cast<char>(~c));
  }
  role role_;
  std::string peer_name_;
  bool established_ = false;
  buffer plaintext_;
  buffer output_;
};

class LinkCipherTest : public LinkTest {
protected:
  void start_secure_peer(std::string expected_name) {
    listener_config.make_cipher = [expected_name] {
      return std::make_unique<toy_cipher>(toy_cipher::role::acceptor, expected_name);
    };
    start_peer();
  }
  node_link_config secure(std::string expected_name) {
    auto out = config();
    out.make_cipher = [expected_name] { return std::make_unique<toy_cipher>(toy_cipher::role::dialer, expected_name); };
    return out;
  }
};

}  // namespace

TEST_F(LinkCipherTest, CallsPassThroughTheCipherAlsoAfterTheHandOver) {
  start_secure_peer("here");
  auto& link = dial(secure("there"));
  wait_for(link_phase::up);
  const std::string body(2'000'000, 'b');
  for (int i = 0; i < 20; ++i)
    call(link, link_topic::invoke, "head", i % 5 == 0 ? body : "small");
  std::size_t bytes = 0;
  for (int i = 0; i < 20; ++i) {
    auto result = results.take();
    ASSERT_TRUE(std::holds_alternative<call_answered>(result));
    bytes += std::get<call_answered>(result).body.size();
  }
  EXPECT_EQ(bytes, 4 * body.size() + 16 * 5);
}

TEST_F(LinkCipherTest, AHelloThatDiffersFromTheCertificateIsRefusedOnBothSides) {
  start_secure_peer("somebody else");
  dial(secure("there"));
  auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  EXPECT_EQ(change.detail, "the certificate names somebody else");

  on(here, [this] { links.clear(); });
  stop_peer();
  start_secure_peer("here");
  dial(secure("nobody"));
  change = changes.take_until([](const link_change& each) { return each.detail == "the certificate names nobody"; });
  EXPECT_EQ(change.why, link_break::rejected);
}

TEST_F(LinkCipherTest, APlainNodeCannotJoinOnesWithCertificates) {
  start_secure_peer("here");
  dial(config());
  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::closed);
  on(there, [this] { EXPECT_EQ(server->links(), 0u); });
}
