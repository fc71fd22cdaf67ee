// Splits the limits of the functions whose home this node is, and sees to it that nodes keep to their parts: mailbox
// and timers around cluster::instance_plan, which decides.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/event_loop.hpp"
#include "cluster/instance_plan.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

struct instance_planner_config {
  uuid self;
  /// The nodes among which functions have their homes, this one included, and what they last said. What it points to
  /// lives until the next call.
  std::function<std::vector<cluster::plan_member>()> view;
  /// Takes an order to its node, perhaps this one; `done` comes on the control loop, or never.
  std::function<void(const cluster::band_order& order, time_point deadline, std::function<void(expected<void>)> done)>
      tell;
};

/// Belongs to the control loop.
class instance_planner final : private tick_listener {
public:
  instance_planner(event_loop& control, instance_planner_config config);
  ~instance_planner();
  instance_planner(const instance_planner&) = delete;
  instance_planner& operator=(const instance_planner&) = delete;

  void start();
  /// What is under way is forgotten.
  void stop();
  bool running() const noexcept { return started_; }
  /// All functions with a minimum or a maximum.
  void set_functions(std::vector<cluster::planned_function> functions);
  /// What `view` gives has changed: looks before the next tick.
  void look_soon();

private:
  struct sent_order {
    cluster::band_order order;
    time_point deadline;
  };

  void on_tick(time_point now) override;
  void look(time_point now);
  void end(std::uint64_t number, cluster::order_answer answer);

  event_loop& loop_;
  const instance_planner_config config_;
  cluster::instance_plan plan_;
  std::vector<sent_order> sent_;
  bool started_ = false;
  bool looking_ = false;
  /// Posted jobs find out by it that nobody plans any more.
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
};

}  // namespace troupe::actors
