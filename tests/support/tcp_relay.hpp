// Stands between two nodes on loopback: it can stand still, and cut what it carries.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

namespace troupe::tests {

class tcp_relay {
public:
  /// Listens on a port of its own and connects each comer with `target` on 127.0.0.1.
  explicit tcp_relay(std::uint16_t target);
  ~tcp_relay();
  tcp_relay(const tcp_relay&) = delete;
  tcp_relay& operator=(const tcp_relay&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  /// Neither reads nor accepts while frozen: the kernel goes on acknowledging, as for a stopped process.
  void freeze(bool frozen);
  /// Resets every connection.
  void cut();
  int connections() const noexcept { return accepted_.load(); }

private:
  struct pair {
    int ends[2];
    std::string waiting[2];  ///< for the end of that index
  };

  void run();
  void accept_one();
  bool move(pair& through, int from, bool readable);
  void wake();

  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  const std::uint16_t target_;
  std::atomic<bool> frozen_{false};
  std::atomic<bool> cut_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int> accepted_{0};
  std::list<pair> pairs_;
  std::thread thread_;
};

}  // namespace troupe::tests
