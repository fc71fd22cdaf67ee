#include "http/edge.hpp"

#include <unistd.h>

#include <string>
#include <utility>

#include "config/boot_clock.hpp"
#include "config/free_memory.hpp"
#include "config/log.hpp"
#include "http/connection.hpp"

namespace troupe::http {

namespace {

/// Connections beyond the budget that are still told 503; those beyond these are closed without a word.
constexpr std::size_t max_refused_at_once = 64;

body_limits body_limits_of(const edge_options& options) {
  return {options.max_body_memory, options.write_progress_timeout};
}

}  // namespace

edge::edge(actors::event_loop& loop, caf::actor_system& system, std::shared_ptr<const edge_options> options,
           std::shared_ptr<connection_budget> budget)
    : loop_{loop}, system_{system}, options_{std::move(options)}, budget_{std::move(budget)}, sleep_watch_{boot_now()},
      bodies_{body_limits_of(*options_)}, access_{options_->access_log, options_->access_log_one_in} {}

void edge::adjust(std::shared_ptr<const edge_options> options) {
  options_ = std::move(options);
  bodies_.set_limits(body_limits_of(*options_));
  access_.adjust(options_->access_log, options_->access_log_one_in);
}

void edge::adopt(int descriptor, std::string peer_address, std::uint16_t local_port) {
  const auto open = budget_->open.fetch_add(1, std::memory_order_relaxed);
  const auto max = budget_->max.load(std::memory_order_relaxed);
  const bool over_budget = open >= max;
  if (over_budget) {
    budget_->count(turn_away::connections);
    if (budget_->without_connections.begins(loop_.now()))
      log_event(log_level::warning, "connections_refused",
                {{"port", std::to_string(local_port)}, {"limit", std::to_string(max)}});
  }
  if (open >= max + max_refused_at_once) {
    budget_->open.fetch_sub(1, std::memory_order_relaxed);
    ::close(descriptor);
    return;
  }
  actors::spawn_on<connection>(system_, loop_, *this, descriptor, std::move(peer_address), local_port, over_budget);
}

void edge::add(connection& one) {
  one.next_ = first_;
  if (first_ != nullptr)
    first_->previous_ = &one;
  first_ = &one;
  ++count_;
}

void edge::remove(connection& one) noexcept {
  if (one.previous_ != nullptr)
    one.previous_->next_ = one.next_;
  else
    first_ = one.next_;
  if (next_ == &one)
    next_ = one.next_;
  if (one.next_ != nullptr)
    one.next_->previous_ = one.previous_;
  one.next_ = one.previous_ = nullptr;
  --count_;
  budget_->open.fetch_sub(1, std::memory_order_relaxed);
  if (count_ == 0 && when_empty_)
    loop_.post(std::exchange(when_empty_, nullptr));
}

void edge::hold_request(connection& one, std::size_t bytes) {
  bodies_.hold_request(one, bytes, loop_.now());
  judge_bodies();
}

void edge::hold_answer(connection& one, std::size_t bytes) {
  bodies_.hold_answer(one, bytes, loop_.now());
  judge_bodies();
}

bool edge::takes_answer(std::size_t bytes) {
  if (bodies_.takes(bytes, loop_.now()))
    return true;
  budget_->count(turn_away::memory);
  if (budget_->without_answer_memory.begins(loop_.now()))
    log_event(log_level::warning, "large_answers_refused",
              {{"bytes", std::to_string(bytes)},
               {"held_bytes", std::to_string(bodies_.held_bytes())},
               {"loop", std::to_string(loop_.index())}});
  return false;
}

void edge::judge_bodies() {
  if (bodies_.over() && !std::exchange(bodies_judged_, true))
    loop_.at_batch_end(*this);
}

void edge::let_go_of_body(connection& one) noexcept {
  bodies_.let_go(one);
}

void edge::on_batch_end() {
  bodies_judged_ = false;
  turn_slow_away();
}

void edge::turn_slow_away() {
  const auto now = loop_.now();
  const auto held_bytes = bodies_.held_bytes();
  std::size_t turned_away = 0;
  bodies_.turn_slow_away(now, [&](body_holder& slow) {
    static_cast<connection&>(slow).give_way();
    ++turned_away;
  });
  if (turned_away == 0)
    return;
  budget_->count(turn_away::memory, turned_away);
  if (budget_->without_body_memory.begins(now))
    log_event(log_level::warning, "slow_clients_turned_away",
              {{"clients", std::to_string(turned_away)},
               {"held_bytes", std::to_string(held_bytes)},
               {"loop", std::to_string(loop_.index())}});
}

template <class Job>
void edge::for_each(Job job) {
  for (auto* one = first_; one != nullptr; one = next_) {
    next_ = one->next_;
    job(*one);
  }
}

bool edge::holds_requests() {
  if (after_sleep && sleep_watch_.slept(boot_now())) {
    holding_ = true;
    after_sleep([this, slept = ++sleeps_] { go_on(slept); });
  }
  return holding_;
}

void edge::go_on(std::uint32_t slept) {
  // What is said about an earlier sleep does not count for a later one.
  if (holds_requests() && slept == sleeps_) {
    holding_ = false;
    for_each([](connection& one) { one.go_on(); });
  }
}

void edge::on_tick(time_point now) {
  holds_requests();
  sleep_watch_.ticked(boot_now());
  for_each([now](connection& one) { one.on_sweep(now); });
  turn_slow_away();
  access_.flush();
  if (bodies_.take_much_is_gone(now))
    give_back_free_memory();
}

void edge::begin_drain() {
  draining_ = true;
  for_each([](connection& one) { one.begin_drain(); });
}

void edge::end_drain() {
  for_each([](connection& one) { one.end_drain(); });
}

void edge::close_all() {
  while (first_ != nullptr)
    first_->close();
}

void edge::when_empty(std::function<void()> done) {
  if (count_ == 0)
    loop_.post(std::move(done));
  else
    when_empty_ = std::move(done);
}

}  // namespace troupe::http
