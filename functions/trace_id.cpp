#include "functions/trace_id.hpp"

#include <algorithm>

#include "config/ids.hpp"
#include "config/text.hpp"

namespace troupe::functions {

namespace {

bool is_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

bool is_root(std::string_view value) noexcept {
  return value.size() == 35 && value.starts_with("1-") && is_hex(value.substr(2, 8)) && value[10] == '-' &&
         is_hex(value.substr(11));
}

void write_hex(char* out, std::uint64_t value, int digits) noexcept {
  for (int i = digits; i-- > 0; value >>= 4)
    out[i] = "0123456789abcdef"[value & 15];
}

/// The one such field of the request, or nothing.
std::string_view sent_by_client(const http_request& request) noexcept {
  static constexpr std::string_view name = "x-amzn-trace-id";
  std::string_view found;
  for (const auto& field : request.fields) {
    if (field.name.size() != name.size() || !iequals(field.name, name))
      continue;
    if (!found.empty())
      return {};
    found = field.value;
  }
  return found;
}

}  // namespace

bool is_trace_header(std::string_view text) noexcept {
  static constexpr std::size_t longest = 256;
  if (text.size() > longest)
    return false;
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~' || c == '"' || c == '\\'; }))
    return false;
  bool rooted = false;
  for (;;) {
    const auto end = text.find(';');
    const auto part = text.substr(0, end);
    const auto equals = part.find('=');
    if (equals == part.npos)
      return false;
    const auto key = part.substr(0, equals);
    const auto value = part.substr(equals + 1);
    if (key == "Root" && (rooted || !is_root(value)))
      return false;
    rooted = rooted || key == "Root";
    if (key == "Parent" && (value.size() != 16 || !is_hex(value)))
      return false;
    if (key == "Sampled" && value != "0" && value != "1" && value != "?")
      return false;
    if (end == text.npos)
      return rooted;
    text.remove_prefix(end + 1);
  }
}

trace_id::trace_id(const invocation& call, milliseconds wall) noexcept {
  if (call.request != nullptr)
    client_ = sent_by_client(*call.request);
  else
    client_ = call.trace;
  if (!client_.empty() && is_trace_header(client_))
    return;
  client_ = {};
  static constexpr std::string_view form = "Root=1-01234567-";
  std::copy(form.begin(), form.end(), made_.begin());
  write_hex(made_.data() + 7, static_cast<std::uint64_t>(wall.count() / 1000), 8);
  write_hex(made_.data() + 16, fast_random(), 16);
  write_hex(made_.data() + 32, fast_random(), 8);
}

}  // namespace troupe::functions
