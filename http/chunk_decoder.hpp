// The strict decoder of chunked bodies: no look-ahead, no line kept, the result does not depend on segmentation.
// Trailers are checked, bounded and dropped: nothing that comes after the head can change the request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/buffer.hpp"
#include "http/request_head.hpp"

namespace troupe::http {

struct chunk_limits {
  std::uint64_t max_body_bytes = 10'000'000;  ///< decoded
  std::size_t max_extension_bytes = 64;       ///< of one chunk, behind its `;`
  std::size_t max_trailer_bytes = 8'192;      ///< all trailer lines with their CRLF
};

class chunk_decoder {
public:
  enum class verdict : std::uint8_t { more, done, refused };

  struct progress {
    std::size_t consumed = 0;  ///< of the bytes given; after `done` the rest belongs to the next request
    verdict state = verdict::more;
    refusal why;  ///< set when `refused`: 400 malformed, 413 too long or wastefully framed, 431 trailers
  };

  explicit chunk_decoder(const chunk_limits& limits = {}) noexcept { reset(limits); }

  /// Begins a new body.
  void reset(const chunk_limits& limits) noexcept;

  /// Decodes what it can and appends the data to `body`. After `done` or `refused` it consumes nothing and repeats
  /// itself. Besides the limits, all bytes received may be at most 8 x the decoded ones + 64 KiB: one-byte chunks need
  /// 6 x.
  progress feed(std::string_view bytes, buffer& body);

private:
  enum class step : std::uint8_t {
    size,
    extension,
    size_lf,
    bytes,
    bytes_cr,
    bytes_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
    refused
  };

  void take(char c);
  void take_size(char c);
  void take_trailer(char c);
  void expect(char c, char wanted, step next);
  void refuse(unsigned status, const char* why);

  chunk_limits limits_;
  std::uint64_t raw_ = 0;
  std::uint64_t decoded_ = 0;
  std::uint64_t left_ = 0;  ///< of the present chunk
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  unsigned digits_ = 0;
  step step_ = step::size;
  refusal why_;
};

}  // namespace troupe::http
