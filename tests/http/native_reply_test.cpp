#include <gtest/gtest.h>

#include "http/lambda_reply.hpp"

using namespace troupe;
using namespace troupe::http;
using functions::foreign_bytes;
using functions::native_response;

namespace {

native_response response(unsigned status, decltype(native_response::headers) headers, std::string body) {
  native_response out;
  out.status = status;
  out.headers = std::move(headers);
  out.body = foreign_bytes{std::move(body)};
  return out;
}

errc refused(native_response&& value) {
  const auto got = make_reply(std::move(value));
  return got ? errc::bug : got.error().code;
}

}  // namespace

TEST(NativeReplyTest, StatusFieldsAndBodyAreTheHandlers) {
  const auto got = make_reply(response(201, {{"X-A", "b, c"}, {"Set-Cookie", "a=1"}, {"set-cookie", "b=2"}}, "body"));

  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 201u);
  EXPECT_EQ(got->fields,
            "X-A: b, c\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-type: text/plain; charset=utf-8\r\n");
  EXPECT_EQ(got->body_view(), "body");
}

TEST(NativeReplyTest, TheBodyIsMovedAndReleasedOnce) {
  static int released;
  released = 0;
  static constexpr std::string_view bytes = "not copied";
  native_response value;
  value.body = foreign_bytes{bytes, nullptr, [](void*) { ++released; }};

  {
    const auto got = make_reply(std::move(value));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body_view().data(), bytes.data());
    EXPECT_EQ(released, 0);
  }

  EXPECT_EQ(released, 1);
}

TEST(NativeReplyTest, WhatHttpDoesNotAllowIsMalformed) {
  EXPECT_EQ(refused(response(0, {}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(199, {}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(600, {}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(200, {{"", "x"}}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(200, {{"a b", "x"}}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(200, {{"a", "x\r\ny: z"}}, "")), errc::malformed_answer);
  EXPECT_EQ(refused(response(200, {{"a", std::string_view{"x\0y", 3}}}, "")), errc::malformed_answer);
}

TEST(NativeReplyTest, FieldsOfTheConnectionAreDropped) {
  const auto got = make_reply(response(
      200, {{"Content-Length", "9"}, {"transfer-encoding", "chunked"}, {"Date", "x"}, {"content-type", "a/b"}}, "x"));

  ASSERT_TRUE(got);
  EXPECT_EQ(got->fields, "content-type: a/b\r\n");
}

TEST(NativeReplyTest, StatusesWithoutABodyGetNone) {
  for (const unsigned status : {204u, 304u}) {
    const auto got = make_reply(response(status, {}, "body"));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->fields, "");
    EXPECT_EQ(got->body_view(), "");
  }
}
