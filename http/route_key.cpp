#include <algorithm>
#include <array>

#include "config/text.hpp"
#include "http/byte_class.hpp"
#include "http/route_table.hpp"

namespace troupe::http {

namespace {

constexpr std::size_t max_key_bytes = 1024;
constexpr std::size_t max_segments = 64;  // bounds the depth of a search as well
constexpr std::size_t max_name_bytes = 64;
constexpr std::array<std::string_view, 8> methods = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "ANY"};

tl::unexpected<error> refuse(std::string_view key, std::string why) {
  return fail(errc::bad_usage, "route '" + std::string{key} + "': " + std::move(why));
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name_bytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return is(c, host_byte) && c != '~'; });
}

/// Whether each `%` begins an escape; a template, unlike a request, has no excuse for another.
bool has_whole_escapes(std::string_view text) {
  for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 3))
    if (at + 2 >= text.size() || hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0)
      return false;
  return true;
}

expected<route_segment> parse_literal(std::string_view key, std::string_view text) {
  if (text.find_first_of("{}") != text.npos)
    return refuse(key, "a variable is a whole segment: {name}, or {name+} as the last one");
  const auto is_allowed = [](char c) {
    return (is(c, target_byte) && c != '?' && c != '#') || static_cast<unsigned char>(c) >= 0x80;
  };
  if (!std::all_of(text.begin(), text.end(), is_allowed))
    return refuse(key, "blanks, control characters, ? and # cannot be in a path; write a blank as %20");
  auto literal = percent_decode(text);
  if (!has_whole_escapes(text) || !is_utf8(literal) || literal.find('\0') != literal.npos)
    return refuse(key, "the text of a segment is UTF-8, percent-encoded where needed, without %00");
  if (literal == "." || literal == "..")
    return refuse(key, "the segments . and .. never reach a route");
  return route_segment{route_segment::kind_type::literal, std::move(literal), {}};
}

expected<route_segment> parse_segment(std::string_view key, std::string_view text, bool last) {
  if (text.empty() && !last)
    return refuse(key, "an empty segment (//) matches nothing");
  if (text.size() < 2 || text.front() != '{' || text.back() != '}')
    return parse_literal(key, text);
  auto name = text.substr(1, text.size() - 2);
  const bool greedy = name.ends_with('+');
  if (greedy)
    name.remove_suffix(1);
  if (!is_variable_name(name))
    return refuse(key, "the name of a variable is 1 to 64 of A-Z a-z 0-9 . _ -");
  if (greedy && !last)
    return refuse(key, "a greedy variable {" + std::string{name} + "+} can only be the last segment");
  return route_segment{greedy ? route_segment::kind_type::greedy : route_segment::kind_type::variable, {}, name};
}

}  // namespace

expected<route_key> parse_route_key(std::string_view text) {
  if (text == "$default")
    return route_key{};
  if (text.size() > max_key_bytes)
    return refuse(text.substr(0, 64), std::to_string(text.size()) + " bytes; at most 1024 are allowed");
  const auto blank = text.find(' ');
  if (blank == text.npos || text.substr(blank + 1, 1) != "/")
    return refuse(text, "allowed are 'METHOD /path', 'ANY /path' and '$default'");
  route_key key{text.substr(0, blank), text.substr(blank + 1), {}};
  if (std::find(methods.begin(), methods.end(), key.method) == methods.end())
    return refuse(text, "the method is one of GET HEAD POST PUT DELETE OPTIONS PATCH ANY");

  for (std::size_t begin = 1; begin <= key.path.size();) {
    const auto slash = std::min(key.path.find('/', begin), key.path.size());
    auto segment = parse_segment(text, key.path.substr(begin, slash - begin), slash == key.path.size());
    if (!segment)
      return tl::unexpected{std::move(segment).error()};
    const auto same_name = [&](const route_segment& other) {
      return !other.name.empty() && other.name == segment->name;
    };
    if (std::any_of(key.segments.begin(), key.segments.end(), same_name))
      return refuse(text, "the variable {" + std::string{segment->name} + "} appears twice");
    if (key.segments.size() == max_segments)
      return refuse(text, "at most 64 segments are allowed");
    key.segments.push_back(std::move(*segment));
    begin = slash + 1;
  }
  return key;
}

std::string identity_of(const route_key& key) {
  if (key.is_default())
    return "$default";
  std::string identity{key.method};
  identity.push_back(' ');
  for (const auto& segment : key.segments) {
    identity.push_back('/');
    switch (segment.kind) {
      // Braces are in no literal as written but may be in a decoded one, as may slashes: the length keeps them apart.
      case route_segment::kind_type::literal:
        identity.append(std::to_string(segment.literal.size())).append(":").append(segment.literal);
        break;
      case route_segment::kind_type::variable: identity.append("{}"); break;
      case route_segment::kind_type::greedy: identity.append("{+}"); break;
    }
  }
  return identity;
}

}  // namespace troupe::http
