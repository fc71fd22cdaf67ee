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

  /// Takes bytes from the network; what they decrypt to is in `plaintext` afterwards, what is to be sent because of
  /// them (handshake) in `output`. After an error the stream is to be closed, once `output` was sent.
  virtual expected<void> feed(std::string_view ciphertext) = 0;
  /// Encrypts bytes into `output`. Before the handshake is complete they are kept until then.
  virtual expected<void> encrypt(std::string_view plain) = 0;
  /// Decrypted and not taken yet: the user clears it.
  virtual buffer& plaintext() noexcept = 0;
  /// To be sent and not taken yet: the user clears it. A dialer has some from the beginning.
  virtual buffer& output() noexcept = 0;
  /// Whether the peer has proved who it is.
  virtual bool established() const noexcept = 0;
  /// Whether the peer's certificate says that it is the node of this name; an error says which names it has.
  virtual expected<void> check_peer(std::string_view node_name) const = 0;
};

}  // namespace troupe::actors
