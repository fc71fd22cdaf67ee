#include "actors/compute_loops.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "actors/call_meter.hpp"

namespace troupe::actors {

using functions::outcome_ptr;

namespace {

/// Why a call that waited was not run.
functions::outcome_ptr refusal_of_waiting(errc why) {
  if (why == errc::overloaded)
    return functions::make_failure(why, "waited too long for a compute loop");
  return refusal_of(why);
}

}  // namespace

functions::outcome_ptr refusal_of(errc why) {
  switch (why) {
    case errc::overloaded:
      return functions::make_failure(why, "no room for another call that waits for a compute loop");
    case errc::draining: return functions::make_failure(why, "the node is going down");
    case errc::no_capacity: return functions::make_failure(why, std::string{functions::no_memory_detail});
    case errc::client_gone: return functions::make_failure(why, "the client left while the call waited");
    default: return functions::make_failure(why, "the node has no compute loops");
  }
}

compute_loops::lane::lane(compute_loops& b, unsigned index)
    : board{b}, loop{index, "compute-" + std::to_string(index)} {}

compute_loops::compute_loops(unsigned count, compute_surroundings surroundings) : around_{std::move(surroundings)} {
  for (unsigned i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<lane>(*this, i));
    if (around_.slot)
      lanes_.back()->slot = around_.slot(i);
    idle_.push_back(lanes_.back().get());
  }
}

compute_loops::~compute_loops() = default;

void compute_loops::start(caf::actor_system& system) {
  for (auto& each : lanes_) {
    each->loop.attach(system);
    each->loop.start(niceness);
  }
}

std::optional<errc> compute_loops::submit(compute_call call) {
  if (lanes_.empty())
    return errc::not_ready;
  const auto kept = call.call;
  const auto execution = call.execution;
  lane* free = nullptr;
  try {
    const std::lock_guard lock{mutex_};
    if (closed_)
      return errc::draining;
    auto& board = boards_[execution];
    const auto bytes = bytes_of(*kept);
    // With a loop idle it need not wait, though it takes the way through the queue.
    if (board.queue.is_full(bytes, around_.limits) || (idle_.empty() && !around_.limits.node_has_room(bytes))) {
      ++refused_full_;
      return errc::overloaded;
    }
    keep(std::move(call), board);
    free = take_idle();
  } catch (const std::bad_alloc&) {
    return errc::no_capacity;
  }
  // One that cannot be woken may have others that come for the call. What was submitted while it was not among the idle
  // ones waits for the next tick (`refuse_stale`).
  if (free != nullptr && !wake(*free) && take_back(kept, execution))
    return errc::no_capacity;
  return {};
}

/// Out of memory: throws, and the board is as it was.
void compute_loops::keep(compute_call call, function_board& board) {
  const bool first = board.queue.empty();
  if (first)
    turns_.push_back(call.execution);
  try {
    call.body = around_.limits.take(bytes_of(*call.call));
    board.queue.push(std::move(call));
  } catch (...) {
    if (first)
      turns_.pop_back();
    throw;
  }
  waiting_.fetch_add(1, std::memory_order_relaxed);
}

/// The one that ran last, which is warm; null when all are busy. With the lock held.
compute_loops::lane* compute_loops::take_idle() noexcept {
  if (idle_.empty())
    return nullptr;
  auto* const free = idle_.back();
  idle_.pop_back();
  return free;
}

/// @returns false when there is no memory for that: then it is idle as before.
bool compute_loops::wake(lane& idle) noexcept {
  try {
    idle.loop.post([this, &idle] { work(idle); });
    return true;
  } catch (const std::bad_alloc&) {
    const std::lock_guard lock{mutex_};
    idle_.push_back(&idle);  // it has had a place there
    return false;
  }
}

