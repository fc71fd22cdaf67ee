#include "actors/router.hpp"

#include <algorithm>
#include <chrono>

#include "actors/native_instance.hpp"
#include "config/log.hpp"
#include "functions/scaling.hpp"

namespace troupe::actors {

namespace {

using functions::bytes_of;
using functions::invocation_ptr;
using functions::outcome_ptr;

/// One loop's; null when nobody counts.
std::shared_ptr<function_cells> cells_of(const runnable& what, unsigned loop) {
  return what.counts ? std::shared_ptr<function_cells>{what.counts, &(*what.counts)[loop]} : nullptr;
}

}  // namespace

router::router(caf::actor_config& config, std::shared_ptr<router_surroundings> surroundings)
    : loop_bound{config}, surroundings_{std::move(surroundings)} {
  set_default_handler(caf::drop);
}

router::behavior_type router::make_behavior() {
  loop().add_tick(*this);
  // An inline actor that ended by itself is made anew at the next call.
  set_down_handler([this](const caf::down_msg& down) {
    for (auto& [id, state] : functions_)
      if (state.inline_actor && state.inline_actor.address() == down.source)
        state.inline_actor = nullptr;
  });
  return {
      [this](const invocation_ptr& call) {
        return in_memory(call->function->id, *call, [&] { return route(call, true); });
      },
      [this](const forwarded& hop) {
        return in_memory(hop.call->function->id, *hop.call, [&] { return route(hop.call, false); });
      },
      [this](const linked& hop) { return in_memory(hop.function, *hop.call, [&] { return take_linked(hop); }); },
      [this](const install_update& what) {
        install(*what.update);
        if (what.installed)
          what.installed();
      },
      [this](instance_ready& ready) { add(ready); },
      [this](const instance_gone& gone) { remove(gone); },
      [this](const slot_free& free) {
        if (auto* state = find(free.function))
          unless_out_of_memory([&] { dispatch(*state); });
      },
      [this](const start_failed& failed) {
        if (auto* state = find(failed.function); state != nullptr && failed.none_left)
          give_up(*state, failed.why, failed.version);
      },
      [this](const runs_elsewhere& told) {
        if (auto* state = find(told.function))
          unless_out_of_memory([&] { move_waiting(*state); });
      },
  };
}

void router::on_exit() {
  loop().remove_tick(*this);
  ending_ = true;
  for (auto& [id, state] : functions_)
    give_up(state, {errc::draining, {}, "the node is going down"}, ~std::uint64_t{0});
  for (auto& [id, state] : functions_)
    if (state.inline_actor)
      send_exit(state.inline_actor, caf::exit_reason::user_shutdown);
  refuse_early(time_point::max());
  functions_.clear();
}

router::function_state* router::find(const uuid& id) {
  const auto found = functions_.find(id);
  return found == functions_.end() ? nullptr : &found->second;
}

void router::count_refusal(const function_state& state, errc cause) const noexcept {
  if (state.what.counts)
    (*state.what.counts)[loop().index()].refuse(cause);
}

/// All the time that a call had which nobody ran was a wait.
outcome_ptr router::not_run(const functions::invocation& call, outcome_ptr result) const {
  result->queued = functions::wait_of(call, loop().now());
  return result;
}

outcome_ptr router::refusal(const function_state& state, const functions::invocation& call, errc code,
                            std::string detail) const {
  auto result = not_run(call, functions::make_failure(code, std::move(detail)));
  count_refusal(state, code);
  return result;
}

outcome_ptr router::no_memory_for(const uuid& function, const functions::invocation& call) {
  if (const auto* state = find(function))
    return refusal(*state, call, errc::no_capacity, std::string{functions::no_memory_detail});
  return not_run(call, functions::make_failure(errc::no_capacity, std::string{functions::no_memory_detail}));
}

/// To one that waits. Where there is no memory to say why, it hears that much.
void router::answer_refused(const function_state& state, const functions::invocation& call, promise& answer, errc code,
                            std::string_view detail) const {
  bool counted = false;
  const auto tell = [&](errc cause, std::string_view why) {
    auto result = not_run(call, functions::make_failure(cause, std::string{why}));
    if (!std::exchange(counted, true))  // before anybody hears of it
      count_refusal(state, cause);
    answer.deliver(std::move(result));
  };
  try {
    tell(code, detail);
  } catch (const std::bad_alloc&) {
    tell(errc::no_capacity, functions::no_memory_detail);
  }
}

caf::result<outcome_ptr> router::refuse(const function_state& state, const functions::invocation& call, errc code,
                                        std::string detail) {
  return refusal(state, call, code, std::move(detail));
}

/// Where `job` has no memory for a call, that call is refused. The router would end with what it threw, and all calls
/// of its loop with it.
template <class Job>
caf::result<outcome_ptr> router::in_memory(const uuid& function, const functions::invocation& call, Job job) {
  try {
    return job();
  } catch (const std::bad_alloc&) {
    return no_memory_for(function, call);
  }
}

/// For what looks at waiting calls: what it has not come to waits on, and the next tick looks again.
template <class Job>
void router::unless_out_of_memory(Job job) {
  try {
    job();
  } catch (const std::bad_alloc&) {
    // There may be none to say so either; calls that are refused for it are counted.
  }
}

void router::hand_on(const function_state& state, const invocation_ptr& call, promise& answer, const function_actor& to,
                     taken_place place) {
  try {
    send_on(answer, to, call);
  } catch (const std::bad_alloc&) {
    return answer_refused(state, *call, answer, errc::no_capacity, functions::no_memory_detail);
  }
  place.release();
}

caf::result<outcome_ptr> router::hand_on(const function_state& state, const invocation_ptr& call,
                                         const function_actor& to, taken_place place) {
  auto answer = make_response_promise<promise>();
  hand_on(state, call, answer, to, std::move(place));
  return answer;
}

void router::forward(const function_state& state, const invocation_ptr& call, promise& answer, const router_actor& to) {
  try {
    send_on(answer, to, forwarded{call});
  } catch (const std::bad_alloc&) {
    answer_refused(state, *call, answer, errc::no_capacity, functions::no_memory_detail);
  }
}

caf::result<outcome_ptr> router::route(const invocation_ptr& call, bool may_forward) {
  auto* state = find(call->function->id);
  if (state == nullptr)
    return functions::make_failure(errc::no_such_function,
                                   "function " + call->function->name + " is no longer deployed");
  if (state->what.load)
    return to_worker(*state, call, may_forward);
  if (auto target = inline_actor_of(*state))
    return hand_on(*state, call, target);
  if (auto* remote = remote_for(*call))
    if (const auto route = remote->choose(call->function->id, {}, call->tried);
        route.place == cluster::call_place::peer && may_leave(*call))
      return leave(call, route.node);
  return refuse(*state, *call, errc::not_ready, "function " + call->function->name + " is not loaded on this node");
}

router* router::behind(const router_actor& handle) {
  return static_cast<router*>(caf::actor_cast<caf::abstract_actor*>(handle));
}

router::begun router::begin(const functions::invocation& call) {
  enter();
  auto* state = find(call.function->id);
  return state == nullptr ? begun{} : begin(*state, call);
}

router::begun router::begin(const linked& hop) {
  enter();
  auto* state = find(hop);
  if (state == nullptr)
    return {};
  adopt(*state, hop);
  return begin(*state, *hop.call);
}

router::begun router::begin(function_state& state, const functions::invocation& call) {
  if (!state.what.load) {
    auto target = inline_actor_of(state);
    if (!target || state.what.factory)
      return {nullptr, std::move(target), {}};
    auto& instance = static_cast<native_instance&>(*caf::actor_cast<caf::abstract_actor*>(target));
    if (!instance.runs_here())
      return {nullptr, std::move(target), {}};
    return {instance.run(call), {}, {}};
  }
  const auto* chosen = take_free_worker(state);
  return chosen == nullptr ? begun{} : begun{nullptr, chosen->actor, place_in(*chosen)};
}

void router::adopt(const function_state& state, const linked& hop) {
  hop.call->function = state.what.spec;
  hop.call->by_link = true;
}

function_actor router::inline_actor_of(function_state& state) {
  if (state.inline_actor)
    return state.inline_actor;
  try {
    if (state.what.factory)
      state.inline_actor = state.what.factory(loop());
    else if (state.what.library)
      state.inline_actor =
          spawn_on<native_instance>(system(), loop(), state.what,
                                    native_place{surroundings_->log, slot_for(*state.what.spec), surroundings_->compute,
                                                 cells_of(state.what, loop().index())});
  } catch (const std::exception& problem) {
    // The factory is the embedding program's: its failure is this function's alone.
    log_event(log_level::error, "actor_not_made", {{"function", state.what.spec->name}, {"reason", problem.what()}});
  }
  if (state.inline_actor)
    monitor(state.inline_actor);
  return state.inline_actor;
}

functions::running_slot* router::slot_for(const functions::function_spec& spec) const {
  return spec.form == functions::code_form::object ? surroundings_->objects->slot(loop().index()) : nullptr;
}

router::worker* router::free_worker(function_state& state) {
  if (state.what.load->per_loop[loop().index()].free_slots.load(std::memory_order_relaxed) == 0)
    return nullptr;
  // Workers of the newest version first; within a version the one used last: it is warm, and the rest may fall idle.
  worker* best = nullptr;
  const auto order = [](const worker& w) { return std::pair{w.version, w.slots->last_turn()}; };
  for (auto& candidate : state.workers)
    if (candidate.slots->free() > 0 && (best == nullptr || order(candidate) > order(*best)))
      best = &candidate;
  return best;
}

/// Takes a place in a free worker for a call that need not wait behind others; null when there is none.
router::worker* router::take_free_worker(function_state& state) {
  auto* chosen = state.queue.empty() ? free_worker(state) : nullptr;
  if (chosen == nullptr)
    return nullptr;
  state.queue.passed_by();
  chosen->slots->take(loop().now());
  return chosen;
}

/// A busy worker that may be given one more call, behind which the fewest wait.
router::worker* router::prefetching_worker(function_state& state) {
  worker* best = nullptr;
  for (auto& candidate : state.workers)
    if (candidate.slots->may_prefetch() &&
        (best == nullptr || candidate.version > best->version ||
         (candidate.version == best->version && candidate.slots->in_flight() < best->slots->in_flight())))
      best = &candidate;
  return best;
}

router_actor const* router::other_loop(const function_state& state, bool with_free_slot) const {
  const auto& loads = state.what.load->per_loop;
  const auto own = loop().index();
  std::size_t best = own;
  auto best_oldest = std::int64_t{0};
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (i == own || loads[i].workers.load(std::memory_order_relaxed) == 0)
      continue;
    if (with_free_slot) {
      if (loads[i].free_slots.load(std::memory_order_relaxed) > 0)
        return &(*surroundings_->peers)[i];
      continue;
    }
    // The lowest queue age is the latest "oldest" instant; nothing waiting counts as now.
    auto oldest = loads[i].oldest_ns.load(std::memory_order_relaxed);
    if (oldest == 0)
      oldest = loop().now().time_since_epoch().count();
    if (best == own || oldest > best_oldest) {
      best = i;
      best_oldest = oldest;
    }
  }
  return best == own ? nullptr : &(*surroundings_->peers)[best];
}

