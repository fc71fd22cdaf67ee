#include "functions/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <msgpack.hpp>
#include <vector>

using namespace troupe;
using namespace troupe::functions;

namespace {

constexpr std::size_t payload_limit = 6'291'556;

void feed(frame_reader& reader, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = reader.room();
    const auto count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    bytes.remove_prefix(count);
  }
}

/// What a peer that uses a library would read.
msgpack::object_handle unpacked(const buffer& out) {
  EXPECT_EQ(static_cast<unsigned char>(out.data()[0]) | static_cast<unsigned char>(out.data()[1]) << 8, out.size() - 4);
  return msgpack::unpack(out.data() + 4, out.size() - 4);
}

std::string framed(std::string_view array) {
  std::string out;
  for (int i = 0; i < 4; ++i)
    out.push_back(static_cast<char>(array.size() >> (8 * i) & 0xff));
  return out.append(array);
}

frame read_one(frame_reader& reader, std::string_view bytes) {
  feed(reader, bytes);
  const auto got = reader.next();
  if (!got || !*got)
    throw std::runtime_error{"no frame"};
  return **got;
}

errc refused(std::string_view bytes) {
  frame_reader reader{payload_limit};
  feed(reader, bytes);
  const auto got = reader.next();
  return got ? errc::bug : got.error().code;
}

std::string call_frame(std::uint64_t id, std::string_view event, const call_fields& fields) {
  buffer out;
  const auto mark = begin_call(out, id);
  out.append(event);
  EXPECT_TRUE(end_call(out, mark, fields, payload_limit));
  return std::string{out.view()};
}

}  // namespace