/// @returns false when it has begun to run, or its refusal is under way.
bool compute_loops::take_back(const functions::invocation_ptr& call, const function_execution_ptr& of) {
  const std::lock_guard lock{mutex_};
  const auto board = boards_.find(of);
  if (board == boards_.end() || !board->second.queue.withdraw(call))
    return false;
  if (board->second.queue.empty())
    std::erase(turns_, of);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

functions::queue_view compute_loops::view_of(const function_board& board) const {
  return {true, false, board.median.value()};
}

/// Runs one call and comes back at the end of the loop's turn, so that whatever else the loop was given gets its own.
void compute_loops::work(lane& at) {
  refusals refused;
  auto next = take_next(at, refused);
  refuse(refused);
  if (!next)
    return;
  run(at, *next);
  at.loop.at_batch_end(at);
}

std::optional<compute_call> compute_loops::take_next(lane& at, refusals& refused) {
  const auto now = clock::now();
  {
    const std::lock_guard lock{mutex_};
    while (!turns_.empty()) {
      const auto function = std::move(turns_.front());
      turns_.pop_front();
      auto& board = boards_[function];
      const auto view = view_of(board);
      auto next = board.queue.next(now, around_.limits, view);
      if (!board.queue.empty())
        turns_.push_back(function);
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      if (next.call->is_abandoned()) {
        refused.emplace_back(std::move(next), errc::client_gone);
      } else if (board.queue.is_stale(next, now, around_.limits, view)) {
        ++refused_late_;
        refused.emplace_back(std::move(next), errc::overloaded);
      } else {
        at.waited.observe(now - next.since);
        next.body = {};
        ++board.running;
        return next;
      }
    }
    // Functions that nobody calls now: what is known of them is not worth keeping for ever.
    std::erase_if(boards_, [](const auto& each) { return each.second.queue.empty() && each.second.running == 0; });
    idle_.push_back(&at);
  }
  tell(at);
  return {};
}

void compute_loops::run(lane& at, compute_call& call) {
  const auto began = clock::now();
  const auto used_before = thread_usage::now();
  outcome_ptr result;
  at.loop.pulse().begin_call(call.execution->number(), call.timeout);
  {
    const functions::running_mark mark{at.slot, call.object};
    result = call.library->call(*call.call, *around_.log);
  }
  at.loop.pulse().end_call();
  const auto used = thread_usage::now();
  result->queued = began - call.since;
  result->ran = clock::now() - began;
  if (at.measured != call.execution || at.measured_version != call.version)
    tell(at);
  at.measured = call.execution;
  at.measured_version = call.version;
  at.news.add_measured(used.cpu - used_before.cpu, used.waited - used_before.waited, {});
  if (at.news.measured >= told_together)
    tell(at);
  {
    const std::lock_guard lock{mutex_};
    auto& board = boards_[call.execution];
    --board.running;
    board.median.measured(result->ran);
  }
  call.answer(std::move(result));
}

void compute_loops::tell(lane& at) {
  const auto news = std::exchange(at.news, {});
  if (const auto function = std::exchange(at.measured, nullptr); function && news.calls > 0)
    function->report(at.measured_version, news);
}

void compute_loops::refuse(refusals& refused) {
  for (auto& [call, why] : refused) {
    auto result = refusal_of_waiting(why);
    result->queued = clock::now() - call.since;
    call.answer(std::move(result));
  }
  refused.clear();  // what they kept is not kept for as long as the next call runs
}

void compute_loops::refuse_stale(time_point now) {
  if (waiting_.load(std::memory_order_relaxed) == 0)
    return;
  refusals refused;
  lane* free = nullptr;
  {
    const std::lock_guard lock{mutex_};
    for (auto& [function, board] : boards_) {
      for (auto& left : board.queue.extract([](const compute_call& each) { return each.call->is_abandoned(); }))
        refused.emplace_back(std::move(left), errc::client_gone);
      while (auto late = board.queue.next_stale(now, around_.limits, view_of(board))) {
        ++refused_late_;
        refused.emplace_back(std::move(*late), errc::overloaded);
      }
    }
    std::erase_if(turns_, [this](const auto& function) { return boards_[function].queue.empty(); });
    waiting_.fetch_sub(refused.size(), std::memory_order_relaxed);
    // One was idle beside a call that waits: it could not be woken for that. If it cannot now, the next tick tries.
    if (!turns_.empty())
      free = take_idle();
  }
  if (free != nullptr)
    wake(*free);
  refuse(refused);
}

void compute_loops::adjust(const functions::queue_limits& limits) {
  const std::lock_guard lock{mutex_};
  around_.limits = limits;
}

compute_loops::figures compute_loops::now(time_point at) const {
  figures found;
  found.loops = lanes_.size();
  for (const auto& each : lanes_)
    each->waited.add_to(found.waited);
  const std::lock_guard lock{mutex_};
  found.busy = lanes_.size() - idle_.size();
  found.waiting = waiting_.load(std::memory_order_relaxed);
  for (const auto& [function, board] : boards_)
    if (!board.queue.empty())
      found.oldest = std::max(found.oldest, at - board.queue.oldest().since);
  found.refused_full = refused_full_;
  found.refused_late = refused_late_;
  return found;
}

std::vector<event_loop*> compute_loops::loops() const {
  std::vector<event_loop*> found;
  for (const auto& each : lanes_)
    found.push_back(&each->loop);
  return found;
}

void compute_loops::close() {
  refusals refused;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    for (auto& [function, board] : boards_)
      for (auto& each : board.queue.extract([](const compute_call&) { return true; }))
        refused.emplace_back(std::move(each), errc::draining);
    turns_.clear();
    waiting_.store(0, std::memory_order_relaxed);
  }
  refuse(refused);
}

bool compute_loops::idle() const {
  const std::lock_guard lock{mutex_};
  return idle_.size() == lanes_.size();
}

void compute_loops::stop() {
  for (auto& each : lanes_)
    each->loop.stop();
  lanes_.clear();
  boards_.clear();
}

}  // namespace troupe::actors
