// One listening socket of one loop (SO_REUSEPORT lets each loop have its own for the same address). Accepts; nothing
// else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::http {

class edge;

/// Opens `count` listening sockets for one address; port 0 takes any free one. Binds once without SO_REUSEPORT before:
/// a second node must not share the port silently.
/// @param bound  gets the address with the port that it became.
/// @returns the descriptors, or `errc::io` naming the address and the reason.
expected<std::vector<int>> open_listeners(const endpoint& address, unsigned count, endpoint& bound);

class listener final : private actors::watcher, private actors::tick_listener, private actors::batch_listener {
public:
  /// Takes over `descriptor`. Begins with `start`, on the loop.
  listener(edge& target, int descriptor, std::uint16_t port);
  ~listener();

  void start();
  /// Refuses new handshakes from now on while those under way still complete; `stop` a moment later loses none.
  void refuse_handshakes();
  /// Accepts what has arrived and closes.
  void stop();
  time_point last_accepted() const noexcept { return last_accepted_; }

private:
  void on_ready(std::uint32_t events) override;
  void on_tick(time_point now) override;
  void on_batch_end() override;
  void accept_all();
  void on_exhausted();

  edge& edge_;
  int descriptor_;
  int reserve_ = -1;  ///< given up for a moment to tell a client 503 when no descriptor is left
  std::uint16_t port_;
  bool paused_ = false;
  bool resuming_ = false;
  time_point last_accepted_{};
};

}  // namespace troupe::http
