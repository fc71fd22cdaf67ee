#include "cluster/link_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::cluster;

namespace {

link_hello some_hello() {
  link_hello hello;
  hello.cluster = "blue";
  hello.store_id = make_uuid();
  hello.generation = {3, 0xffff'ffff'ffff'ffff};
  hello.cursor = {70'000};
  hello.history_hash = sha256("history");
  hello.primary = make_uuid();
  hello.node = make_uuid();
  hello.node_name = "node-a";
  hello.incarnation = make_uuid();
  hello.purpose = link_purpose::control;
  hello.loop = 300;
  hello.address = "10.0.0.1:7000";
  hello.control_port = 65'535;
  return hello;
}

/// The only frame in `bytes`; the views point into them.
link_frame only(const buffer& bytes) {
  link_frame_reader reader;
  reader.feed(bytes.view());
  const auto frame = reader.next();
  EXPECT_TRUE(frame && *frame);
  EXPECT_TRUE(reader.rest().empty());
  return frame && *frame ? **frame : link_frame{};
}

/// A frame of these bytes with its length before them.
std::string framed(const std::string& array) {
  std::string out(4, '\0');
  for (std::size_t i = 0; i < 4; ++i)
    out[i] = static_cast<char>(array.size() >> (8 * i) & 0xff);
  return out + array;
}

errc problem_of(const std::string& bytes) {
  link_frame_reader reader;
  reader.feed(bytes);
  const auto frame = reader.next();
  if (frame)
    return errc{};
  EXPECT_EQ(reader.next().error().code, frame.error().code) << "an error stays";
  return frame.error().code;
}

}  // namespace

TEST(LinkFrameTest, AHelloComesOutAsItWentIn) {
  const auto sent = some_hello();
  buffer out;
  append_hello(out, sent);

  const auto got = read_hello(only(out));

  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(*got, sent);
}

TEST(LinkFrameTest, AHelloOfAnotherVersionIsReadOnlyAsFarAsItsVersions) {
  // [hello, 0, 7, 9, and fields that only version 7 knows]
  const auto bytes = framed("\x95\x01" + std::string(1, '\0') + "\x07\x09\x90");
  link_frame_reader reader;
  reader.feed(bytes);

  const auto got = read_hello(**reader.next());

  ASSERT_TRUE(got);
  EXPECT_EQ(got->min_version, 7u);
  EXPECT_FALSE(compatible(link_hello{}, *got));
  EXPECT_EQ(versions_text(link_hello{}, *got),
            "this node speaks versions 1 to 1 of the link protocol, the other 7 to 9");
}

TEST(LinkFrameTest, AHelloWithoutItsFieldsOrWithTextsThatAreTooLongIsNone) {
  EXPECT_FALSE(read_hello(link_frame{}));
  link_frame_reader reader;
  const auto bare = framed("\x94\x01" + std::string(1, '\0') + "\x01\x01");
  reader.feed(bare);
  EXPECT_EQ(read_hello(**reader.next()).error().code, errc::corrupt);

  auto hello = some_hello();
  hello.node_name.assign(256, 'n');
  buffer out;
  append_hello(out, hello);
  EXPECT_EQ(read_hello(only(out)).error().code, errc::corrupt);
}

TEST(LinkFrameTest, CallsAndAnswersCarryHeadAndTheFirstBytesOfTheirBody) {
  buffer call;
  append_call(call, 1 << 20, link_topic::code, 2'500, "head", 1'000'000, "first");
  buffer answer;
  append_answer(answer, 77, std::string(300, 'h'), 3, "abc");

  const auto got = only(call);
  EXPECT_EQ(got.kind, link_kind::call);
  EXPECT_EQ(got.call_id, 1u << 20);
  EXPECT_EQ(got.topic, 3u);
  EXPECT_EQ(got.remaining_ms, 2'500u);
  EXPECT_EQ(got.head, "head");
  EXPECT_EQ(got.total, 1'000'000u);
  EXPECT_EQ(got.body, "first");
  const auto back = only(answer);
  EXPECT_EQ(back.kind, link_kind::answer);
  EXPECT_EQ(back.head.size(), 300u);
  EXPECT_EQ(back.total, 3u);
  EXPECT_EQ(back.body, "abc");
}

TEST(LinkFrameTest, TheSmallFramesCarryTheirFields) {
  buffer out;
  append_ping(out, 5, 123'456'789'012);
  EXPECT_EQ(only(out).kind, link_kind::ping);
  EXPECT_EQ(only(out).number, 5u);
  EXPECT_EQ(only(out).sent, 123'456'789'012u);
  out.clear();
  append_pong(out, 6, 7);
  EXPECT_EQ(only(out).kind, link_kind::pong);
  out.clear();
  append_data(out, 9, "bytes", true);
  EXPECT_EQ(only(out).body, "bytes");
  EXPECT_TRUE(only(out).last);
  out.clear();
  append_credit(out, 0, 65'536);
  EXPECT_EQ(only(out).kind, link_kind::credit);
  EXPECT_EQ(only(out).number, 65'536u);
  out.clear();
  append_not_run(out, 4, errc::stale, std::string(5'000, 'x'));
  EXPECT_EQ(only(out).kind, link_kind::not_run);
  EXPECT_EQ(only(out).number, static_cast<std::uint64_t>(errc::stale));
  EXPECT_EQ(only(out).text.size(), 1'000u);
  out.clear();
  append_failed(out, 4, errc::bug, "why");
  EXPECT_EQ(only(out).kind, link_kind::failed);
  out.clear();
  append_refuse_hello(out, "another cluster");
  EXPECT_EQ(only(out).text, "another cluster");
  out.clear();
  append_cancel(out, 12);
  EXPECT_EQ(only(out).kind, link_kind::cancel);
  EXPECT_EQ(only(out).call_id, 12u);
  out.clear();
  append_goodbye(out);
  EXPECT_EQ(only(out).kind, link_kind::goodbye);
}

TEST(LinkFrameTest, TheLargestHeadAndPieceFitOneFrame) {
  const std::string head(max_link_head_bytes, 'h');
  const std::string piece(max_link_frame_bytes - link_frame_slack - head.size(), 'p');
  buffer out;
  append_call(out, ~std::uint64_t{0}, link_topic::invoke, 86'400'000, head, ~std::uint64_t{0}, piece);

  EXPECT_LE(out.size(), max_link_frame_bytes + 4);
  EXPECT_EQ(only(out).body.size(), piece.size());
}

TEST(LinkFrameTest, ALengthOverTheLimitIsRefusedBeforeTheFrameComes) {
  EXPECT_EQ(problem_of(std::string("\x01\x00\x01\x00", 4)), errc::too_big);
  EXPECT_EQ(problem_of("GET / HTTP/1.1\r\n"), errc::too_big);
  EXPECT_EQ(problem_of(std::string("\x16\x03\x01\x02", 4)), errc::too_big) << "TLS";
}

TEST(LinkFrameTest, WhatIsNoArrayOfKnownValuesIsCorrupt) {
  EXPECT_EQ(problem_of(framed("")), errc::corrupt);
  EXPECT_EQ(problem_of(framed("\x91\x03")), errc::corrupt) << "no call id";
  EXPECT_EQ(problem_of(framed(std::string("\x92\x06\x01", 3))), errc::corrupt) << "data without its bytes";
  EXPECT_EQ(problem_of(framed(std::string("\x93\x09\x01\xc3", 4))), errc::corrupt) << "a boolean";
  EXPECT_EQ(problem_of(framed(std::string("\x92\x0a\x01\x00", 4))), errc::corrupt) << "a byte too many";
}

TEST(LinkFrameTest, FieldsAndKindsOfNewerNodesArePassedOver) {
  buffer more_fields{framed("\x95\x0a\x05\x07\xa3new\x92\x01\xc0")};
  EXPECT_EQ(only(more_fields).kind, link_kind::cancel);
  buffer new_kind{framed("\x93\x64\x05\xa3new")};
  EXPECT_EQ(only(new_kind).kind, link_kind::unknown);
}

TEST(LinkFrameTest, TheRestBehindAFrameIsKnown) {
  buffer out;
  append_goodbye(out);
  append_cancel(out, 3);
  const auto first = only([] {
    buffer b;
    append_goodbye(b);
    return b;
  }());
  EXPECT_EQ(first.kind, link_kind::goodbye);
  for (std::size_t cut = 0; cut <= 7; ++cut) {
    link_frame_reader reader;
    reader.feed(out.view().substr(0, cut));
    if (cut > 0 && cut < 7) {
      EXPECT_FALSE(*reader.next());
    }
    reader.feed(out.view().substr(cut == 7 ? 0 : cut));
    ASSERT_TRUE(*reader.next());
    EXPECT_EQ(reader.rest().size(), 7u);
  }
}
