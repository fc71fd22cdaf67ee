#include "http/head_peek.hpp"

#include <algorithm>

#include "http/byte_class.hpp"

namespace troupe::http {

namespace {

/// What of the beginning consists of such bytes.
std::string_view run_of(std::string_view bytes, byte_class wanted) noexcept {
  const auto stop = std::find_if(bytes.begin(), bytes.end(), [&](char c) { return !is(c, wanted); });
  return bytes.substr(0, static_cast<std::size_t>(stop - bytes.begin()));
}

}  // namespace

seen_line peek_request_line(std::string_view bytes, const head_limits& limits) noexcept {
  if (bytes.starts_with("\r\n"))
    bytes.remove_prefix(2);
  seen_line seen;
  seen.method = run_of(bytes, token_byte);
  bytes.remove_prefix(seen.method.size());
  if (seen.method.empty() || seen.method.size() > max_method_bytes || !bytes.starts_with(' '))
    return {};
  bytes.remove_prefix(1);
  const auto target = run_of(bytes, target_byte);
  bytes.remove_prefix(target.size());
  if (target.size() <= limits.max_target_bytes && (bytes.starts_with(' ') || bytes.starts_with('\r')))
    seen.path = target.substr(0, target.find('?'));
  return seen;
}

}  // namespace troupe::http
