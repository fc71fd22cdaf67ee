// Holds the requests of clients back after a sleep of this process until its copy of the store is level with a peer's
// (RULES: Cluster), and tells peers how far this node's copy is when they ask. What counts is decided by
// cluster::wake_check. On the control loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "cluster/level_frame.hpp"
#include "cluster/wake_check.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

struct wake_gate_config {
  /// Sends a call of topic `control` to a peer, as `control_links::call`.
  std::function<expected<void>(const uuid& peer, buffer head, time_point deadline, call_callback done)> call;
  /// Peers that are live and not suspected.
  std::function<std::vector<uuid>()> in_reach;
  /// How far the copy on this node's disk is.
  std::function<cluster::copy_level()> own_level;
  /// Of the picture by which all loops answer; and runs `done` once that is at `at`.
  std::function<cluster::cursor()> installed;
  std::function<void(cluster::cursor at, time_point deadline, std::function<void(bool there)> done)> when_installed;
  milliseconds answer_timeout{500};  ///< of one question to a peer
};

class wake_gate final : public link_service, private tick_listener {
public:
  /// Offers itself for topic `control` until it is destroyed.
  wake_gate(event_loop& control, link_services& services, wake_gate_config config);
  ~wake_gate();
  wake_gate(const wake_gate&) = delete;
  wake_gate& operator=(const wake_gate&) = delete;

  void start() { loop_.add_tick(*this); }
  /// What still waits is dropped.
  void stop();

  /// A loop has slept. `go_on` runs once, at once or later, when what clients ask may be answered again; there is no
  /// bound.
  void slept(std::function<void()> go_on);

  void serve(incoming_call_ptr call) override;

private:
  void on_tick(time_point now) override;
  void ask(const uuid& peer);
  void on_answer(const uuid& peer, const call_result& result);
  void review(time_point now);

  event_loop& loop_;
  link_services& services_;
  const wake_gate_config config_;
  cluster::wake_check check_;
  std::uint64_t sleep_ = 0;  ///< tells what was asked after the last one
  std::vector<std::function<void()>> held_;
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
};

}  // namespace troupe::actors