caf::result<outcome_ptr> router::to_worker(function_state& state, const invocation_ptr& call, bool may_forward) {
  if (const auto* chosen = take_free_worker(state))
    return hand_on(state, call, chosen->actor, place_in(*chosen));
  if (may_forward)
    if (const auto* peer = other_loop(state, state.workers.empty() ? false : true)) {
      auto answer = make_response_promise<promise>();
      forward(state, call, answer, *peer);
      return answer;
    }
  if (state.queue.empty())
    if (auto* chosen = prefetching_worker(state)) {
      chosen->slots->take(loop().now());
      return hand_on(state, call, chosen->actor, place_in(*chosen));
    }
  const auto bytes = bytes_of(*call);
  const auto here = view_of(state, bytes);
  if (auto* remote = remote_for(*call))
    if (const auto route = remote->choose(call->function->id, here, call->tried);
        route.place == cluster::call_place::peer && may_leave(*call))
      return leave(call, route.node);
  if (is_full(state, bytes)) {
    ask_in_spite_of_refusal(state);
    return refuse(state, *call, errc::overloaded, why_full(state));
  }
  auto answer = make_response_promise<promise>();
  wait_here(state, {call, answer, loop().now(), may_forward});
  return answer;
}

/// Whether a call that has to wait here is refused for those that do.
bool router::is_full(const function_state& state, std::size_t bytes) const {
  return state.queue.is_full(bytes, surroundings_->limits) || !surroundings_->limits.node_has_room(bytes);
}

