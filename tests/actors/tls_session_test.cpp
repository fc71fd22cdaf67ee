#include "actors/tls_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/tls_files.hpp"
#include "tests/support/tls_stranger.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::tests;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr std::size_t whole = ~std::size_t{0};

/// Moves everything that `from` has to say, in pieces. @returns whether there was anything.
bool carry(tls_session& from, tls_session& to, std::size_t piece = whole) {
  bool any = false;
  while (!from.output().empty()) {
    const std::string bytes{from.output().substr(0, piece)};
    from.consume_output(bytes.size());
    any = true;
    if (!to.feed(bytes))
      break;
  }
  return any;
}

/// Carries until both are silent.
void settle(tls_session& a, tls_session& b, std::size_t piece = whole) {
  while (carry(a, b, piece) || carry(b, a, piece)) {
  }
}

void settle(tls_session& ours, tls_stranger& theirs) {
  for (bool any = true; any;) {
    const std::string out{ours.output()};
    ours.consume_output(out.size());
    theirs.feed(out);
    const auto in = theirs.output();
    any = !in.empty();
    if (any)
      std::ignore = ours.feed(in);
  }
}

std::string taken(tls_session& from) {
  buffer out;
  const auto done = from.take_plaintext(out);
  EXPECT_TRUE(done) << done.error().what;
  return std::string{out.view()};
}

error fault_of(tls_session& session) {
  buffer out;
  auto done = session.take_plaintext(out);
  EXPECT_TRUE(out.empty());
  return done ? error{} : std::move(done).error();
}

std::string noise(std::size_t size) {
  std::mt19937 random{static_cast<std::mt19937::result_type>(size)};
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

struct tls_session_test : testing::Test {
  test_authority authority;
  std::shared_ptr<const tls_context> a = authority.context_of("a");
  std::shared_ptr<const tls_context> b = authority.context_of("b");
  tls_session client{*a, tls_role::client};
  tls_session server{*b, tls_role::server};
};

using TlsSessionTest = tls_session_test;

}  // namespace

TEST_F(TlsSessionTest, BothEndsProveWhoTheyAre) {
  EXPECT_FALSE(client.established());
  EXPECT_EQ(client.write("x").error().code, errc::not_ready);

  settle(client, server);

  EXPECT_TRUE(client.established() && server.established());
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_THAT(client.peer_names(), ElementsAre("b"));
  EXPECT_THAT(server.peer_names(), ElementsAre("a"));
  EXPECT_TRUE(client.allows("b"));
  EXPECT_FALSE(client.allows("a"));
  EXPECT_FALSE(client.allows("B"));
  EXPECT_FALSE(client.allows(""));
}

TEST_F(TlsSessionTest, HowTheBytesAreCutDoesNotMatter) {
  for (const std::size_t piece : {1u, 2u, 3u, 5u, 16u, 17u, 250u, 1000u}) {
    tls_session one{*a, tls_role::client};
    tls_session other{*b, tls_role::server};
    settle(one, other, piece);
    ASSERT_TRUE(one.established() && other.established()) << piece;
    ASSERT_TRUE(one.write("question") && other.write("answer"));
    settle(one, other, piece);
    EXPECT_EQ(taken(other), "question") << piece;
    EXPECT_EQ(taken(one), "answer") << piece;
  }
}

TEST_F(TlsSessionTest, EverySplitOfARecordComesTogether) {
  settle(client, server);
  std::size_t size = 2;
  for (std::size_t at = 1; at < size; ++at) {
    ASSERT_TRUE(client.write("a few words"));
    const std::string record{client.output()};
    client.consume_output(record.size());
    size = record.size();
    ASSERT_TRUE(server.feed(record.substr(0, at)));
    EXPECT_EQ(taken(server), "") << at;
    ASSERT_TRUE(server.feed(record.substr(at)));
    EXPECT_EQ(taken(server), "a few words") << at;
  }
  EXPECT_GT(size, 11u);
}

TEST_F(TlsSessionTest, AGapIsNotReadOver) {
  settle(client, server);
  ASSERT_TRUE(client.write("lost"));
  client.consume_output(client.output().size());
  ASSERT_TRUE(client.write("after the gap"));
  carry(client, server);
  EXPECT_EQ(fault_of(server).code, errc::io);
}

TEST_F(TlsSessionTest, AMegabyteArrivesWholeInBothDirections) {
  settle(client, server, 1000);
  const auto there = noise(1'000'000);
  const auto back = noise(1'000'001);
  ASSERT_TRUE(client.write(there));
  ASSERT_TRUE(server.write(back));

  settle(client, server, 65'536);

  EXPECT_TRUE(taken(server) == there);
  EXPECT_TRUE(taken(client) == back);
  EXPECT_TRUE(client.output().empty() && server.output().empty());
}

TEST_F(TlsSessionTest, PlaintextComesInTheOrderInWhichItWasWritten) {
  settle(client, server);
  std::string expected;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const auto text = "message " + std::to_string(i) + ";";
    expected += text;
    ASSERT_TRUE(client.write(text));
    carry(client, server, 7);
    got += taken(server);
  }
  EXPECT_EQ(got, expected);
}

