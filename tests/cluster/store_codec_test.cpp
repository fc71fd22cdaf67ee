#include "cluster/store_codec.hpp"

#include <gtest/gtest.h>

#include <msgpack.hpp>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes.fill(n);
  return made;
}

history_row row(std::uint64_t at) {
  return {{{at}, id(1), row_kind::voided, 5ms, sha256("body"), sha256("hash")}, std::string("a\0b", 3)};
}

/// One of each kind, with every field set.
std::vector<store_message> samples() {
  const store_identity identity{id(1), {2, 3}, id(4), {5}};
  const std::vector<guard> guards{{"k", 7, 8}};
  const std::vector<cluster::write> writes{{"k", std::string("v\xff", 2), true, id(9)}};
  const node_record node{id(1), "name", {"h:1", "h:2"}, 1, 2, 4, 1'024};
  std::vector<store_message> all{
      hello_message{node, id(2), store_role::primary, identity, {9}, sha256("x"), id(3), "p", "p:1", "halted"},
      subscribe_message{identity, {4}, sha256("y")},
      unsubscribe_message{},
      rows_message{{row(1), row(2)}},
      load_message{3, true, identity, {7}, {{"k", "v", 6}}, {row(7).head}, "body"},
      load_next_message{4},
      level_message{{5}, sha256("z")},
      not_primary_message{12},
      not_fed_message{}};
  for (store_call call : std::vector<store_call>{
           commit_call{{guards, writes, id(1)}}, outcome_call{id(2)}, barrier_call{},
           open_session_call{id(1), id(2), id(3), "a:1", 9s}, renew_call{id(1), id(2), id(3)},
           claim_call{id(1), "r", guards, writes, id(2)}, transfer_call{"r", 5, id(1), guards, writes, id(2)},
           release_call{"r", 5, id(1)}, register_call{node, id(1)}, remove_node_call{id(1), id(2)},
           move_call{id(1), id(2)}, spread_call{{3}}})
    all.push_back(call_message{1, 2s, std::move(call)});
  for (store_answer answer : std::vector<store_answer>{
           committed{{3}}, conflicted{{{"k", "v", 2}}}, voided{}, refused{{errc::full, "why"}},
           outcome_of_commit{settled::voided, {4}}, reached{{5}}, session_granted{3s, {4}}, incarnation_alive{"a:1"},
           no_session{session_end::superseded}, owned{7}, held{id(3), 8}, spread{{"a", "b"}}})
    all.push_back(answer_message{6, std::move(answer)});
  return all;
}

}  // namespace

TEST(StoreCodecTest, EveryMessageComesBackAsItWas) {
  for (const auto& message : samples()) {
    const auto bytes = encode(message);
    const auto back = decode_store_message(bytes);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->index(), message.index());
    EXPECT_EQ(encode(*back), bytes);
  }
}

TEST(StoreCodecTest, FieldsReachTheirPlaces) {
  const auto back = *decode_store_message(encode(samples()[0]));

  const auto& hello = std::get<hello_message>(back);
  EXPECT_EQ(hello.node.addresses, (std::vector<std::string>{"h:1", "h:2"}));
  EXPECT_EQ(hello.node.memory_mb, 1'024u);
  EXPECT_EQ(hello.identity.parent_cursor, cursor{5});
  EXPECT_EQ(hello.hash, sha256("x"));
  EXPECT_EQ(hello.primary_address, "p:1");
  EXPECT_EQ(hello.halted, "halted");
}

TEST(StoreCodecTest, NoCutOrChangedMessageIsTakenForAnotherOrReadsPastItsEnd) {
  for (const auto& message : samples()) {
    const auto bytes = encode(message);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_FALSE(decode_store_message(std::string_view{bytes}.substr(0, length))) << length;
    // A changed byte may make another message, or none; the sanitizers watch that nothing is read that is not there.
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 0x41);
      const auto back = decode_store_message(changed);
      if (back) {
        EXPECT_TRUE(decode_store_message(encode(*back)));
      }
    }
    EXPECT_FALSE(decode_store_message(bytes + "x"));
  }
}

TEST(StoreCodecTest, UnknownKeysAreSkippedAndUnknownKindsRefused) {
  msgpack::sbuffer newer;
  msgpack::packer<msgpack::sbuffer> out{newer};
  out.pack_array(2).pack(5).pack_map(2);
  out.pack("later").pack_array(1).pack("x");
  out.pack("number").pack(4);
  const auto read = decode_store_message({newer.data(), newer.size()});
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<load_next_message>(*read).number, 4u);

  msgpack::sbuffer unknown;
  msgpack::packer<msgpack::sbuffer>{unknown}.pack_array(2).pack(99).pack_map(0);
  const auto refusal = decode_store_message({unknown.data(), unknown.size()});
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, errc::corrupt);
}
