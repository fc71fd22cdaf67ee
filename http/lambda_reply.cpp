#include "http/lambda_reply.hpp"

#include <simdjson.h>

#include <cstring>
#include <string>

#include "config/text.hpp"
#include "http/json_text.hpp"
#include "http/reply_fields.hpp"

namespace troupe::http {

namespace {

namespace ondemand = simdjson::ondemand;

static_assert(answer_padding >= simdjson::SIMDJSON_PADDING);

constexpr std::string_view default_type = "text/plain; charset=utf-8";
constexpr int max_depth = 512;
/// A parser keeps four bytes and more per byte of its largest text; larger answers get one of their own.
constexpr std::size_t max_kept_parser_bytes = 1 << 20;

bool has_no_body(unsigned status) noexcept {
  return status == 204 || status == 304;
}

/// For the log: one line of bounded length.
std::string quoted(std::string_view text) {
  static constexpr std::size_t longest = 80;
  std::string out = "'";
  json_escape_append(out, text.substr(0, longest));
  return out + (text.size() > longest ? "...'" : "'");
}

std::string_view token_of(ondemand::value& value) noexcept {
  return trim_json(value.raw_json_token());
}

/// The inside of the string that begins before `inside`; the parser has made sure that it ends.
std::string_view string_from(const char* inside) noexcept {
  const char* end = inside;
  for (; *end != '"'; ++end)
    if (*end == '\\')
      ++end;
  return {inside, static_cast<std::size_t>(end - inside)};
}

/// A string of the answer, unescaped into `kept` if it must be.
std::string_view unescaped(std::string_view inside, std::string& kept) {
  if (inside.find('\\') == inside.npos)
    return inside;
  kept.resize(inside.size());
  kept.resize(unescape_json(kept.data(), inside));
  return kept;
}

/// Passes over a value of any kind. @returns whether it is JSON.
bool is_json(ondemand::value& value, int depth);

/// Calls `use(key, value)` for each member; ends when that returns false. @returns whether all is JSON.
template <class Use>
bool each_member(ondemand::object& object, Use use) {
  std::string kept;
  for (auto entry : object) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS)
      return false;
    const auto key = string_from(field.key().raw());
    if (!is_json_string(key) || !use(unescaped(key, kept), field.value()))
      return false;
  }
  return true;
}

template <class Use>
bool each_element(ondemand::array& array, Use use) {
  for (auto entry : array) {
    ondemand::value value;
    if (std::move(entry).get(value) != simdjson::SUCCESS || !use(value))
      return false;
  }
  return true;
}

bool is_json(ondemand::value& value, int depth) {
  const auto token = token_of(value);
  if (token.empty() || depth > max_depth)
    return false;
  if (token.front() == '{') {
    ondemand::object object;
    return value.get_object().get(object) == simdjson::SUCCESS &&
           each_member(object, [&](std::string_view, ondemand::value& inner) { return is_json(inner, depth + 1); });
  }
  if (token.front() == '[') {
    ondemand::array array;
    return value.get_array().get(array) == simdjson::SUCCESS &&
           each_element(array, [&](ondemand::value& inner) { return is_json(inner, depth + 1); });
  }
  return is_json_scalar(token);
}

/// Collects the members that make a response. Whether they are well formed is one question (`fault`), whether the text
/// is JSON another: what is no JSON is a body, not a fault.
class answer_reader {
public:
  bool has_status = false;
  std::string_view status;   ///< token
  std::string_view body;     ///< token; empty: none
  std::string_view encoded;  ///< token of isBase64Encoded; empty: none
  reply_fields fields;
  std::string fault;  ///< the first one

  /// @returns whether the object is JSON.
  bool read(ondemand::object& object) {
    return each_member(object, [this](std::string_view key, ondemand::value& value) { return member(key, value); });
  }

private:
  bool member(std::string_view key, ondemand::value& value) {
    if (key == "headers")
      return headers(value);
    if (key == "cookies")
      return cookies(value);
    const auto token = token_of(value);
    if (key == "statusCode") {
      has_status = true;
      status = token;
    } else if (key == "body") {
      body = token == "null" ? std::string_view{} : token;
    } else if (key == "isBase64Encoded") {
      encoded = token == "null" ? std::string_view{} : token;
    }
    return is_json(value, 1);
  }

  bool headers(ondemand::value& value) {
    const auto token = token_of(value);
    if (!token.starts_with('{')) {
      if (token != "null")
        blame("headers is no object");
      return is_json(value, 1);
    }
    ondemand::object object;
    return value.get_object().get(object) == simdjson::SUCCESS &&
           each_member(object, [this](std::string_view name, ondemand::value& v) { return header(name, v); });
  }

  bool header(std::string_view name, ondemand::value& value) {
    const auto token = token_of(value);
    if (!is_json_scalar(token) || token == "null") {
      blame("header " + quoted(name) + " is neither string nor number nor boolean");
      return is_json(value, 2);
    }
    std::string kept;
    const bool is_string = token.front() == '"';
    const auto text = is_string ? unescaped(token.substr(1, token.size() - 2), kept) : token;
    const auto verdict = fields.add(name, text);
    if (verdict == reply_fields::verdict::bad_name)
      blame("header name " + quoted(name) + " is no token");
    if (verdict == reply_fields::verdict::bad_value)
      blame("header " + quoted(name) + " has a control character in its value");
    return true;
  }

  bool cookies(ondemand::value& value) {
    if (!token_of(value).starts_with('['))
      return is_json(value, 1);
    ondemand::array array;
    return value.get_array().get(array) == simdjson::SUCCESS &&
           each_element(array, [this](ondemand::value& v) { return cookie(v); });
  }

  bool cookie(ondemand::value& value) {
    const auto token = token_of(value);
    if (!token.starts_with('"')) {
      blame("cookies has an element that is no string");
      return is_json(value, 2);
    }
    if (!is_json_scalar(token))
      return false;
    std::string kept;
    if (fields.add_cookie(unescaped(token.substr(1, token.size() - 2), kept)) != reply_fields::verdict::taken)
      blame("a cookie has a control character");
    return true;
  }

  void blame(std::string what) {
    if (fault.empty())
      fault = std::move(what);
  }
};

/// @returns the answer's parts if it is a JSON object with `statusCode`. `text` has zeroed padding behind it.
bool read_answer(std::string_view text, std::size_t capacity, ondemand::parser& parser, answer_reader& out) {
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded{text.data(), text.size(), capacity};
  return parser.iterate(padded).get(document) == simdjson::SUCCESS &&
         document.get_object().get(object) == simdjson::SUCCESS && out.read(object) &&
         document.current_location().error() == simdjson::OUT_OF_BOUNDS && out.has_status;
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

expected<reply> make_response(buffer&& bytes, answer_reader&& answer) {
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

  bytes.reserve(bytes.size() + answer_padding);
  // The parser may look at what is behind a text that ends too early.
  std::memset(bytes.data() + bytes.size(), 0, answer_padding);
  answer_reader reader;
  bool is_response = false;
  if (bytes.size() <= max_kept_parser_bytes) {
    thread_local ondemand::parser kept;
    is_response = read_answer(bytes.view(), bytes.capacity(), kept, reader);
  } else {
    ondemand::parser own;
    is_response = read_answer(bytes.view(), bytes.capacity(), own, reader);
  }
  if (!is_response)
    return verbatim(std::move(bytes));
  return make_response(std::move(bytes), std::move(reader));
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