TEST_F(TlsSessionTest, AnotherAuthorityIsRefusedByName) {
  test_authority other;
  const auto foreign = other.context_of("a");
  tls_session stranger{*foreign, tls_role::client};

  settle(stranger, server);

  EXPECT_FALSE(server.established());
  EXPECT_FALSE(stranger.established());
  EXPECT_EQ(fault_of(stranger).code, errc::refused);
  EXPECT_THAT(fault_of(stranger).what, HasSubstr("the certificate of b does not count here: "));
  EXPECT_EQ(fault_of(server).code, errc::refused);
  EXPECT_THAT(fault_of(server).what, HasSubstr("the peer does not accept this node's certificate"));
}

TEST_F(TlsSessionTest, AClientOfAnotherAuthorityIsRefusedEvenIfItBelievesEverybody) {
  test_authority other;
  const auto files = other.issue("a");
  tls_stranger stranger{{tls_role::client, files.certificate, files.key, {}}};

  settle(server, stranger);

  EXPECT_FALSE(server.established());
  EXPECT_EQ(fault_of(server).code, errc::refused);
  EXPECT_THAT(fault_of(server).what, AllOf(HasSubstr("the certificate of a "), testing::Not(HasSubstr("\n"))));
}

TEST_F(TlsSessionTest, AnExpiredCertificateIsRefusedInBothRoles) {
  const auto files = authority.issue("old", around_now(std::chrono::hours{-3}));
  tls_stranger dialing{{tls_role::client, files.certificate, files.key, {}}};
  tls_stranger listening{{tls_role::server, files.certificate, files.key, {}}};

  settle(server, dialing);
  settle(client, listening);

  for (auto* each : {&server, &client}) {
    EXPECT_FALSE(each->established());
    EXPECT_EQ(fault_of(*each).code, errc::refused);
    EXPECT_THAT(fault_of(*each).what, HasSubstr("the certificate of old does not count here: certificate has expired"));
  }
}

TEST_F(TlsSessionTest, ANodeThatIsNotAcceptedLearnsIt) {
  test_authority other;
  const auto files = authority.issue("c");
  tls_stranger listening{{tls_role::server, files.certificate, files.key, other.path("authority.pem")}};

  settle(client, listening);

  EXPECT_EQ(fault_of(client).code, errc::refused);
  EXPECT_THAT(fault_of(client).what, HasSubstr("the peer does not accept this node's certificate: "));
  EXPECT_FALSE(client.write("x"));
}

TEST_F(TlsSessionTest, WithoutACertificateNobodyGetsIn) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_session node{*b, tls_role::server};
    tls_stranger nobody{{tls_role::client, {}, {}, {}, version, version}};
    settle(node, nobody);
    EXPECT_FALSE(node.established());
    EXPECT_EQ(fault_of(node).code, errc::refused);
    EXPECT_EQ(fault_of(node).what, "TLS: the peer shows no certificate");
  }
}

TEST_F(TlsSessionTest, AnOldVersionIsRefused) {
  const auto files = authority.issue("c");
  tls_stranger old{{tls_role::client, files.certificate, files.key, {}, TLS1_1_VERSION, TLS1_1_VERSION}};

  settle(server, old);

  EXPECT_FALSE(server.established());
  EXPECT_EQ(fault_of(server).code, errc::io);
}

TEST_F(TlsSessionTest, Version12IsSpokenWithoutRenegotiationAndWithoutResumption) {
  const auto files = authority.issue("c");
  tls_stranger peer{{tls_role::client, files.certificate, files.key, {}, TLS1_2_VERSION, TLS1_2_VERSION}};
  settle(server, peer);
  ASSERT_TRUE(server.established());
  EXPECT_EQ(server.version(), "TLSv1.2");
  EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(peer.native())), 0);
  EXPECT_EQ(SSL_session_reused(peer.native()), 0);

  SSL_renegotiate(peer.native());
  peer.advance();
  ASSERT_TRUE(server.feed(peer.output()));
  EXPECT_EQ(taken(server), "");
  const std::string refusal{server.output()};
  server.consume_output(refusal.size());
  EXPECT_LT(refusal.size(), 100u) << "an alert, not a handshake";
  peer.feed(refusal);

  EXPECT_EQ(SSL_is_init_finished(peer.native()), 0) << "the second handshake never ends";
  EXPECT_TRUE(server.established());
  EXPECT_THAT(server.peer_names(), ElementsAre("c"));
}

TEST_F(TlsSessionTest, Version13HandsOutNothingToResumeFrom) {
  const auto files = authority.issue("c");
  tls_stranger peer{{tls_role::client, files.certificate, files.key, {}}};
  settle(server, peer);
  ASSERT_TRUE(server.write("x"));
  settle(server, peer);

  ASSERT_TRUE(server.established());
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(peer.native())), 0);
}

