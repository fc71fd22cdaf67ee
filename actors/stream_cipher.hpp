// What stands between a socket and the frames of a link when nodes have certificates: bytes in, bytes out. Plain links
// have none. No socket here; belongs to whoever owns the stream, on any one thread at a time.
#pragma once

#include <string_view>

#include "config/buffer.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

class stream_cipher {
public:
  virtual ~stream_cipher() = default;

  /// Takes bytes from the network. Afterwards there may be plaintext to take and output to send. After an error, here
  /// or below, the stream is to be closed once `output` was sent.
  virtual expected<void> feed(std::string_view ciphertext) = 0;
  /// Appends what has been decrypted to `out`, also before an error.
  virtual expected<void> take_plaintext(buffer& out) = 0;
  /// Encrypts all of it into `output`. Not before the cipher is established.
  virtual expected<void> write(std::string_view plaintext) = 0;
  /// Bytes for the network, valid until the next call of anything but `output`. Who dials has some from the beginning.
  virtual std::string_view output() const noexcept = 0;
  /// Drops the first `count` bytes of `output`, which the network took.
  virtual void consume_output(std::size_t count) noexcept = 0;
  /// Whether the peer has proved who it is.
  virtual bool established() const noexcept = 0;
  /// Whether the peer's certificate says that it is the node of this name; an error says which names it has.
  virtual expected<void> check_peer(std::string_view node_name) const = 0;
};

}  // namespace troupe::actors
