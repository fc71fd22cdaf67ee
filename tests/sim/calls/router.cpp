#include "router.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

using cluster::call_place;
using cluster::try_result;

namespace {

constexpr std::size_t max_waiting = 20;
constexpr milliseconds max_age{1'000};
constexpr milliseconds start_timeout{2'000};

}  // namespace

router::router(process& of, std::size_t functions) : of_{of}, pools_(functions) {}

bool router::has_slot(const pool& of) const {
  return of.runs.size() < of.ready * of_.all.slots_per_instance;
}

cluster::local_view router::view_of(const pool& of, time_point now) const {
  cluster::local_view here;
  here.runs_here = true;
  here.has_instances = of.ready > 0;
  here.queue_full = of.waiting.size() >= max_waiting;
  if (!of.waiting.empty())
    here.queue_age = now - of.waiting.front()->since;
  return here;
}

void router::refuse(const work_ptr& call, errc code, const char* text) {
  call->answer({code, text, {}});
}

void router::route(loop& on, const work_ptr& call) {
  auto& mine = pools_[call->what->function];
  if (mine.waiting.empty() && has_slot(mine))
    return run(on, mine, call);
  const auto here = view_of(mine, on.now());
  if (!call->by_link) {
    const auto route = of_.links(on).choose(of_.all.functions[call->what->function], here, call->what->tried);
    if (route.place == call_place::peer && may_leave(on, *call->what))
      return send_away(on, call, route.node);
  }
  if (here.queue_full)
    return refuse(call, errc::overloaded, "the queue is full");
  wait_here(on, mine, call);
}

void router::wait_here(loop& on, pool& of, const work_ptr& call) {
  call->since = on.now();
  of.waiting.push_back(call);
  if (of.ready == 0)
    ask_for_instance(on, of);
}

void router::ask_for_instance(loop& on, pool& of) {
  if (of.starting > 0)
    return;
  ++of.starting;
  const bool fails = of_.all.how.crashes && of_.all.troubled && of_.all.random.one_in(3);
  on.at(on.now() + milliseconds{of_.all.random.between(50, 600)}, [this, &on, &of, fails] {
    --of.starting;
    if (fails)
      return give_up(on, of, errc::no_capacity);
    ++of.ready;
    dispatch(on, of);
  });
}

void router::give_up(loop& on, pool& of, errc why) {
  for (const auto& call : std::exchange(of.waiting, {}))
    if (!try_elsewhere(on, of, call, why))
      refuse(call, why, "no instance can be started");
}

void router::run(loop& on, pool& of, const work_ptr& call) {
  const auto number = ++next_run_;
  of.runs.push_back({call, number});
  if (call->attempt == work::none)
    call->attempt = of_.all.seen.tries(*call->what, of_.on.index);
  of_.all.seen.begins(*call->what, call->attempt, of_.on.index);
  auto length = call->what->run_time;
  if (of_.overloaded)
    length *= 10;
  on.at(on.now() + length, [this, &on, &of, number] { finish(on, of, number); });
}

void router::finish(loop& on, pool& of, std::uint64_t number) {
  const auto found = std::find_if(of.runs.begin(), of.runs.end(), [&](const auto& r) { return r.number == number; });
  if (found == of.runs.end())
    return;  // its instance has ended
  const auto call = found->call;
  of.runs.erase(found);
  call->answer({errc{}, {}, body_of(call->what->number, 1, call->what->answer_bytes)});
  dispatch(on, of);
}

void router::dispatch(loop& on, pool& of) {
  while (!of.waiting.empty() && has_slot(of)) {
    const auto call = of.waiting.front();
    of.waiting.pop_front();
    if (call->nobody_waits())
      refuse(call, errc::client_gone, "the client left while the call waited");
    else
      run(on, of, call);
  }
}

void router::on_tick(loop& on, time_point now) {
  for (auto& each : pools_) {
    const auto longest = each.ready == 0 ? start_timeout : max_age;
    while (!each.waiting.empty() && now - each.waiting.front()->since > longest) {
      const auto call = each.waiting.front();
      each.waiting.pop_front();
      refuse(call, errc::overloaded, "waited too long for a free instance");
    }
    std::deque<work_ptr> kept;
    for (const auto& call : std::exchange(each.waiting, {}))
      if (call->nobody_waits())
        refuse(call, errc::client_gone, "the client left while the call waited");
      else
        kept.push_back(call);
    each.waiting = std::move(kept);
    dispatch(on, each);
    if (!each.waiting.empty() && each.ready == 0)
      ask_for_instance(on, each);
  }
}

void router::crash_one() {
  for (auto& each : pools_)
    if (each.ready > 0 && of_.all.random.one_in(2)) {
      --each.ready;
      const auto most = each.ready * of_.all.slots_per_instance;
      while (each.runs.size() > most) {
        const auto call = each.runs.back().call;
        each.runs.pop_back();
        call->answer({errc::function_crashed, "the instance ended", {}});
      }
      return;
    }
}

bool router::may_go_elsewhere(loop& on, request& what, try_result ended) const {
  if (of_.all.defect == mutation::retry_what_left)
    ended = try_result::not_run;
  if (what.abandoned || !cluster::may_retry(ended, what.retries, on.now(), what.deadline, what.idempotent))
    return false;
  ++what.retries;
  return true;
}

bool router::may_leave(loop& on, request& what) const {
  return what.tried.empty() || may_go_elsewhere(on, what, try_result::not_run);
}

void router::send_away(loop& on, const work_ptr& call, const uuid& node) {
  auto& what = *call->what;
  what.tried.push_back(node);
  const auto attempt = of_.all.seen.tries(what, of_.all.index_of(node));
  of_.all.heard.sends(of_, on.index(), of_.all.index_of(node));
  of_.links(on).run(node, call, attempt, [this, &on, call, attempt](remote_result result) {
    if (result.end == remote_end::not_run)
      of_.all.seen.did_not_run(*call->what, attempt);
    came_back(on, call, std::move(result));
  });
}

void router::came_back(loop& on, const work_ptr& call, remote_result result) {
  auto& what = *call->what;
  const auto ended = result.end == remote_end::unknown ? try_result::unknown : try_result::not_run;
  if (result.end == remote_end::ran || !may_go_elsewhere(on, what, ended))
    return call->answer(std::move(result.what));
  auto& mine = pools_[what.function];
  const auto route = of_.links(on).choose(of_.all.functions[what.function], view_of(mine, on.now()), what.tried);
  switch (route.place) {
    case call_place::here:
      return mine.waiting.empty() && has_slot(mine) ? run(on, mine, call) : wait_here(on, mine, call);
    case call_place::peer: return send_away(on, call, route.node);
    case call_place::nowhere: return call->answer(std::move(result.what));
  }
}

bool router::try_elsewhere(loop& on, pool& of, const work_ptr& refused, errc why) {
  if (refused->by_link || !cluster::means_not_run(why))
    return false;
  auto& what = *refused->what;
  const auto route = of_.links(on).choose(of_.all.functions[function_of(of)], {}, what.tried);
  if (route.place != call_place::peer || !may_go_elsewhere(on, what, try_result::not_run))
    return false;
  send_away(on, refused, route.node);
  return true;
}

cluster::node_load router::load(time_point now) const {
  cluster::node_load made;
  for (const auto& each : pools_) {
    made.in_flight += static_cast<std::uint32_t>(each.runs.size() + each.waiting.size());
    if (each.ready + each.starting == 0)
      continue;
    cluster::function_presence there;
    there.function = of_.all.functions[function_of(each)];
    there.ready = each.ready;
    there.starting = each.starting;
    there.outstanding = static_cast<std::uint32_t>(each.runs.size() + each.waiting.size());
    if (!each.waiting.empty())
      there.queue_age_ms = static_cast<std::uint32_t>(
          std::chrono::duration_cast<milliseconds>(now - each.waiting.front()->since).count());
    made.functions.push_back(there);
  }
  return made;
}

bool router::is_empty() const {
  return std::all_of(pools_.begin(), pools_.end(),
                     [](const auto& each) { return each.runs.empty() && each.waiting.empty(); });
}

}  // namespace troupe::sim::calls