std::string router::why_full(const function_state& state) const {
  if (state.queue.size() >= surroundings_->limits.max_calls)
    return std::to_string(state.queue.size()) + " calls wait already";
  return "bodies of calls that wait have all the memory that is for them";
}

void router::wait_or_refuse(function_state& state, waiting_call call) {
  if (!is_full(state, bytes_of(*call.call)))
    return wait_here(state, std::move(call));
  ask_in_spite_of_refusal(state);
  answer_refused(state, *call.call, call.answer, errc::overloaded, why_full(state));
}

void router::wait_here(function_state& state, waiting_call call) {
  auto answer = call.answer;
  const auto what = call.call;
  call.body = surroundings_->limits.take(bytes_of(*what));
  try {
    state.queue.push(std::move(call));
  } catch (const std::bad_alloc&) {
    return answer_refused(state, *what, answer, errc::no_capacity, functions::no_memory_detail);
  }
  for (auto& each : state.workers)
    each.slots->calls_wait = true;
  publish(state);
  if (state.workers.empty())
    ask_for_instances(state);
}

/// Calls that are refused for bodies of other functions do not wait, so that nobody else would ask for them. An empty
/// queue is never full by itself.
void router::ask_in_spite_of_refusal(function_state& state) {
  if (state.queue.empty() && loop().now() - state.asked_at >= event_loop::tick_interval)
    ask_for_instances(state, functions::growth_age);
}