TEST(FrameTest, EveryKindComesBackAsItWent) {
  buffer out;
  append_hello(out, frame_protocol_version, "nodejs");
  append_load(out, "{}");
  append_loaded(out, 123'456);
  out.append(call_frame(70'000, "{\"e\":1}", {"id", 1'785'000'000'123, "Root=1", "{\"c\":2}"}));
  append_answer(out, 1, "[1]");
  append_error(out, 0, "{\"errorType\":\"E\"}", "Function.E");
  append_cancel(out, 0x1'0000'0000);
  append_cancelled(out, 255);
  append_log(out, 3, "invocation", "a line");
  append_ping(out, 65'535);
  append_pong(out, 65'536);
  append_stop(out);
  append_shape(out, 31, "{\"a\":\1}");
  append_shaped_call(out, 70'000, 31, {"id", 1'785'000'000'123, "Root=1", ""}, ",\"x\",5");
  frame_reader reader{payload_limit};
  feed(reader, out.view());

  std::vector<frame> got;
  for (auto next = reader.next(); next && *next; next = reader.next())
    got.push_back(**next);

  ASSERT_EQ(got.size(), 14u);
  EXPECT_EQ(got[0].kind, frame_kind::hello);
  EXPECT_EQ(got[0].number, 1u);
  EXPECT_EQ(got[0].text, "nodejs");
  EXPECT_EQ(got[1].kind, frame_kind::load);
  EXPECT_EQ(got[1].payload, "{}");
  EXPECT_EQ(got[2].number, 123'456u);
  EXPECT_EQ(got[3].kind, frame_kind::call);
  EXPECT_EQ(got[3].call_id, 70'000u);
  EXPECT_EQ(got[3].payload, "{\"e\":1}");
  EXPECT_EQ(got[3].text, "id");
  EXPECT_EQ(got[3].number, 1'785'000'000'123u);
  EXPECT_EQ(got[3].trace_id, "Root=1");
  EXPECT_EQ(got[3].client_context, "{\"c\":2}");
  EXPECT_EQ(got[4].payload, "[1]");
  EXPECT_EQ(got[5].text, "Function.E");
  EXPECT_EQ(got[6].call_id, 0x1'0000'0000u);
  EXPECT_EQ(got[7].kind, frame_kind::cancelled);
  EXPECT_EQ(got[8].text, "invocation");
  EXPECT_EQ(got[8].payload, "a line");
  EXPECT_EQ(got[9].call_id, 65'535u);
  EXPECT_EQ(got[10].kind, frame_kind::pong);
  EXPECT_EQ(got[11].kind, frame_kind::stop);
  EXPECT_EQ(got[12].kind, frame_kind::shape);
  EXPECT_EQ(got[12].call_id, 31u);
  EXPECT_EQ(got[12].payload, "{\"a\":\1}");
  EXPECT_EQ(got[13].kind, frame_kind::shaped_call);
  EXPECT_EQ(got[13].call_id, 70'000u);
  EXPECT_EQ(got[13].number, 31u);
  EXPECT_EQ(got[13].payload, "[\"id\",1785000000123,\"Root=1\",\"x\",5]");
}

TEST(FrameTest, IsWhatMsgpackLibrariesRead) {
  for (const std::size_t size : {0u, 31u, 32u, 255u, 256u, 65'535u, 65'536u}) {
    buffer out;
    append_error(out, size, std::string(size, 'p'), std::string(size, 't'));
    const auto handle = msgpack::unpack(out.data() + 4, out.size() - 4);
    const auto array = handle.get().as<std::vector<msgpack::object>>();
    ASSERT_EQ(array.size(), 4u);
    EXPECT_EQ(array[0].as<int>(), 6);
    EXPECT_EQ(array[1].as<std::size_t>(), size);
    EXPECT_EQ(array[2].type, msgpack::type::BIN);
    EXPECT_EQ(array[2].via.bin.size, size);
    EXPECT_EQ(array[3].type, msgpack::type::STR);
    EXPECT_EQ(array[3].as<std::string>(), std::string(size, 't'));
  }
  buffer call{call_frame(7, "{}", {"i", 9, "t", ""})};
  const auto handle = unpacked(call);
  const auto array = handle.get().as<std::vector<msgpack::object>>();
  ASSERT_EQ(array.size(), 7u);
  EXPECT_EQ(array[2].via.bin.size, 2u);
  EXPECT_EQ(array[6].type, msgpack::type::BIN);
}

TEST(FrameTest, ReadsWhatMsgpackLibrariesWrite) {
  msgpack::sbuffer bytes;
  msgpack::packer<msgpack::sbuffer> pack{bytes};
  pack.pack_array(20).pack_uint64(5).pack_uint32(8).pack_bin(3).pack_bin_body("abc", 3);
  for (int i = 0; i < 17; ++i)
    pack.pack_nil();
  frame_reader reader{payload_limit};

  const auto got = read_one(reader, framed({bytes.data(), bytes.size()}));

  EXPECT_EQ(got.kind, frame_kind::answer);
  EXPECT_EQ(got.call_id, 8u);
  EXPECT_EQ(got.payload, "abc");
}

TEST(FrameTest, NilStandsForAnEmptyField) {
  frame_reader reader{payload_limit};

  const auto got = read_one(reader, framed("\x97\x04\x01\xc0\xa1i\x05\xc0\xc0"));

  EXPECT_EQ(got.payload, "");
  EXPECT_EQ(got.text, "i");
  EXPECT_EQ(got.number, 5u);
  EXPECT_EQ(got.client_context, "");
}

TEST(FrameTest, UnknownTrailingFieldsAreSkipped) {
  frame_reader reader{payload_limit};
  const std::string extra = "\x96\x05\x09\xc4\x02hi\xcd\x01\x02\x92\xa1x\x91\xc0\xd9\x01y";

  EXPECT_EQ(read_one(reader, framed(extra)).payload, "hi");
}

TEST(FrameTest, UnknownKindsAreReportedAsSuch) {
  frame_reader reader{payload_limit};

  const auto got = read_one(reader, framed("\x93\xcc\xc8\x05\xa1x"));

  EXPECT_EQ(got.kind, frame_kind::unknown);
  EXPECT_EQ(got.kind_number, 200u);
  EXPECT_EQ(got.call_id, 5u);
}

TEST(FrameTest, WhatIsNoFrameIsCorruptForEver) {
  using namespace std::string_view_literals;
  for (const auto array : {""sv,
                           "\x05"sv,
                           "\x90"sv,
                           "\x91\x05"sv,
                           "\x92\x05"sv,
                           "\x92\x05\x01"sv,
                           "\x93\x05\x01\xa1x"sv,
                           "\x93\x05\x01\x07"sv,
                           "\x93\x05\x01\xc4\x05x"sv,
                           "\x93\x05\x01\xc6\xff\xff\xff\xffx"sv,
                           "\x93\x05\xff\xc4\x00"sv,
                           "\x93\x05\xd0\x01\xc4\x00"sv,
                           "\x93\x05\x01\xc4\x00\x00"sv,
                           "\x94\x05\x01\xc4\x00"sv,
                           "\x94\x05\x01\xc4\x00\xc3"sv,
                           "\x94\x05\x01\xc4\x00\xdc\xff\xff"sv,
                           "\x94\x05\x01\xc4\x00\x81\x01\x02"sv,
                           "\xdc\x00"sv,
                           "\x92\xcf\x01"sv,
                           "\x93\x01\x00\xc0"sv})
    EXPECT_EQ(refused(framed(array)), errc::corrupt) << testing::PrintToString(array);

  frame_reader reader{payload_limit};
  feed(reader, framed("\xc1"));
  EXPECT_EQ(reader.next().error().code, errc::corrupt);
  buffer good;
  append_stop(good);
  feed(reader, good.view());
  EXPECT_EQ(reader.next().error().code, errc::corrupt);
}

TEST(FrameTest, ALengthOverTheLimitIsRefusedBeforeMemoryIsMade) {
  frame_reader reader{1000};
  feed(reader, "\xff\xff\xff\x7f");

  EXPECT_LT(reader.room().size(), 1u << 20);
  EXPECT_EQ(reader.next().error().code, errc::too_big);

  frame_reader exact{1000};
  buffer out;
  append_answer(out, 1, std::string(1000, 'x'));
  EXPECT_EQ(read_one(exact, out.view()).payload.size(), 1000u);
}

TEST(FrameTest, AnEventOverTheLimitIsTakenBack) {
  buffer out{"before"};
  const auto mark = begin_call(out, 1);
  out.append("12345");

  const auto result = end_call(out, mark, {"i", 1, "t", ""}, 4);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::payload_too_large);
  EXPECT_EQ(out.view(), "before");
}

TEST(FrameTest, TheLastBytesOfALargeFrameDoNotDoubleItsMemory) {
  buffer out;
  append_answer(out, 1, std::string(1'000'000, 'x'));
  frame_reader reader{payload_limit};
  feed(reader, out.view().substr(0, out.size() - 100));

  EXPECT_EQ(reader.room().size(), 100u);
  feed(reader, out.view().substr(out.size() - 100));
  const auto whole = reader.next();
  ASSERT_TRUE(whole && *whole);
  reader.pause();
  EXPECT_LE(reader.room().size(), 128u * 1024);
}

TEST(FrameTest, APauseInAFrameTakesNothingOfIt) {
  buffer out;
  append_answer(out, 1, std::string(1'000'000, 'x'));
  append_ping(out, 2);
  frame_reader reader{payload_limit};
  std::vector<std::uint64_t> ids;
  for (auto left = out.view(); !left.empty();) {
    const auto piece = left.substr(0, 300'000);
    feed(reader, piece);
    left.remove_prefix(piece.size());
    for (auto got = reader.next(); got && *got; got = reader.next())
      ids.push_back((*got)->call_id);
    reader.pause();
  }
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2}));
}

TEST(FrameTest, LargeFramesArriveInFewReads) {
  buffer out;
  const std::string payload(6'000'000, 'x');
  append_answer(out, 1, payload);
  append_ping(out, 2);
  frame_reader reader{payload_limit};
  std::size_t reads = 0;
  bool whole = false;
  std::uint64_t last_id = 0;

  for (std::string_view left = out.view(); !left.empty(); ++reads) {
    const auto room = reader.room();
    const auto count = std::min(room.size(), left.size());
    std::memcpy(room.data(), left.data(), count);
    reader.commit(count);
    left.remove_prefix(count);
    for (auto got = reader.next(); got && *got; got = reader.next()) {
      whole = whole || (*got)->payload == payload;
      last_id = (*got)->call_id;
    }
  }

  EXPECT_TRUE(whole);
  EXPECT_EQ(last_id, 2u);
  EXPECT_LE(reads, 3u);
  EXPECT_LT(reader.room().size(), 1u << 20) << "the memory of the large frame is given back";
}
