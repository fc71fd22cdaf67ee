// One mutually authenticated TLS connection as bytes in, bytes out: no socket, no clock. Who the peer may be is the
// caller's question (`allows`); that it has a certificate of the authority is answered here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/tls_context.hpp"
#include "config/buffer.hpp"
#include "config/errc.hpp"

struct ssl_st;

namespace troupe::actors {

struct tls_wires;

enum class tls_role : std::uint8_t { client, server };

/// Belongs to one loop. After an error the session is over: what `output` still has (an alert that tells the peer why)
/// may be sent, then the socket is closed. Errors are `errc::refused` when certificates are the reason, `errc::io` when
/// the bytes are, `errc::too_big` above a limit; each is one line.
class tls_session {
public:
  /// What a stranger may send before it has proved who it is.
  static constexpr std::size_t max_handshake_bytes = std::size_t{128} * 1024;
  /// What may wait in each direction: above it somebody feeds without taking, or writes without sending.
  static constexpr std::size_t max_buffered_bytes = 8 << 20;

  /// A client's first bytes are in `output` at once.
  tls_session(const tls_context& context, tls_role role);
  tls_session(tls_session&&) noexcept;
  tls_session& operator=(tls_session&&) noexcept;
  ~tls_session();

  /// Takes bytes from the socket. Afterwards there may be plaintext to take and output to send.
  expected<void> feed(std::string_view ciphertext);
  /// Appends what has been decrypted to `out`. A peer that did not accept this node's certificate is an error here, or
  /// in `feed`: with TLS 1.3 a client is established before it learns that.
  expected<void> take_plaintext(buffer& out);
  /// Encrypts all of it into `output`. `errc::not_ready` before the session is established, `errc::refused` after
  /// `close`.
  expected<void> write(std::string_view plaintext);
  /// Tells the peer that nothing more will be written; what comes in may still be taken.
  void close();

  /// Bytes for the socket; valid until the next call of anything but `output`.
  std::string_view output() const noexcept;
  /// Drops the first `count` bytes of `output`, which the socket took.
  void consume_output(std::size_t count) noexcept;

  /// Whether the peer has proved to have a certificate of the authority.
  bool established() const noexcept { return established_; }
  /// Whether the peer has said that nothing more will come. A socket that ends without that was cut.
  bool ended() const noexcept { return ended_; }
  /// The DNS names of the peer's certificate, once established.
  const std::vector<std::string>& peer_names() const noexcept { return peer_names_; }
  /// Whether the peer may call itself `name`: equal to one of its names, in the same case, no wildcards.
  bool allows(std::string_view name) const noexcept;
  /// `TLSv1.3`, once established.
  std::string_view version() const noexcept;

private:
  struct ssl_freer {
    void operator()(ssl_st* session) const noexcept;
  };

  void shake_hands();
  expected<void> fail_with(error why);
  expected<void> state() const;

  std::unique_ptr<tls_wires> wires_;  ///< OpenSSL points to it
  std::unique_ptr<ssl_st, ssl_freer> session_;
  std::vector<std::string> peer_names_;
  std::optional<error> failure_;
  std::size_t handshake_bytes_ = 0;
  bool established_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace troupe::actors
