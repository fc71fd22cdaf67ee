// A TCP connection on a loop: bytes in as they come, bytes out once per batch, through a cipher where there is one.
// What the bytes mean is not known here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/event_loop.hpp"
#include "actors/link_counts.hpp"
#include "actors/stream_cipher.hpp"
#include "config/buffer.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

enum class stream_end : std::uint8_t {
  refused,  ///< nobody listens at the address
  silent,   ///< the address cannot be reached, or the peer's kernel stopped acknowledging
  closed,   ///< the peer closed or reset the connection
  broken,   ///< the cipher refused what came, or this machine has no more descriptors or memory
};

struct stream_failure {
  stream_end end = stream_end::closed;
  std::string detail;
};

/// Told what happens at a stream. May close it from inside, and keep it until the batch ends before destroying it.
class stream_user {
public:
  /// Connected, and the cipher's handshake is done.
  virtual void on_stream_open() = 0;
  /// Decrypted. The bytes are gone after the call.
  virtual void on_stream_bytes(std::string_view bytes) = 0;
  /// After `give_way`, for those who use it: the others have had their turn. Comes before anything else is read.
  virtual void on_stream_turn() {}
  /// There is room: append what is to be sent, until `out` has about `up_to` bytes.
  virtual void on_stream_pull(buffer& out, std::size_t up_to) = 0;
  /// The kernel may have taken `count` more of the bytes pulled; of all others it certainly has not the last.
  virtual void on_stream_written(std::size_t count) = 0;
  /// Not after `close`.
  virtual void on_stream_closed(const stream_failure& why) = 0;

protected:
  ~stream_user() = default;
};

/// On its loop's thread only.
class link_stream final : private watcher, private batch_listener {
public:
  /// @param cipher  null: plain.
  link_stream(event_loop& loop, stream_user& user, std::unique_ptr<stream_cipher> cipher);
  ~link_stream();
  link_stream(const link_stream&) = delete;
  link_stream& operator=(const link_stream&) = delete;

  /// Counts its bytes there from now on. They outlive it.
  void count_into(link_counts& counts) noexcept { counts_ = &counts; }

  /// Connects. @param from_host  own address; empty: any. @returns why that failed at once, then nothing else comes.
  std::optional<stream_failure> dial(const endpoint& peer, const std::string& from_host, milliseconds user_timeout);
  /// Takes over a connected socket, also when it fails. With a cipher that is established, or none, it is open.
  std::optional<stream_failure> adopt(int descriptor, milliseconds user_timeout);

  /// At the end of the batch `on_stream_pull` is asked and what it gives is sent, in one call if the kernel takes it.
  void want_write();
  /// Nothing more is read until the others of the loop have had their turn; then `on_stream_turn` comes.
  void give_way();
  /// Closes once everything has been pulled and sent; `on_stream_closed` says when.
  void close_when_sent();
  void close() noexcept;
  /// Gives the socket away without closing it; what was pulled must have been sent. The cipher: `take_cipher`.
  int detach() noexcept;
  std::unique_ptr<stream_cipher> take_cipher() noexcept { return std::move(cipher_); }

  /// Whether there is a socket.
  bool has_socket() const noexcept { return descriptor_ >= 0; }
  const stream_cipher* cipher() const noexcept { return cipher_.get(); }
  /// Whether bytes that were pulled still wait for the kernel.
  bool has_unsent() const noexcept { return !unsent().empty(); }

private:
  void on_ready(std::uint32_t events) override;
  void on_batch_end() override;
  std::optional<stream_failure> watch(milliseconds user_timeout);
  void finish_connect();
  void opened();
  void read_some();
  void take(std::string_view bytes);
  void decrypt(std::string_view ciphertext);
  std::string_view unsent() const noexcept;
  void flush();
  bool refill();
  bool send_once();
  void count_written(std::size_t sent);
  void fail(stream_end end, std::string detail);
  void fail_errno(int problem);
  void at_batch_end();

  event_loop& loop_;
  stream_user& user_;
  std::unique_ptr<stream_cipher> cipher_;
  link_counts* counts_ = nullptr;
  int descriptor_ = -1;
  bool connecting_ = false;
  bool open_ = false;
  bool writable_ = false;
  bool read_waits_ = false;  ///< the kernel may hold more
  bool gave_way_ = false;    ///< `on_stream_turn` comes before the next read
  bool ended_ = false;       ///< the peer's end, or an error, has been announced: read on until it is reached
  bool batch_end_pending_ = false;
  bool closing_ = false;
  buffer out_;            ///< pulled and not encrypted: as it goes to the kernel, or to the cipher
  std::size_t sent_ = 0;  ///< of `out_`, when it goes to the kernel
  buffer decrypted_;
  std::size_t unreported_ = 0;  ///< bytes of the encrypted batch of which the user has not heard
};

}  // namespace troupe::actors
