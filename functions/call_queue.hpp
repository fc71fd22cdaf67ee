// Calls of one function that wait on one loop for an instance: whose turn it is and who has waited too long (RULES:
// Functions and instances). `(state, event, now) -> calls`; what becomes of those is decided by who asks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "functions/invocation.hpp"
#include "functions/queue_patience.hpp"
#include "functions/waiting_bodies.hpp"

namespace troupe::functions {

/// Whether a queue that stands has its calls wait no longer than they run, and serves the newest first.
enum class queue_shedding : std::uint8_t { automatic, off };

struct queue_limits {
  std::size_t max_calls = 1000;                   ///< per function and loop
  std::size_t max_bytes = std::size_t{64} << 20;  ///< of the bodies of those calls
  milliseconds max_age{1000};  ///< while an instance runs; while the first one starts: `start_timeout`
  milliseconds start_timeout{10000};
  queue_shedding shedding = queue_shedding::automatic;
  std::shared_ptr<waiting_bodies> bodies{};  ///< of the node; null: its queues together have no bound

  /// Whether a call with `more_bytes` of body finds room beside so many that wait with `bytes`. One body there is
  /// always room for, however large: its call could never run otherwise. Calls without one have room beside it.
  bool have_room(std::size_t calls, std::size_t bytes, std::size_t more_bytes) const noexcept {
    return calls < max_calls && (more_bytes == 0 || bytes == 0 || bytes + more_bytes <= max_bytes);
  }
  /// Whether so many more bytes of body find room beside all that wait at the node.
  bool node_has_room(std::size_t more_bytes) const noexcept { return !bodies || bodies->have_room(more_bytes); }
  /// What a call with so many bytes of body takes of that while it waits.
  waiting_bodies::part take(std::size_t body_bytes) const noexcept {
    return bodies && body_bytes > 0 ? bodies->take(body_bytes) : waiting_bodies::part{};
  }
};

/// How the instances do that a queue waits for.
struct queue_view {
  bool has_instances = false;  ///< one runs on this loop
  bool starting = false;       ///< there will be one more soon
  duration median_run{};       ///< zero: not known yet
};

/// @tparam Waiting  has a `call`, which is an `invocation_ptr`, and a time_point `since`, at which it began to wait.
template <class Waiting>
class call_queue {
public:
  bool empty() const noexcept { return calls_.empty(); }
  std::size_t size() const noexcept { return calls_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }  ///< of bodies
  /// Not on an empty queue.
  const Waiting& oldest() const noexcept { return calls_.front(); }
  bool is_full(std::size_t more_bytes, const queue_limits& limits) const noexcept {
    return !limits.have_room(calls_.size(), bytes_, more_bytes);
  }

  /// Out of memory: throws, and the queue is as it was.
  void push(Waiting one) {
    const auto since = one.since;
    keep(std::move(one));
    patience_.call_waits(since);
  }
  /// The call whose turn it is; not on an empty queue. While the queue stands the newest: the wait of those that are
  /// served then stays short, where in order of arrival each would be served as late as it is allowed to.
  Waiting next(time_point now, const queue_limits& limits, const queue_view& view) {
    auto one = sheds(now, limits, view) ? take(std::prev(calls_.end())) : take(calls_.begin());
    if (calls_.empty())
      passed_by();
    return one;
  }
  /// The oldest one if it has waited too long: it is to be refused.
  std::optional<Waiting> next_stale(time_point now, const queue_limits& limits, const queue_view& view) {
    if (calls_.empty() || !is_stale(calls_.front(), now, limits, view))
      return {};
    return take(calls_.begin());
  }
  bool is_stale(const Waiting& one, time_point now, const queue_limits& limits, const queue_view& view) const noexcept {
    // While the first instance started nobody's turn came: the wait for a turn counts from when it was ready.
    if (now - std::max(one.since, ready_since_) > (view.has_instances ? limits.max_age : limits.start_timeout))
      return true;
    // Instances that come and end at once, again and again, must not keep it for ever.
    if (now - one.since > limits.start_timeout + limits.max_age)
      return true;
    // It may have waited at other nodes before: what it waits in all is what its client sees.
    return sheds(now, limits, view) &&
           now - one.call->arrived_at > patience_.limit(now, limits.max_age, view.median_run);
  }

  /// Takes those that `leaves`, in their order. Out of memory: throws, and the queue is as it was.
  template <class Condition>
  std::vector<Waiting> extract(Condition leaves) {
    std::vector<Waiting> taken;
    auto kept = calls_.begin();
    std::size_t looked_at = 0;
    for (auto& one : calls_) {
      ++looked_at;
      if (leaves(one)) {
        if (taken.empty())
          taken.reserve(calls_.size() - looked_at + 1);
        bytes_ -= bytes_of(*one.call);
        taken.push_back(std::move(one));
      } else {
        if (&*kept != &one)
          *kept = std::move(one);
        ++kept;
      }
    }
    calls_.erase(kept, calls_.end());
    return taken;
  }

  /// Takes one that need not wait any more. @returns whether it waited here.
  bool withdraw(const invocation_ptr& call) {
    const auto found = std::find_if(calls_.begin(), calls_.end(), [&](const Waiting& one) { return one.call == call; });
    if (found == calls_.end())
      return false;
    take(found);
    return true;
  }

  /// A call found an instance free: nobody has to wait.
  void passed_by() noexcept {
    patience_.emptied();
    grows_ = false;
  }
  /// An instance more takes calls of this queue from now on.
  void instance_added(time_point now, bool is_first) noexcept {
    if (is_first)
      ready_since_ = now;
    grows_ = false;
    patience_.relieved(now);
  }
  /// More instances were asked for, and there is room for one. Only the first time until one has come counts.
  void growth_asked(time_point now) noexcept {
    if (!empty() && !std::exchange(grows_, true))
      patience_.relieved(now);
  }

private:
  bool sheds(time_point now, const queue_limits& limits, const queue_view& view) const noexcept {
    return limits.shedding == queue_shedding::automatic && view.has_instances && !view.starting &&
           patience_.stands(now);
  }
  void keep(Waiting one) {
    const auto bytes = bytes_of(*one.call);
    calls_.push_back(std::move(one));
    bytes_ += bytes;
  }
  Waiting take(typename std::deque<Waiting>::iterator at) {
    auto one = std::move(*at);
    calls_.erase(at);
    bytes_ -= bytes_of(*one.call);
    return one;
  }

  std::deque<Waiting> calls_;
  std::size_t bytes_ = 0;
  queue_patience patience_;
  time_point ready_since_{};  ///< an instance of this loop has run since then
  bool grows_ = false;        ///< more instances were asked for since nobody waited or one came
};

}  // namespace troupe::functions