void router::ask_for_instances(function_state& state, duration least_age) {
  const auto now = loop().now();
  const auto age = state.queue.empty() ? duration{} : now - state.queue.oldest().since;
  state.asked_at = now;
  if (state.what.load->supervised.outlook.load(std::memory_order_relaxed) != start_outlook::none)
    state.queue.growth_asked(now);
  // The tick asks again: calls that wait are not refused for this.
  unless_out_of_memory([&] {
    surroundings_->on_demand({state.what.spec->id, loop().index(), std::max<std::size_t>(1, state.queue.size()),
                              std::max<duration>(age, least_age), own_share_.value()});
  });
}

void router::install(const routing_update& update) {
  std::unordered_map<uuid, function_state> next;
  next.reserve(update.functions.size());
  for (const auto& what : update.functions) {
    auto& state = next[what.spec->id];
    if (auto old = functions_.find(what.spec->id); old != functions_.end()) {
      // Calls in an old inline actor's mailbox are bounced at worst between two messages of this loop: there are none.
      if (old->second.what.library == what.library && old->second.what.spec->version == what.spec->version)
        state.inline_actor = old->second.inline_actor;
      state.queue = std::move(old->second.queue);
      state.counted = old->second.counted;
      if (what.load)
        state.workers = std::move(old->second.workers);
      functions_.erase(old);
    }
    state.what = what;
    // The function is no longer one of worker processes: what waited for one runs here.
    if (what.load)
      continue;
    for (auto& waiting : take_all(state)) {
      if (auto target = inline_actor_of(state))
        hand_on(state, waiting.call, waiting.answer, target);
      else
        answer_refused(state, *waiting.call, waiting.answer, errc::not_ready,
                       "the function is not loaded on this node");
    }
    publish(state);
  }
  for (auto& [id, removed] : functions_)
    give_up(removed, {errc::no_such_route, {}, "the function was removed"}, ~std::uint64_t{0});
  functions_ = std::move(next);
  unless_out_of_memory([this] { begin_early(); });
}

void router::add(instance_ready& ready) {
  auto* state = find(ready.function);
  if (state == nullptr)
    return;  // removed meanwhile: its supervisor retires the worker
  if (!state->what.load)
    return;  // native by now
  state->queue.instance_added(loop().now(), state->workers.empty());
  state->workers.push_back({std::move(ready.worker), std::move(ready.slots), ready.version});
  unless_out_of_memory([&] { dispatch(*state); });
}

void router::remove(const instance_gone& gone) {
  auto* state = find(gone.function);
  if (state == nullptr)
    return;
  std::erase_if(state->workers, [&](const worker& w) { return w.slots == gone.slots; });
  publish(*state);
  if (state->workers.empty() && !state->queue.empty())
    ask_for_instances(*state);
}

std::vector<router::waiting_call> router::take_all(function_state& state) {
  return state.queue.extract([](const waiting_call&) { return true; });
}

functions::queue_view router::queue_view_of(const function_state& state) const {
  return {!state.workers.empty(), state.what.load->supervised.starting.load(std::memory_order_relaxed) > 0,
          state.what.load->median_run(loop().index())};
}

void router::dispatch(function_state& state) {
  refuse_stale(state);
  while (!state.queue.empty()) {
    auto* chosen = free_worker(state);
    if (chosen == nullptr)
      chosen = prefetching_worker(state);
    if (chosen == nullptr)
      break;
    auto next = state.queue.next(loop().now(), surroundings_->limits, queue_view_of(state));
    if (next.call->is_abandoned()) {
      refuse_abandoned(state, next);
      continue;
    }
    if (state.queue.is_stale(next, loop().now(), surroundings_->limits, queue_view_of(state))) {
      refuse_late(state, next);
      continue;
    }
    chosen->slots->take(loop().now());
    hand_on(state, next.call, next.answer, chosen->actor, place_in(*chosen));
  }
  for (auto& each : state.workers)
    each.slots->calls_wait = !state.queue.empty();
  publish(state);
}

