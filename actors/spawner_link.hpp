// The node's end of the spawner's control socket, on the control loop: one place through which all workers are started
// and killed, and which tells each worker what became of its process.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "actors/event_loop.hpp"
#include "functions/spawner.hpp"

namespace troupe::actors {

class spawner_link final : private watcher {
public:
  using event_callback = std::function<void(const functions::spawner_event&)>;

  static constexpr std::size_t max_waiting_requests = 10'000;

  /// @param on_lost  called on the control loop when the spawner is gone: all workers are dead then and none can start.
  spawner_link(event_loop& control_loop, functions::spawner_handle& spawner, std::function<void()> on_lost);
  ~spawner_link();

  /// Takes over both descriptors. `callback` runs on the control loop for each event, the last being an exit or a
  /// failure. From any thread.
  void spawn(functions::spawn_request request, int channel, int output, event_callback callback);
  /// From any thread.
  void kill(pid_t pid, int signal);
  void start();
  /// Before the control loop stops, on it.
  void stop();

private:
  struct waiting {
    functions::spawn_request request;
    int channel = -1;
    int output = -1;
    pid_t kill_pid = 0;
    int kill_signal = 0;
  };

  void on_ready(std::uint32_t events) override;
  void submit(waiting&& entry);
  bool send(waiting& entry);
  void flush();
  void deliver(const functions::spawner_event& event);
  void lose(const std::string& why);

  event_loop& loop_;
  functions::spawner_handle& spawner_;
  std::function<void()> on_lost_;
  std::unordered_map<std::uint64_t, event_callback> callbacks_;
  std::deque<waiting> waiting_;
  std::uint64_t next_token_ = 1;
  bool lost_ = false;
  bool watching_ = false;
};

}  // namespace troupe::actors
