#include "http/answer_reader.hpp"

#include <simdjson.h>

#include <cstring>
#include <utility>

#include "config/text.hpp"
#include "http/json_text.hpp"
#include "http/lambda_reply.hpp"

namespace troupe::http {

namespace {

namespace ondemand = simdjson::ondemand;

static_assert(functions::answer_padding >= simdjson::SIMDJSON_PADDING);

constexpr int max_depth = 512;
/// A parser keeps four bytes and more per byte of its largest text; larger answers get one of their own.
constexpr std::size_t max_kept_parser_bytes = 1 << 20;

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

/// Passes over a scalar. @returns whether it is JSON. The parser, left to pass over a string by itself, would take one
/// with a colon behind it for a name.
bool is_passed_scalar(ondemand::value& value, std::string_view token) {
  if (!is_json_scalar(token))
    return false;
  return token.front() != '"' || value.get_raw_json_string().error() == simdjson::SUCCESS;
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
  return is_passed_scalar(value, token);
}

/// Collects the members that make a response. Whether they are well formed is one question (`fault`), whether the text
/// is JSON another: what is no JSON is a body, not a fault.
class answer_reader {
public:
  explicit answer_reader(answer_parts& parts) : parts_{parts} {}

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
      parts_.has_status = true;
      parts_.status = token;
    } else if (key == "body") {
      parts_.body = token == "null" ? std::string_view{} : token;
    } else if (key == "isBase64Encoded") {
      parts_.encoded = token == "null" ? std::string_view{} : token;
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
    const auto verdict = parts_.fields.add(name, text);
    if (verdict == reply_fields::verdict::bad_name)
      blame("header name " + quoted(name) + " is no token");
    if (verdict == reply_fields::verdict::bad_value)
      blame("header " + quoted(name) + " has a control character in its value");
    return is_passed_scalar(value, token);
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
    if (parts_.fields.add_cookie(unescaped(token.substr(1, token.size() - 2), kept)) != reply_fields::verdict::taken)
      blame("a cookie has a control character");
    return is_passed_scalar(value, token);
  }

  void blame(std::string what) {
    if (parts_.fault.empty())
      parts_.fault = std::move(what);
  }

  answer_parts& parts_;
};

/// @param bytes  with zeroed padding behind them.
bool parse(const buffer& bytes, ondemand::parser& parser, answer_parts& out) {
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded{bytes.data(), bytes.size(), bytes.capacity()};
  return parser.iterate(padded).get(document) == simdjson::SUCCESS &&
         document.get_object().get(object) == simdjson::SUCCESS && answer_reader{out}.read(object) &&
         document.current_location().error() == simdjson::OUT_OF_BOUNDS && out.has_status;
}

}  // namespace

bool read_answer(buffer& bytes, answer_parts& out) {
  bytes.reserve(bytes.size() + functions::answer_padding);
  // The parser may look at what is behind a text that ends too early.
  std::memset(bytes.data() + bytes.size(), 0, functions::answer_padding);
  if (bytes.size() <= max_kept_parser_bytes) {
    thread_local ondemand::parser kept;
    return parse(bytes, kept, out);
  }
  ondemand::parser own;
  return parse(bytes, own, out);
}

std::string quoted(std::string_view text) {
  static constexpr std::size_t longest = 80;
  std::string out = "'";
  json_escape_append(out, text.substr(0, longest));
  return out + (text.size() > longest ? "...'" : "'");
}

}  // namespace troupe::http
