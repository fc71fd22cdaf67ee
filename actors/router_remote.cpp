// Calls that a router has other nodes run, and what it does with those that did not run there.
#include "actors/router.hpp"

namespace troupe::actors {

namespace {

using functions::bytes_of;
using functions::invocation_ptr;
using functions::outcome_ptr;

/// For word of a deployment that another node has heard of: a multiple of what it takes where nodes are in contact. One
/// that lags for longer says so, and the call goes elsewhere.
constexpr milliseconds early_patience{200};

}  // namespace

/// What a call of another node is for; null when this node has not heard of it, or of that version, yet.
router::function_state* router::find(const linked& hop) {
  auto* state = find(hop.function);
  return state == nullptr || state->what.spec->version < hop.version ? nullptr : state;
}

outcome_ptr router::early_refusal(const linked& hop) {
  const auto* state = find(hop.function);
  if (state == nullptr)
    return functions::make_failure(errc::not_ready, "the function is not in this node's catalog");
  const auto& spec = *state->what.spec;
  return refusal(*state, *hop.call, errc::not_ready,
                 "this node has version " + std::to_string(spec.version) + " of function " + spec.name + ", version " +
                     std::to_string(hop.version) + " was asked for");
}

/// Who sends a call may have heard of a deployment a moment earlier: the word is waited for, not long.
caf::result<outcome_ptr> router::take_linked(const linked& hop) {
  if (const auto* state = find(hop)) {
    adopt(*state, hop);
    return route(hop.call, true);
  }
  std::size_t waiting = 0;
  for (const auto& each : early_)
    waiting += bytes_of(*each.hop.call);
  const auto more_bytes = bytes_of(*hop.call);
  const auto& limits = surroundings_->limits;
  if (ending_ || !limits.have_room(early_.size(), waiting, more_bytes) || !limits.node_has_room(more_bytes))
    return early_refusal(hop);
  auto answer = make_response_promise<promise>();
  try {
    early_.push_back({hop, answer, loop().now(), limits.take(more_bytes)});
  } catch (const std::bad_alloc&) {
    answer.deliver(no_memory_for(hop.function, *hop.call));
  }
  return answer;
}

/// Leaves room for all of them: to keep one needs no memory.
std::vector<router::early_call> router::take_early() {
  std::vector<early_call> taken;
  taken.reserve(early_.size());
  taken.swap(early_);
  return taken;
}

/// What this node has heard of meanwhile begins, or waits as any other call does.
void router::begin_early() {
  for (auto& each : take_early()) {
    const auto* state = find(each.hop);
    if (state == nullptr) {
      early_.push_back(std::move(each));
      continue;
    }
    try {
      begin_early(each);
    } catch (const std::bad_alloc&) {
      answer_refused(*state, *each.hop.call, each.answer, errc::no_capacity, functions::no_memory_detail);
    }
  }
}

void router::begin_early(early_call& early) {
  auto& state = *find(early.hop);
  const auto& call = early.hop.call;
  early.body = {};  // if it waits on, it counts where it waits
  auto at_once = begin(early.hop);
  if (at_once.outcome)
    early.answer.deliver(std::move(at_once.outcome));
  else if (at_once.runner)
    hand_on(state, call, early.answer, at_once.runner, std::move(at_once.place));
  else if (!state.what.load)
    answer_refused(state, *call, early.answer, errc::not_ready, "the function is not loaded on this node");
  else
    wait_or_refuse(state, {call, early.answer, loop().now(), true});
}

void router::refuse_early(time_point now) {
  if (early_.empty())
    return;
  enter();
  for (auto& each : take_early())
    if (each.hop.call->is_abandoned() || now - each.since >= early_patience)
      answer_early(each);
    else
      early_.push_back(std::move(each));
}

void router::answer_early(early_call& early) {
  try {
    early.answer.deliver(early_refusal(early.hop));
  } catch (const std::bad_alloc&) {
    early.answer.deliver(no_memory_for(early.hop.function, *early.hop.call));
  }
}

/// Null for a call that may not leave this node.
remote_calls* router::remote_for(const functions::invocation& call) const {
  const auto& remote = surroundings_->remote;
  return ending_ || call.by_link || remote.empty() ? nullptr : remote[loop().index()];
}

/// How this node stands once no worker here takes a call of `bytes` at once.
cluster::local_view router::view_of(const function_state& state, std::size_t bytes) const {
  cluster::local_view here;
  here.runs_here = state.what.load != nullptr;
  here.limited = state.what.spec->max_instances != 0;
  const auto outlook = state.what.load->supervised.outlook.load(std::memory_order_relaxed);
  here.may_start = outlook != start_outlook::none;
  here.starting = outlook == start_outlook::soon;
  for (const auto& each : state.what.load->per_loop)
    here.has_instances = here.has_instances || each.workers.load(std::memory_order_relaxed) > 0;
  // Bodies of other functions say nothing of this one where nobody runs it: its home may have room.
  here.queue_full =
      here.has_instances || here.starting ? is_full(state, bytes) : state.queue.is_full(bytes, surroundings_->limits);
  if (!state.queue.empty())
    here.queue_age = loop().now() - state.queue.oldest().since;
  return here;
}

caf::result<outcome_ptr> router::leave(const invocation_ptr& call, const uuid& node) {
  auto away = std::make_shared<away_call>();
  away->call = call;
  away->answer = make_response_promise<promise>();
  auto answer = away->answer;
  try {
    send_away(away, node);
  } catch (const std::bad_alloc&) {
    answer.deliver(no_memory_for(call->function->id, *call));
  }
  return answer;
}

void router::send_away(const std::shared_ptr<away_call>& away, const uuid& node) {
  away->call->tried.push_back(node);
  auto* remote = surroundings_->remote[loop().index()];
  const auto& call = away->call;
  remote->run(node, call, [this, self = strong_self(), away](remote_result result) {
    enter();
    came_back(away, std::move(result));
  });
}

/// Counts: it has been decided that the call is tried once more.
bool router::may_go_elsewhere(const functions::invocation& call, cluster::try_result ended) const {
  if (call.is_abandoned() ||
      !cluster::may_retry(ended, call.retries, loop().now(), call.deadline, call.function->idempotent))
    return false;
  ++call.retries;
  return true;
}

/// One that came back to this node counts as tried again.
bool router::may_leave(const functions::invocation& call) const {
  return call.tried.empty() || may_go_elsewhere(call, cluster::try_result::not_run);
}

void router::came_back(const std::shared_ptr<away_call>& away, remote_result result) {
  if (result.end == remote_end::not_run)
    not_run(*away->call, result.outcome);
  try {
    decide_again(away, result);
  } catch (const std::bad_alloc&) {
    deliver(*away, std::move(result.outcome));  // there is no memory to try it once more
  }
}

void router::decide_again(const std::shared_ptr<away_call>& away, const remote_result& result) {
  auto* remote = remote_for(*away->call);
  auto* state = find(away->call->function->id);
  const auto tried = result.end == remote_end::unknown ? cluster::try_result::unknown : cluster::try_result::not_run;
  if (result.end == remote_end::ran || remote == nullptr || state == nullptr || !may_go_elsewhere(*away->call, tried))
    return deliver(*away, result.outcome);
  const auto here = state->what.load ? view_of(*state, bytes_of(*away->call)) : cluster::local_view{};
  const auto route = remote->choose(away->call->function->id, here, away->call->tried);
  switch (route.place) {
    case cluster::call_place::here: return run_here(*state, *away);
    case cluster::call_place::peer: return send_away(away, route.node);
    case cluster::call_place::nowhere: return deliver(*away, result.outcome);
  }
}

void router::deliver(away_call& away, outcome_ptr result) {
  away.answer.deliver(std::move(result));
}

void router::run_here(function_state& state, away_call& away) {
  if (const auto* chosen = take_free_worker(state))
    hand_on(state, away.call, away.answer, chosen->actor, place_in(*chosen));
  else
    wait_or_refuse(state, {away.call, away.answer, loop().now(), true});
}

/// A call that waited and cannot be run here, but certainly did not run. @returns whether a peer has it now.
bool router::try_elsewhere(const function_state& state, const waiting_call& refused, errc why) {
  auto* remote = remote_for(*refused.call);
  if (remote == nullptr || !cluster::means_not_run(why))
    return false;
  cluster::local_view nothing_here;
  nothing_here.limited = state.what.spec->max_instances != 0;
  const auto route = remote->choose(state.what.spec->id, nothing_here, refused.call->tried);
  if (route.place != cluster::call_place::peer || !may_go_elsewhere(*refused.call, cluster::try_result::not_run))
    return false;
  auto away = std::make_shared<away_call>();
  away->call = refused.call;
  away->answer = refused.answer;
  send_away(away, route.node);
  return true;
}

/// Others run the function, and nothing will run it here. A call of another node goes back, as links are not crossed
/// twice; one that no peer can take now waits on.
void router::move_waiting(function_state& state) {
  if (!state.workers.empty())
    return;
  for (auto& waiting : take_all(state)) {
    auto answer = waiting.answer;
    const auto call = waiting.call;
    try {
      if (call->by_link)
        answer_refused(state, *call, answer, errc::not_ready, "instances of the function run at other nodes");
      else if (!try_elsewhere(state, waiting, errc::not_ready))
        state.queue.push(std::move(waiting));
    } catch (const std::bad_alloc&) {
      answer_refused(state, *call, answer, errc::no_capacity, functions::no_memory_detail);
    }
  }
  publish(state);
}

}  // namespace troupe::actors
