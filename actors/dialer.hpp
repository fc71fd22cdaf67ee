// Connects to one address without blocking, on an event loop. What is spoken over the connection, and when to try
// again, is decided by whoever asked.
#pragma once

#include <functional>
#include <optional>

#include "actors/event_loop.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

/// One attempt. Everything on the loop's thread.
class dialer final : public watcher, public timer_listener {
public:
  /// @param done  gets a connected, non-blocking descriptor, which it owns then, or `errc::io`; called once, never
  ///              from within `start`, not at all after the dialer was destroyed. It may destroy the dialer.
  dialer(event_loop& loop, std::function<void(expected<int>)> done) : loop_{loop}, done_{std::move(done)} {}
  ~dialer();
  dialer(const dialer&) = delete;
  dialer& operator=(const dialer&) = delete;

  /// @param from  the local address, when the connection is to come from a certain one; its port is ignored.
  /// @param deadline  when the attempt fails at the latest.
  void start(const endpoint& to, const std::optional<endpoint>& from, time_point deadline);

  void on_ready(std::uint32_t events) override;
  void on_timer(time_point now) override;

private:
  expected<void> begin(const endpoint& to, const std::optional<endpoint>& from);
  void finish(expected<int> result);
  void close() noexcept;

  event_loop& loop_;
  std::function<void(expected<int>)> done_;
  std::string target_;
  int descriptor_ = -1;
  bool watched_ = false;
  std::optional<error> problem_;  ///< found within `start`, told by the timer
};

}  // namespace troupe::actors
