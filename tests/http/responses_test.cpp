#include "http/responses.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace {

struct row {
  errc code;
  unsigned strict;
  unsigned truthful;
  bool retry = false;
};

const std::vector<row> table = {
    {errc::function_error, 500, 502},    {errc::function_crashed, 500, 502},
    {errc::malformed_answer, 500, 502},  {errc::answer_too_large, 500, 502},
    {errc::function_timeout, 500, 504},  {errc::budget_spent, 503, 504},
    {errc::no_capacity, 503, 503, true}, {errc::overloaded, 503, 503, true},
    {errc::draining, 503, 503, true},    {errc::breaker_open, 503, 503, true},
    {errc::not_ready, 503, 503, true},   {errc::unavailable, 503, 503, true},
    {errc::init_failed, 500, 502},       {errc::unknown_outcome, 502, 502},
    {errc::link_lost, 502, 502},         {errc::link_down, 503, 503, true},
    {errc::stale, 503, 503, true},       {errc::no_such_route, 404, 404},
    {errc::no_such_function, 500, 500},  {errc::payload_too_large, 413, 413},
    {errc::too_big, 413, 413},           {errc::bug, 500, 500},
};

std::string message(std::string_view text) {
  return "{\"message\":\"" + std::string{text} + "\"}";
}

const std::map<unsigned, std::string> bodies = {{400, message("Bad Request")},
                                                {404, message("Not Found")},
                                                {413, message("Request Entity Too Large")},
                                                {429, message("Too Many Requests")},
                                                {500, message("Internal Server Error")},
                                                {502, message("Bad Gateway")},
                                                {503, message("Service Unavailable")},
                                                {504, message("Gateway Timeout")}};

std::string fields(std::string_view cause, bool retry) {
  return "content-type: application/json\r\nx-troupe-error: " + std::string{cause} + "\r\n" +
         (retry ? "retry-after: 1\r\n" : "");
}

const std::string methods = "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n";

}  // namespace

TEST(ResponsesTest, EveryCauseHasItsStatusBodyAndName) {
  for (const auto& [code, strict, truthful, retry] : table) {
    for (const auto& [mode, status] :
         {std::pair{error_mode::strict, strict}, std::pair{error_mode::truthful, truthful}}) {
      const auto got = error_reply(code, mode);
      EXPECT_EQ(got.status, status) << to_string(code);
      EXPECT_EQ(status_of(code, mode), status) << to_string(code);
      EXPECT_EQ(got.body_view(), bodies.at(status)) << to_string(code);
      EXPECT_EQ(got.fields, fields(to_string(code), retry)) << to_string(code);
    }
  }
}

TEST(ResponsesTest, BodiesHaveTheLengthsSeenOnTheWire) {
  EXPECT_EQ(error_reply(errc::no_such_route, error_mode::strict).body_view().size(), 23u);
  EXPECT_EQ(error_reply(errc::function_error, error_mode::strict).body_view().size(), 35u);
}

TEST(ResponsesTest, EveryCodeIsAnErrorInBothModes) {
  for (unsigned code = 1; code < 256; ++code)
    for (const auto mode : {error_mode::strict, error_mode::truthful}) {
      const auto status = status_of(static_cast<errc>(code), mode);
      EXPECT_TRUE(status >= 400 && status <= 599) << code;
      EXPECT_FALSE(reason_phrase(status).empty()) << code;
    }
  EXPECT_EQ(status_of(static_cast<errc>(250), error_mode::strict), 500u);
}

TEST(ResponsesTest, RefusalsNameTheirCause) {
  for (const auto& cause : refusal_causes) {
    const auto got = refusal_reply(cause.status, "why");
    EXPECT_EQ(got.status, cause.status);
    EXPECT_EQ(got.fields, fields(cause.name, false) + (cause.status == 405 ? methods : ""));
    EXPECT_EQ(got.body_view(), message(cause.status == 413 ? "Request Entity Too Large" : reason_phrase(cause.status)));
    EXPECT_EQ(got.cause_name(), cause.name);
    EXPECT_EQ(got.detail, "why");
  }
}

TEST(ResponsesTest, TheNameOfARefusalIsThatOfItsStatus) {
  for (const auto& cause : refusal_causes) {
    std::string name;
    for (const char c : reason_phrase(cause.status))
      name += std::isalpha(static_cast<unsigned char>(c)) != 0
                  ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                  : '_';
    EXPECT_EQ(cause.name, name);
  }
}

TEST(ResponsesTest, AStatusThatNothingIsRefusedWithIsTheNodesFault) {
  const auto got = refusal_reply(402);
  EXPECT_EQ(got.status, 500u);
  EXPECT_EQ(got.cause_name(), "bug");
}

TEST(ResponsesTest, ReasonPhrasesAreThoseOfIana) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(226), "IM Used");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  for (const unsigned unregistered : {0u, 99u, 104u, 209u, 306u, 418u, 430u, 452u, 509u, 599u, 1000u})
    EXPECT_EQ(reason_phrase(unregistered), "") << unregistered;
}
