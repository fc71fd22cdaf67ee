// The strict scanner of request heads: bytes in, one checked request or one refusal out. It decides framing, so it
// accepts less than RFC 9112 allows wherever two readers could disagree. No sockets, no clock, no body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "functions/http_request.hpp"

namespace troupe::http {

/// Of any method that is a token; longer ones are malformed.
inline constexpr std::size_t max_method_bytes = 32;

struct head_limits {
  std::size_t max_bytes = 10'240;  ///< request line, fields and both empty-line bytes, also one leading CRLF
  std::size_t max_fields = 100;
  std::size_t max_target_bytes = 8'192;
  std::uint64_t max_body_bytes = 10'000'000;  ///< what a Content-Length may announce; chunks: see chunk_decoder
};

/// Why a request is not served. Whoever gets one answers it with `Connection: close` and reads nothing more as HTTP.
struct refusal {
  unsigned status = 400;
  const char* why = "";  ///< one line for log and answer; static storage
};

enum class body_framing : std::uint8_t {
  none,     ///< the next byte belongs to the next request (also with `Content-Length: 0`)
  length,   ///< exactly `content_length` bytes follow, at least 1
  chunked,  ///< chunk_decoder finds the end
};

/// The snapshot of one head; nothing that comes later (trailers) changes it. All views point into the scanned bytes.
struct request_head {
  std::string_view method;
  std::string_view target;  ///< as sent
  std::string_view path;    ///< raw; begins with `/`, or is `*` (then the method is OPTIONS)
  std::string_view query;   ///< raw, without `?`
  std::string_view host;    ///< with port; of the target when that is absolute; empty only on HTTP/1.0
  /// In order of arrival; names as sent, `_` included: events keep names as they are, so `a_b` and `a-b` never collide.
  /// When the target is absolute, the value of Host is its authority (RFC 9112 3.2.2).
  std::vector<functions::header_field> fields;
  std::uint64_t content_length = 0;
  body_framing body = body_framing::none;
  bool http_1_1 = true;
  bool keep_alive = true;
  /// The client waits for `100 Continue`: never on 1.0, never without a body. Send it only if no body byte has arrived.
  bool expects_continue = false;
};

inline constexpr std::size_t npos = static_cast<std::size_t>(-1);

/// @param bytes  everything that arrived of the request so far.
/// @param from   how many of them an earlier call has already searched; 0 at first.
/// @returns the length of the head (the position behind CRLF CRLF), or `npos`.
std::size_t find_head_end(std::string_view bytes, std::size_t from) noexcept;

/// The answer to a head that is longer than `max_bytes`, to be used as soon as `bytes.size() >= limits.max_bytes` and
/// `find_head_end` found nothing: 414 when already its target is over the limit, else 431.
refusal refuse_long_head(std::string_view bytes, const head_limits& limits) noexcept;

/// Checks a complete head (what `find_head_end` delimited) and fills `out`, whose vector keeps its capacity.
/// Status: 431 and 414 over a limit, 505 version, 400 malformed or ambiguous, 413 body too long, 417 unknown
/// expectation, 405 CONNECT and TRACE, 501 unknown method or transfer coding; the first that applies in this order, so
/// that framing faults are always 400. After a refusal `out` is unspecified.
std::optional<refusal> scan_head(std::string_view head, const head_limits& limits, request_head& out);

}  // namespace troupe::http
