// The two byte queues between a TLS session and its socket, as OpenSSL sees them: a BIO that never blocks. Only
// actors/tls_session.cpp includes this.
#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "config/buffer.hpp"

namespace troupe::actors {

/// Bytes that are appended behind and taken from the front, in amortized linear time.
class byte_queue {
public:
  std::string_view view() const noexcept { return contents_.view().substr(begin_); }
  std::size_t size() const noexcept { return contents_.size() - begin_; }

  void append(std::string_view bytes) {
    if (begin_ > contents_.size() / 2) {
      contents_.consume(begin_);
      begin_ = 0;
    }
    contents_.append(bytes);
  }
  void consume(std::size_t count) noexcept {
    begin_ += count;
    if (begin_ < contents_.size())
      return;
    begin_ = 0;
    contents_.clear();
    if (contents_.capacity() > kept_capacity)
      contents_.release();
  }

private:
  static constexpr std::size_t kept_capacity = std::size_t{128} * 1024;
  buffer contents_;
  std::size_t begin_ = 0;
};

/// One of each session.
struct tls_wires {
  byte_queue from_peer;
  byte_queue to_peer;
  std::string refusal;  ///< why the peer's certificate does not count; empty when it does or there was none yet
};

/// A BIO over `wires`, which must outlive it. @returns null when there is no memory.
BIO* make_wire_bio(tls_wires& wires);

}  // namespace troupe::actors
