#include "http/lambda_reply.hpp"

#include <simdjson.h>

#include <string>
#include <utility>

#include "config/text.hpp"
#include "http/answer_reader.hpp"
#include "http/json_text.hpp"
#include "http/reply_fields.hpp"

namespace troupe::http {

namespace {

constexpr std::string_view default_type = "text/plain; charset=utf-8";

bool has_no_body(unsigned status) noexcept {
  return status == 204 || status == 304;
}

reply verbatim(buffer&& bytes) {
  reply out;
  out.fields = "content-type: application/json\r\n";
  out.body = std::move(bytes);
  return out;
}

/// Moves what the inside of a string within `bytes` stands for to their front.
void keep_string(buffer& bytes, std::string_view inside) noexcept {
  bytes.truncate(unescape_json(bytes.data(), inside));
}

/// @returns 0 when the token is no integer of 200 to 599 and no string of one.
unsigned parse_status(std::string_view token) noexcept {
  if (token.size() == 5 && token.front() == '"' && token.back() == '"')
    token = token.substr(1, 3);
  if (token.size() != 3)
    return 0;
  unsigned status = 0;
  for (const char c : token) {
    if (c < '0' || c > '9')
      return 0;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return status >= 200 && status <= 599 ? status : 0;
}

expected<reply> make_response(buffer&& bytes, answer_parts&& answer) {
  reply out;
  out.status = parse_status(answer.status);
  if (out.status == 0)
    return fail(errc::malformed_answer, "statusCode " + quoted(answer.status) + ": allowed are integers of 200 to 599");
  if (!answer.fault.empty())
    return fail(errc::malformed_answer, std::move(answer.fault));
  if (!answer.body.empty() && answer.body.front() != '"')
    return fail(errc::malformed_answer, "body is no string");
  if (!answer.encoded.empty() && answer.encoded != "true" && answer.encoded != "false")
    return fail(errc::malformed_answer, "isBase64Encoded is no boolean");
  const bool is_base64 = answer.encoded == "true";
  const bool bodiless = has_no_body(out.status);
  out.fields = std::move(answer.fields).finish(bodiless ? std::string_view{} : default_type);
  if (answer.body.size() <= 2 || bodiless)
    return out;
  keep_string(bytes, answer.body.substr(1, answer.body.size() - 2));  // ends all other views into the answer
  if (!is_base64) {
    out.body = std::move(bytes);
    return out;
  }
  auto decoded = base64_decode(bytes.view());
  if (!decoded)
    return fail(errc::malformed_answer, "body is not base64, but isBase64Encoded is true");
  out.body = std::move(*decoded);
  return out;
}

}  // namespace

expected<reply> make_reply(functions::json_answer&& answer) {
  auto& bytes = answer.bytes;
  const auto text = trim_json(bytes.view());
  if (text.starts_with('"')) {
    if (is_json_scalar(text) && simdjson::validate_utf8(text.data(), text.size()))
      keep_string(bytes, text.substr(1, text.size() - 2));
    return verbatim(std::move(bytes));
  }
  if (!text.starts_with('{'))
    return verbatim(std::move(bytes));

  answer_parts parts;
  if (!read_answer(bytes, parts))
    return verbatim(std::move(bytes));
  return make_response(std::move(bytes), std::move(parts));
}

expected<reply> make_reply(functions::native_response&& response) {
  if (response.status < 200 || response.status > 599)
    return fail(errc::malformed_answer, "status " + std::to_string(response.status) + ": allowed are 200 to 599");
  reply_fields fields;
  for (const auto& [name, value] : response.headers) {
    const auto verdict = fields.add(name, value);
    if (verdict == reply_fields::verdict::bad_name)
      return fail(errc::malformed_answer, "header name " + quoted(name) + " is no token");
    if (verdict == reply_fields::verdict::bad_value)
      return fail(errc::malformed_answer, "header " + quoted(name) + " has a control character in its value");
  }
  reply out;
  out.status = response.status;
  const bool bodiless = has_no_body(out.status);
  out.fields = std::move(fields).finish(bodiless ? std::string_view{} : default_type);
  if (!bodiless)
    out.body = std::move(response.body);
  return out;
}

}  // namespace troupe::http
