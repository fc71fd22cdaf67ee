// The sockets of CAF's middleman, made here instead of by CAF: its own connect blocks a thread, accept and receive
// without any bound, and wait without end for a peer that takes nothing when the system goes down. What travels over
// them is CAF's business; whom to dial is decided in cluster/peer_table.
#pragma once

#include <atomic>
#include <caf/fwd.hpp>
#include <caf/io/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

enum class transport : std::uint8_t {
  plain,
  tls,  ///< mutual, with the certificate of the system's openssl manager
};

/// Which side of a connection this node is.
enum class connection_side : std::uint8_t { dialed, accepted };

struct socket_limits {
  std::size_t max_message_bytes = 128 * 1024;  ///< an envelope and what CAF writes around it; more ends the connection
  std::size_t max_accepted = 512;              ///< connections at a time; further ones are closed at once
  std::size_t max_silent = 64;                 ///< accepted ones that said nothing yet; then the oldest is closed
  milliseconds silent_timeout{5'000};          ///< after which a silent one gives way to a new connection
  milliseconds unsent_timeout{4'000};          ///< after which the kernel gives a peer up that takes nothing
};

/// Lets others end a connection that CAF owns. Shared; `cut` belongs to the multiplexer's thread.
class connection_switch {
public:
  /// Both directions, at once: CAF sees a lost connection. Does nothing when it is closed already.
  void cut() noexcept;
  bool is_open() const noexcept { return descriptor_.load() >= 0; }
  bool has_spoken() const noexcept { return spoken_.load(); }

  void attach(int descriptor) noexcept { descriptor_.store(descriptor); }
  void detach() noexcept { descriptor_.store(-1); }
  void note_spoken() noexcept { spoken_.store(true); }

private:
  std::atomic<int> descriptor_{-1};
  std::atomic<bool> spoken_{false};
};

/// Opens a listening socket, alone on its address. @returns the descriptor; `bound` has the real port. Errors: `io`,
/// `bad_setting` when the host is no literal.
expected<int> open_control_listener(const endpoint& address, endpoint& bound);

/// What accepts for the middleman's broker. Owns `descriptor`. Any thread.
caf::io::doorman_ptr make_doorman(caf::actor_system& system, int descriptor, transport kind,
                                  const socket_limits& limits);

/// What reads and writes a connection for the middleman's broker. Owns `descriptor`, also when it fails. On the
/// multiplexer's thread only (TLS reads certificates). Errors: `io`.
expected<caf::io::scribe_ptr> make_scribe(caf::actor_system& system, int descriptor, transport kind,
                                          connection_side side, const socket_limits& limits,
                                          std::shared_ptr<connection_switch> ends);

}  // namespace troupe::actors