void router::give_up(function_state& state, const functions::failure& why, std::uint64_t version) {
  for (auto& waiting :
       state.queue.extract([&](const waiting_call& each) { return each.call->function->version <= version; })) {
    try {
      give_up(state, waiting, why);
    } catch (const std::bad_alloc&) {
      answer_refused(state, *waiting.call, waiting.answer, errc::no_capacity, functions::no_memory_detail);
    }
  }
  publish(state);
}

void router::give_up(function_state& state, waiting_call& waiting, const functions::failure& why) {
  if (try_elsewhere(state, waiting, why.code))
    return;
  auto result = std::make_shared<functions::outcome>();
  result->value = why;
  not_run(*waiting.call, result);
  count_refusal(state, why.code);
  waiting.answer.deliver(std::move(result));
}

void router::publish(function_state& state) {
  queued_ += state.queue.size() - std::exchange(state.counted, state.queue.size());
  if (!state.what.load)
    return;
  auto& load = state.what.load->per_loop[loop().index()];
  load.workers.store(static_cast<std::uint32_t>(state.workers.size()), std::memory_order_relaxed);
  load.waiting.store(static_cast<std::uint32_t>(state.queue.size()), std::memory_order_relaxed);
  load.oldest_ns.store(state.queue.empty() ? 0 : state.queue.oldest().since.time_since_epoch().count(),
                       std::memory_order_relaxed);
}

void router::refuse_late(const function_state& state, waiting_call& late) const {
  answer_refused(state, *late.call, late.answer, errc::overloaded, "waited too long for a free instance");
}

void router::refuse_abandoned(const function_state& state, waiting_call& left) const {
  answer_refused(state, *left.call, left.answer, errc::client_gone, "the client left while the call waited");
}

void router::refuse_stale(function_state& state) {
  // Before the first is refused more instances are asked for, and if there may be any the queue gets its time again.
  // Calls that are refused young do not tell by their age that instances are too few.
  const auto now = loop().now();
  if (!state.queue.empty() &&
      state.queue.is_stale(state.queue.oldest(), now, surroundings_->limits, queue_view_of(state)) &&
      now - state.asked_at >= event_loop::tick_interval)
    ask_for_instances(state, functions::growth_age);
  while (auto late = state.queue.next_stale(loop().now(), surroundings_->limits, queue_view_of(state)))
    refuse_late(state, *late);
}

void router::forward_waiting(function_state& state) {
  const auto& loads = state.what.load->per_loop;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (i == loop().index())
      continue;
    auto free = loads[i].free_slots.load(std::memory_order_relaxed);
    const auto leaves = [&](const waiting_call& each) { return each.may_forward && free > 0 && free-- > 0; };
    auto leaving = state.queue.extract(leaves);
    for (auto& next : leaving)
      next.body = {};  // before the other loop looks for room
    for (auto& next : leaving)
      forward(state, next.call, next.answer, (*surroundings_->peers)[i]);
    if (!leaving.empty() && state.queue.empty())
      state.queue.passed_by();
  }
}

void router::on_tick(time_point now) {
  if (surroundings_->compute != nullptr)
    surroundings_->compute->refuse_stale(now);
  if (!early_.empty())
    unless_out_of_memory([&] { refuse_early(now); });
  if (queued_ == 0)
    return own_share_.forget();
  enter();
  own_share_.look(now, functions::processor_use_of_this_thread());
  for (auto& [id, state] : functions_) {
    if (state.queue.empty() || !state.what.load)
      continue;
    unless_out_of_memory([&, &state = state] { look_at_waiting(state, now); });
    publish(state);
  }
}

void router::look_at_waiting(function_state& state, time_point now) {
  for (auto& left : state.queue.extract([](const waiting_call& each) { return each.call->is_abandoned(); }))
    refuse_abandoned(state, left);
  refuse_stale(state);
  if (free_worker(state) != nullptr)
    dispatch(state);
  forward_waiting(state);
  if (!state.queue.empty() && now - state.queue.oldest().since > functions::growth_age)
    ask_for_instances(state);
}

}  // namespace troupe::actors
