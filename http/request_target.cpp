#include "http/request_target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "config/text.hpp"
#include "http/byte_class.hpp"

namespace troupe::http {

namespace {

/// The byte that `%XX` at `i` stands for, or -1.
int escape_at(std::string_view text, std::size_t i) noexcept {
  if (i + 2 >= text.size() || text[i] != '%')
    return -1;
  const int high = hex_digit(text[i + 1]);
  const int low = hex_digit(text[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum class nul { allowed, refused };

const char* fault_of_escapes(std::string_view text, nul zero) noexcept {
  for (std::size_t i = text.find('%'); i != text.npos; i = text.find('%', i)) {
    const int first = escape_at(text, i);
    if (first == 0 && zero == nul::refused)
      return "%00 in the path";
    if (first < 0x80) {
      i += first < 0 ? 1 : 3;
      continue;
    }
    // Unescaped bytes are ASCII here, so a character beyond ASCII is escaped as a whole.
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    std::array<char, 4> bytes{};
    for (std::size_t k = 0; k < length; ++k) {
      const int value = escape_at(text, i + 3 * k);
      if (value < 0x80)
        return "escapes that are not UTF-8";
      bytes[k] = static_cast<char>(value);
    }
    if (!is_utf8({bytes.data(), length}))
      return "escapes that are not UTF-8";
    i += 3 * length;
  }
  return nullptr;
}

bool is_dots(std::string_view segment) noexcept {
  std::size_t dots = 0;
  for (std::size_t i = 0; i < segment.size(); ++dots) {
    if (segment[i] == '.')
      ++i;
    else if (escape_at(segment, i) == '.')
      i += 3;
    else
      return false;
  }
  return dots == 1 || dots == 2;
}

bool has_dot_segment(std::string_view path) noexcept {
  for (std::size_t begin = 0; begin < path.size();) {
    const auto slash = std::min(path.find('/', begin), path.size());
    if (is_dots(path.substr(begin, slash - begin)))
      return true;
    begin = slash + 1;
  }
  return false;
}

bool is_ipv6(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size())
    return false;
  std::memcpy(copy.data(), text.data(), text.size());
  in6_addr address;
  return ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

bool is_port(std::string_view text) noexcept {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9')
      return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return text.size() <= 5 && value <= 65535;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == text.npos || !is_ipv6(text.substr(1, bracket - 1)))
      return false;
    host_end = bracket + 1;
  } else {
    while (host_end < text.size() && is(text[host_end], host_byte))
      ++host_end;
    if (host_end == 0)
      return false;
  }
  return host_end == text.size() || (text[host_end] == ':' && is_port(text.substr(host_end + 1)));
}

std::optional<refusal> split_target(std::string_view target, std::string_view method, target_parts& out) noexcept {
  out = {};
  std::string_view rest = target;
  if (target == "*") {
    if (method != "OPTIONS")
      return refusal{400, "the target * is for OPTIONS only"};
    out.path = target;
    return std::nullopt;
  }
  if (!target.starts_with('/')) {
    static constexpr std::string_view scheme = "http://";
    if (!iequals(target.substr(0, scheme.size()), scheme))
      return refusal{400, "a target that is neither /path nor http://host/path"};
    rest = target.substr(scheme.size());
    out.authority = rest.substr(0, rest.find_first_of("/?#"));
    if (!is_authority(out.authority))
      return refusal{400, "a malformed authority in the target"};
    rest.remove_prefix(out.authority.size());
  }
  if (rest.find('#') != rest.npos)
    return refusal{400, "a fragment in the target"};
  const auto question = rest.find('?');
  out.path = rest.substr(0, question);
  if (question != rest.npos)
    out.query = rest.substr(question + 1);
  if (out.path.empty())
    out.path =
        target.substr(6, 1);  // of http://host?query: a slash of the same bytes, as all views point into the head
  if (has_dot_segment(out.path))
    return refusal{400, "a . or .. segment in the path"};
  if (const char* fault = fault_of_escapes(out.path, nul::refused))
    return refusal{400, fault};
  if (const char* fault = fault_of_escapes(out.query, nul::allowed))
    return refusal{400, fault};
  return std::nullopt;
}

}  // namespace troupe::http
