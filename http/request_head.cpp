#include "http/request_head.hpp"

#include <algorithm>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "http/byte_class.hpp"
#include "http/head_framing.hpp"
#include "http/request_target.hpp"

namespace troupe::http {

namespace {

/// The first byte from `p` on that no field value may hold. The last byte before `end` is one.
const char* find_value_end(const char* p, [[maybe_unused]] const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i below_blank = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - p >= 16; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(_mm_min_epu8(v, below_blank), v));
    const int hits = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(v, del)));
    if (hits != 0)
      return p + __builtin_ctz(static_cast<unsigned>(hits));
  }
#endif
  while (is(*p, value_byte))
    ++p;
  return p;
}

/// Reads `METHOD target HTTP/1.x CRLF` and moves `p` behind it.
std::optional<refusal> scan_request_line(const char*& p, const char* end, const head_limits& limits, request_head& out,
                                         bool& plain_target) noexcept {
  const char* begin = p;
  while (is(*p, token_byte))
    ++p;
  out.method = {begin, static_cast<std::size_t>(p - begin)};
  if (out.method.empty() || out.method.size() > max_method_bytes || *p != ' ')
    return refusal{400, "a malformed method"};

  begin = ++p;
  std::uint8_t classes = 0;
  for (std::uint8_t c; ((c = classes_of(*p)) & target_byte) != 0; ++p)
    classes |= c;
  out.target = {begin, static_cast<std::size_t>(p - begin)};
  if (out.target.empty() || *p != ' ')
    return refusal{400, "a malformed target"};
  if (out.target.size() > limits.max_target_bytes)
    return refusal{414, "the target is too long"};
  plain_target = (classes & path_alert) == 0 && out.target[0] == '/';

  begin = ++p;
  p = find_value_end(p, end);
  const std::string_view version{begin, static_cast<std::size_t>(p - begin)};
  if (p[0] != '\r' || p[1] != '\n' || version.find(' ') != version.npos)
    return refusal{400, "a malformed request line"};
  p += 2;
  out.http_1_1 = version == "HTTP/1.1";
  if (!out.http_1_1 && version != "HTTP/1.0")
    return refusal{505, "only HTTP/1.1 and HTTP/1.0 are served"};
  return std::nullopt;
}

std::optional<refusal> scan_fields(const char* p, const char* end, const head_limits& limits, request_head& out,
                                   head_framing& seen) {
  while (*p != '\r') {
    const char* begin = p;
    while (is(*p, token_byte))
      ++p;
    const std::string_view name{begin, static_cast<std::size_t>(p - begin)};
    if (name.empty())
      return refusal{400, *p == ' ' || *p == '\t' ? "a folded field" : "a malformed field name"};
    if (*p != ':')
      return refusal{400, "a malformed field name"};
    begin = ++p;
    p = find_value_end(p, end);
    if (p[0] != '\r' || p[1] != '\n')
      return refusal{400, "a control character in a field"};
    if (out.fields.size() == limits.max_fields)
      return refusal{431, "too many fields"};
    out.fields.push_back({name, trimmed(begin, p)});
    if (const char* fault = seen.note(out.fields.back(), out.fields.size() - 1))
      return refusal{400, fault};
    p += 2;
  }
  if (p + 2 != end || p[1] != '\n')
    return refusal{400, "a malformed end of the head"};
  return std::nullopt;
}

}  // namespace

std::size_t find_head_end(std::string_view bytes, std::size_t from) noexcept {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* p = begin + (from > 3 ? std::min(from, bytes.size()) - 3 : 0);
#if defined(__SSE2__)
  const __m128i cr = _mm_set1_epi8('\r');
  for (; end - p >= 18; p += 16) {
    // Two CR at distance 2 are rare outside the end of a head: only those are looked at closely.
    const __m128i first = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), cr);
    const __m128i third = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 2)), cr);
    auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(first, third)));
    for (; hits != 0; hits &= hits - 1) {
      const char* hit = p + __builtin_ctz(hits);
      if (end - hit >= 4 && hit[1] == '\n' && hit[3] == '\n')
        return static_cast<std::size_t>(hit - begin) + 4;
    }
  }
#endif
  for (; end - p >= 4; ++p) {
    p = static_cast<const char*>(std::memchr(p, '\r', static_cast<std::size_t>(end - p) - 3));
    if (p == nullptr)
      return npos;
    if (p[1] == '\n' && p[2] == '\r' && p[3] == '\n')
      return static_cast<std::size_t>(p - begin) + 4;
  }
  return npos;
}

refusal refuse_long_head(std::string_view bytes, const head_limits& limits) noexcept {
  // Only what lies within the limit counts, so that the answer is the same however the bytes came.
  bytes = bytes.substr(0, limits.max_bytes);
  if (bytes.starts_with("\r\n"))
    bytes.remove_prefix(2);
  const auto blank = bytes.find(' ');
  if (blank <= 32) {
    const auto target = bytes.substr(blank + 1);
    const auto stop = std::find_if(target.begin(), target.end(), [](char c) { return !is(c, target_byte); });
    if (stop - target.begin() > static_cast<std::ptrdiff_t>(limits.max_target_bytes))
      return {414, "the target is too long"};
  }
  return {431, "the head is too long"};
}

std::optional<refusal> scan_head(std::string_view head, const head_limits& limits, request_head& out) {
  if (head.size() > limits.max_bytes)
    return refuse_long_head(head, limits);
  if (!head.ends_with("\r\n\r\n"))
    return refusal{400, "an incomplete head"};
  out.fields.clear();
  const char* p = head.data();
  const char* const end = p + head.size();
  if (p[0] == '\r' && p[1] == '\n')
    p += 2;  // some clients send one too many behind a body (RFC 9112 2.2)

  bool plain_target = false;
  if (auto fault = scan_request_line(p, end, limits, out, plain_target))
    return fault;
  head_framing seen;
  if (auto fault = scan_fields(p, end, limits, out, seen))
    return fault;
  target_parts parts;
  if (plain_target)
    parts.path = out.target;
  else if (auto fault = split_target(out.target, out.method, parts))
    return fault;
  out.path = parts.path;
  out.query = parts.query;
  if (auto fault = seen.judge(parts.authority, out))
    return fault;
  return seen.judge_service(limits.max_body_bytes, out);
}

}  // namespace troupe::http
