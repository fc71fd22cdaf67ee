#include "actors/instance_planner.hpp"

#include <algorithm>
#include <utility>

#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// The answer says that a band is kept to, so it takes a moment of the supervisor there, not of its calls.
constexpr milliseconds order_timeout{1'000};

}  // namespace

instance_planner::instance_planner(event_loop& control, instance_planner_config config)
    : loop_{control}, config_{std::move(config)}, plan_{config_.self} {}

instance_planner::~instance_planner() {
  stop();
}

void instance_planner::start() {
  started_ = true;
  loop_.add_tick(*this);
}

void instance_planner::stop() {
  if (!std::exchange(started_, false))
    return;
  loop_.remove_tick(*this);
  alive_.reset();
  sent_.clear();
}

void instance_planner::set_functions(std::vector<cluster::planned_function> functions) {
  plan_.set_functions(std::move(functions));
  look_soon();
}

void instance_planner::look_soon() {
  if (!started_ || std::exchange(looking_, true))
    return;
  loop_.post([this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired())
      look(clock::now());
  });
}

void instance_planner::on_tick(time_point now) {
  // An answer that never comes: the order may count.
  std::vector<std::uint64_t> late;
  for (const auto& each : sent_)
    if (each.deadline <= now)
      late.push_back(each.order.number);
  for (const auto number : late)
    end(number, cluster::order_answer::failed);
  look(now);
}

void instance_planner::look(time_point now) {
  looking_ = false;
  for (const auto& order : plan_.next(config_.view(), now)) {
    sent_.push_back({order, now + order_timeout});
    log_event(log_level::debug, "band_ordered",
              {{"function", to_string(order.function)},
               {"node", to_string(order.node)},
               {"min", order.band.min},
               {"max", order.band.max}});
    config_.tell(order, now + order_timeout,
                 [this, number = order.number, alive = std::weak_ptr{alive_}](const expected<void>& kept) {
                   if (alive.expired())
                     return;
                   end(number, kept ? cluster::order_answer::done : cluster::order_answer::failed);
                   if (kept)
                     look_soon();
                 });
  }
}

void instance_planner::end(std::uint64_t number, cluster::order_answer answer) {
  const auto found =
      std::find_if(sent_.begin(), sent_.end(), [&](const sent_order& each) { return each.order.number == number; });
  if (found == sent_.end())
    return;
  const auto order = found->order;
  sent_.erase(found);
  plan_.answered(order, answer, clock::now());
}

}  // namespace troupe::actors
