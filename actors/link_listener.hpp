// Accepts links at the node's cluster address, hears who it is that calls and hands the connection on to the loop that
// will serve it; strangers get no further. On the control loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_server.hpp"
#include "actors/stream_cipher.hpp"
#include "cluster/link_frame.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

/// Opens the listening socket; port 0 takes any free one.
/// @param bound  gets the address with the port that it became.
/// @returns the descriptor, or `errc::io` naming the address and the reason.
expected<int> open_link_socket(const endpoint& address, endpoint& bound);

struct link_listener_config {
  std::size_t max_strangers = 256;  ///< connections without a hello; the oldest gives way
  milliseconds hello_timeout{5000};
  /// Judges a hello whose version fits. @returns the own hello, or why the peer is refused: it is told that text.
  std::function<expected<cluster::link_hello>(const cluster::link_hello& peer)> accept;
  /// Own versions and name for those that cannot be judged because of theirs.
  std::function<cluster::link_hello()> hello;
  /// Empty: plain. The peer's certificate must name the node of its hello.
  std::function<std::unique_ptr<stream_cipher>()> make_cipher;
  /// Gets an accepted link, on the control loop: `loop` is the hello's, `purpose` says whether it counts.
  std::function<void(accepted_link)> deliver;
};

/// For `link_listener_config::deliver`: links for calls go to `servers[hello.loop % servers.size()]` on its loop, those
/// for control to `control`. Each loop outlives its server. On the thread that made the servers.
struct link_destination {
  event_loop* loop = nullptr;
  link_server* server = nullptr;
};
std::function<void(accepted_link)> deliver_to(std::vector<link_destination> servers, link_destination control);

class link_listener {
public:
  /// Takes over `descriptor` (`open_link_socket`). Begins with `start`, on the loop.
  link_listener(event_loop& control_loop, int descriptor, link_listener_config config);
  ~link_listener();
  link_listener(const link_listener&) = delete;
  link_listener& operator=(const link_listener&) = delete;

  // -- on the control loop only
  void start();
  /// Closes the socket and whoever has not said hello.
  void stop();
  std::size_t strangers() const noexcept;
  /// Connections that were closed without a link: no hello in time, no hello at all, gave way, refused.
  std::uint64_t turned_away() const noexcept;

private:
  class door;
  std::unique_ptr<door> door_;
};

}  // namespace troupe::actors
