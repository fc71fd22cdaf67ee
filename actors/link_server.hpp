// The accepted links of one loop: serves what peers call on them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "actors/stream_cipher.hpp"
#include "cluster/link_event.hpp"

namespace troupe::actors {

/// A connection whose hello was accepted, on its way to the loop that will serve it.
struct accepted_link {
  int descriptor = -1;  ///< owned by whoever has the struct; closed with it
  std::unique_ptr<stream_cipher> cipher;
  std::string received;  ///< plain bytes after the hello
  cluster::link_hello peer;
  cluster::link_hello own;

  accepted_link() = default;
  accepted_link(accepted_link&& other) noexcept;
  accepted_link& operator=(accepted_link&& other) noexcept;
  ~accepted_link();
};

struct link_server_config {
  cluster::link_limits limits;
  std::size_t max_links = 1024;         ///< more are closed at once
  milliseconds silence_timeout{15000};  ///< a peer pings four times a second: a link that says nothing is closed
  milliseconds user_timeout{5000};
};

/// On its loop's thread only, but for the constructor.
class link_server {
public:
  link_server(event_loop& loop, const link_services& services, link_server_config config);
  ~link_server();
  link_server(const link_server&) = delete;
  link_server& operator=(const link_server&) = delete;

  /// Links of an earlier incarnation of the same node are closed.
  void adopt(accepted_link link);
  /// Takes no new calls from now on and says so on every link, also on those that come later.
  void drain();
  /// Closes every link; calls that run are abandoned.
  void close();
  /// Closes the links of one node.
  void close_peer(const uuid& node);
  std::size_t links() const noexcept;
  /// Expires with the server: for jobs that are posted to its loop. From the thread that made it.
  std::weak_ptr<const bool> life() const noexcept { return life_; }
  /// Calls of peers that are not settled.
  std::size_t calls() const noexcept;
  /// Whether everything that was answered has left.
  bool idle() const noexcept;

private:
  class served;
  struct ticker final : tick_listener {
    explicit ticker(link_server& s) : server{s} {}
    void on_tick(time_point now) override { server.on_tick(now); }
    link_server& server;
  };
  void forget(served& link);
  void on_tick(time_point now);
  template <class Action>
  void each(Action action);
  template <class Condition>
  void close_those(Condition condition);

  event_loop& loop_;
  const link_services& services_;
  link_server_config config_;
  std::vector<std::shared_ptr<served>> links_;
  ticker ticker_;
  bool drains_ = false;
  const std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
};

}  // namespace troupe::actors