TEST_F(TlsSessionTest, BytesThatAreNoTlsAreAnErrorAtOnceAndForGood) {
  for (const auto& bytes : {std::string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, noise(100), noise(4096),
                            std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'x')}) {
    tls_session node{*b, tls_role::server};
    const auto first = node.feed(bytes);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, errc::io);
    EXPECT_THAT(first.error().what, testing::StartsWith("TLS: "));
    EXPECT_EQ(node.feed("more").error().what, first.error().what);
    EXPECT_EQ(node.write("x").error().what, first.error().what);
    EXPECT_LT(node.output().size(), 100u);
  }
  tls_session node{*b, tls_role::server};
  EXPECT_EQ(node.feed("GET / HTTP/1.1\r\n\r\n").error().what, "TLS: what the peer sends is no TLS: http request");
}

TEST_F(TlsSessionTest, AChangedHandshakeEndsInAnErrorOrInOneThatIsSound) {
  constexpr std::size_t stride = 29;
  for (std::size_t at = 0;; at += stride) {
    tls_session one{*a, tls_role::client};
    tls_session other{*b, tls_role::server};
    carry(one, other);
    std::string flight{other.output()};
    if (at >= flight.size())
      break;
    other.consume_output(flight.size());
    flight[at] = static_cast<char>(flight[at] ^ 0x20);
    const auto fed = one.feed(flight);
    settle(one, other);
    // The version in a record's head is the only thing that nobody has to look at.
    EXPECT_EQ(one.established(), other.established()) << at;
    if (!one.established())
      continue;
    ASSERT_TRUE(fed && one.write("sound")) << at;
    settle(one, other);
    EXPECT_EQ(taken(other), "sound") << at;
  }
}

TEST_F(TlsSessionTest, AHandshakeThatDoesNotEndIsCutOff) {
  // A ClientHello as long as OpenSSL takes it, in records of 16,384 bytes: the last of them is never sent.
  std::string message("\x01\x02\x01\x00", 4);
  message.append(131'300, 'x');
  std::size_t sent = 0;
  expected<void> fed;
  for (std::size_t at = 0; at < message.size() && fed; at += 16'384) {
    const auto piece = message.substr(at, 16'384);
    const std::string head{'\x16', '\x03', '\x01', static_cast<char>(piece.size() >> 8),
                           static_cast<char>(piece.size() & 0xff)};
    sent += head.size() + piece.size();
    fed = server.feed(head + piece);
  }
  ASSERT_FALSE(fed) << sent;
  EXPECT_EQ(fed.error().code, errc::too_big);
  EXPECT_LE(sent, tls_session::max_handshake_bytes + 16'389);
}

TEST_F(TlsSessionTest, WhatNobodyTakesOrSendsIsBounded) {
  settle(client, server);
  const auto megabyte = noise(1 << 20);
  std::string record;
  ASSERT_TRUE(client.write(megabyte));
  record = client.output();
  client.consume_output(record.size());

  expected<void> fed;
  std::size_t bytes = 0;
  for (; fed && bytes <= 2 * tls_session::max_buffered_bytes; bytes += record.size())
    fed = server.feed(record);
  EXPECT_EQ(fed.error().code, errc::too_big);
  EXPECT_LE(bytes, tls_session::max_buffered_bytes + 2 * record.size());

  expected<void> written;
  for (bytes = 0; written && bytes <= 2 * tls_session::max_buffered_bytes; bytes += megabyte.size())
    written = client.write(megabyte);
  EXPECT_EQ(written.error().code, errc::too_big);
  EXPECT_LE(client.output().size(), tls_session::max_buffered_bytes + megabyte.size());
}

TEST_F(TlsSessionTest, AChangedByteIsNeverDelivered) {
  settle(client, server);
  ASSERT_TRUE(client.write("pay 10"));
  std::string record{client.output()};
  record[record.size() / 2] = static_cast<char>(record[record.size() / 2] ^ 1);
  ASSERT_TRUE(server.feed(record));

  EXPECT_EQ(fault_of(server).code, errc::io);
  EXPECT_FALSE(server.output().empty()) << "the peer is told";
}

TEST_F(TlsSessionTest, AClosedEndSaysSoAndStillListens) {
  settle(client, server);
  ASSERT_TRUE(client.write("last words"));
  client.close();
  client.close();
  EXPECT_EQ(client.write("more").error().code, errc::refused);
  carry(client, server);

  EXPECT_FALSE(server.ended());
  EXPECT_EQ(taken(server), "last words");
  EXPECT_TRUE(server.ended());
  ASSERT_TRUE(server.write("an answer"));
  carry(server, client);
  EXPECT_EQ(taken(client), "an answer");
  EXPECT_FALSE(client.ended());
  server.close();
  carry(server, client);
  EXPECT_EQ(taken(client), "");
  EXPECT_TRUE(client.ended());
}

TEST_F(TlsSessionTest, ASessionThatMovesGoesOn) {
  settle(client, server);
  tls_session moved{std::move(client)};
  ASSERT_TRUE(moved.write("one"));
  carry(moved, server);
  tls_session assigned{*a, tls_role::client};
  assigned = std::move(moved);
  ASSERT_TRUE(assigned.write(" two"));
  carry(assigned, server);
  EXPECT_EQ(taken(server), "one two");
  EXPECT_THAT(assigned.peer_names(), ElementsAre("b"));
}
