// What a worker's handler sent back, as an HTTP reply: what another JSON library makes of it by the rules of the
// format, and never a line in the head that a handler could add.
#include <algorithm>
#include <functional>
#include <optional>

#include "config/text.hpp"
#include "http/byte_class.hpp"
#include "http/lambda_reply.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/reply_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using nlohmann::json;

namespace {

enum outcome : std::size_t { response, malformed, verbatim, text, binary };

struct answered {
  unsigned status = 200;
  std::string body;
};

bool all_are(std::string_view bytes, http::byte_class wanted) {
  return std::all_of(bytes.begin(), bytes.end(), [&](char c) { return http::is(c, wanted); });
}

bool are_good_headers(const json& headers) {
  if (!headers.is_object())
    return headers.is_null();
  return std::all_of(headers.items().begin(), headers.items().end(), [](const auto& field) {
    const auto& value = field.value();
    return !field.key().empty() && all_are(field.key(), http::token_byte) &&
           (value.is_number() || value.is_boolean() ||
            (value.is_string() && all_are(value.template get_ref<const std::string&>(), http::value_byte)));
  });
}

bool are_good_cookies(const json& cookies) {
  return !cookies.is_array() || std::all_of(cookies.begin(), cookies.end(), [](const json& each) {
    return each.is_string() && all_are(each.get_ref<const std::string&>(), http::value_byte);
  });
}

unsigned status_of(const json& given) {
  if (given.is_number_unsigned())
    return static_cast<unsigned>(std::min<std::uint64_t>(given.get<std::uint64_t>(), 1'000));
  const auto digits = given.is_string() ? given.get<std::string>() : std::string{};
  return digits.size() == 3 && digits.find_first_not_of("0123456789") == digits.npos
             ? static_cast<unsigned>(std::stoul(digits))
             : 0;
}

/// The rules of http/lambda_reply.hpp, by way of a tree. @returns nothing for a malformed response.
std::optional<answered> expected_of(const json& given) {
  const auto get = [&](const char* name) { return given.contains(name) ? given[name] : json{}; };
  const auto body = get("body");
  const auto encoded = get("isBase64Encoded");
  answered out{status_of(given["statusCode"]), {}};
  if (out.status < 200 || out.status > 599 || !are_good_headers(get("headers")) || !are_good_cookies(get("cookies")) ||
      !(body.is_null() || body.is_string()) || !(encoded.is_null() || encoded.is_boolean()))
    return std::nullopt;
  if (body.is_null() || out.status == 204 || out.status == 304)
    return out;
  out.body = body.get<std::string>();
  if (encoded != true)
    return out;
  auto decoded = base64_decode(out.body);
  if (!decoded)
    return std::nullopt;
  out.body = std::move(*decoded);
  return out;
}

/// The tree keeps the last of doubled members.
bool has_doubled_member(std::string_view bytes) {
  std::size_t members = 0;
  const auto tree = json::parse(
      bytes,
      [&](int, json::parse_event_t event, json&) {
        members += event == json::parse_event_t::key;
        return true;
      },
      false);
  const std::function<std::size_t(const json&)> count = [&](const json& value) {
    std::size_t all = value.is_object() ? value.size() : 0;
    if (value.is_structured())
      for (const auto& each : value)
        all += count(each);
    return all;
  };
  return count(tree) != members;
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {R"({"statusCode": 200, "headers": {"x-a": "b\u00e4", "n": -15, "t": true}, "cookies": ["a=b", "c\t"],)"
                R"( "x": [[], {}, null, {"y": [1, "2", {"z": false}]}], "isBase64Encoded": false,)"
                R"( "body": "{\"message\":\"Hello \ud83d\ude00\"}"})",
                R"({"statusCode":"404","body":"aGVsbG8=","isBase64Encoded":true,"headers":{"Content-Type":"a/b"}})",
                R"({"statusCode":204,"body":"x","cookies":null,"headers":null})", R"({"message":"hello"})",
                R"("a \"text\" \u20ac")", R"([1,2,{"statusCode":3}])", "{\"body\":\"\xc3\xa9\",\"statusCode\":599}"},
      .words = {"{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\\\"",
                "\\n",
                "\\r\\nX-Evil: 1",
                "\\u000d\\u000a",
                "\\ud800",
                "\\u0000",
                "null",
                "true",
                "false",
                "1.5",
                "1e2",
                "-0",
                "\"statusCode\"",
                "\"headers\"",
                "\"cookies\"",
                "\"body\"",
                "\"isBase64Encoded\"",
                "\"statusCode\":200",
                "\"headers\":{\"a\":\"b\"}",
                "\"a\":1,",
                "204",
                "199",
                "600",
                "\"\"",
                "{}",
                "[]",
                " ",
                "\t",
                "\r\n",
                "\x80",
                "\xc3\xa9",
                "\xed\xa0\x80",
                "\x1f",
                std::string(1, '\0'),
                "\"transfer-encoding\":\"chunked\"",
                "\"connection\"",
                "YQ",
                "YQ=="},
      .outcomes = {"responses", "malformed ones", "verbatim bodies", "bodies of text", "bodies in base64"},
      .max_bytes = 3000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  const auto got = http::make_reply(functions::json_answer{buffer{bytes}});
  if (got)
    check_reply(*got);
  else
    require(got.error().code == errc::malformed_answer && !got.error().what.empty(), "a refusal says why");

  const auto tree = read_elsewhere(bytes);
  const bool is_response = tree.is_object() && tree.contains("statusCode");
  if (!is_response) {
    if (is_read_alike(bytes)) {
      require(got.has_value(), "what is no response is a body");
      require(got->status == 200 && got->body_view() == (tree.is_string() ? tree.get<std::string>() : bytes),
              "a body is what the handler returned");
      happened(verbatim);
    }
    return 0;
  }
  if (!is_read_alike(bytes) || has_doubled_member(bytes))
    return 0;
  const auto expected = expected_of(tree);
  happened(expected ? response : malformed);
  require(got.has_value() == expected.has_value(), "both say whether a response is well formed");
  if (!expected)
    return 0;
  require(got->status == expected->status && got->body_view() == expected->body, "status and body are the handler's");
  happened(tree.value("isBase64Encoded", json{}) == true ? binary : text);
  return 0;
}
