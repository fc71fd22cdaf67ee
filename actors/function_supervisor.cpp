#include "actors/function_supervisor.hpp"

#include <algorithm>

#include "config/log.hpp"
#include "functions/scaling.hpp"

namespace troupe::actors {

namespace {

using functions::failure;

/// How long an instance waits for memory that others use, and between two tries.
constexpr seconds memory_patience{1};
constexpr milliseconds memory_pause{100};
/// Before memory for the minimum of instances is asked for again.
constexpr seconds refused_pause{5};

}  // namespace

function_supervisor::function_supervisor(caf::actor_config& config,
                                         std::shared_ptr<const supervisor_surroundings> surroundings)
    : supervisor_actor::base{config}, around_{std::move(surroundings)} {
  set_default_handler(caf::drop);
}

function_supervisor::behavior_type function_supervisor::make_behavior() {
  return {
      [this](runnable& what) { adopt(std::move(what)); },
      [this](const band_change& change) { on_band(change); },
      [this](const demand& wanted) { on_demand(wanted); },
      [this](const worker_ready& ready) { on_ready(ready); },
      [this](const worker_idle& idle) { on_idle(idle); },
      [this](const worker_ended& ended) { on_ended(ended); },
      [this](await_atom, std::uint64_t version) {
        auto answer = make_response_promise<report_promise>();
        await(version, [answer](const start_report& report) mutable { answer.deliver(report); });
        return answer;
      },
      [this](const start_wish& wish) { await(wish.version, wish.answer); },
      [this](const code_prepared& code) { on_prepared(code); },
      [this](again_atom) { on_again(); },
      [this](yield_atom) { yield_one(); },
      [this](memory_atom, bool may_be_there) { on_memory(may_be_there); },
      [this](stop_atom) { stop_all(stop_atom::value); },
      [this](halt_atom) { stop_all(halt_atom::value); },
  };
}

void function_supervisor::adopt(runnable what) {
  if (what_.spec && what.spec->version <= what_.spec->version)
    return;
  what_ = std::move(what);
  report({false, {}, {errc::conflict, {}, "another deployment replaced this version meanwhile"}});
  policy_.reset();
  more_of_use_ = true;
  task_root_.clear();
  preparing_ = false;
  start_when_allowed();
  publish();
}

void function_supervisor::on_again() {
  retry_scheduled_ = false;
  start_when_allowed();
}

/// Takes no more calls, ends when it has done those that it has.
void function_supervisor::stop(instance& which) {
  which.state = stage::stopping;
  send(which.worker, stop_atom::value);
  publish();
}

void function_supervisor::on_prepared(const code_prepared& code) {
  if (stopping_ || code.version != what_.spec->version)
    return;
  preparing_ = false;
  task_root_ = code.task_root;
  object_ = code.object;
  if (task_root_.empty()) {
    log_event(log_level::error, "code_not_prepared", {{"function", what_.spec->name}, {"reason", code.why.what}});
    if (code.why.code == errc::not_ready) {
      // It is still on its way here, which says nothing about the code; another node may have it.
      fail_waiting({errc::not_ready, {}, code.why.what});
      start_when_allowed();
      return;
    }
    policy_.start_begun();
    policy_.start_failed(clock::now());
    publish();
    fail_waiting({errc::init_failed, functions::spawn_failure_payload({}, code.why.what), code.why.what});
    start_when_allowed();
    return;
  }
  start_when_allowed();
}

unsigned function_supervisor::loop_with_fewest() const {
  const auto& loads = what_.load->per_loop;
  const auto fewest = std::min_element(loads.begin(), loads.end(), [](const loop_load& a, const loop_load& b) {
    return a.workers.load(std::memory_order_relaxed) < b.workers.load(std::memory_order_relaxed);
  });
  return static_cast<unsigned>(fewest - loads.begin());
}

void function_supervisor::on_demand(const demand& wanted) {
  if (stopping_ || !what_.spec)
    return;
  if (count(stage::ready) == 0)
    calls_wait_ = true;
  const functions::scaling_view view{.ready = count(stage::ready),
                                     .starting = count(stage::starting),
                                     .queued = wanted.queued,
                                     .oldest = wanted.age,
                                     .concurrency = what_.spec->concurrency,
                                     .work = what_.load->work(),
                                     .typical_run = what_.load->median_run(wanted.loop),
                                     .loop_share = wanted.loop_share,
                                     .cores = around_->cores};
  if (const bool of_use = functions::more_are_of_use(view); of_use != std::exchange(more_of_use_, of_use))
    publish();
  const auto more = functions::instances_to_start(view);
  const auto allowed = std::min<std::size_t>(more, room());
  want(more - allowed);
  if (allowed > 0)
    start_instances(allowed, wanted.loop);
}

void function_supervisor::start_instances(std::size_t wanted, unsigned loop) {
  for (std::size_t i = 0; i < wanted; ++i) {
    if (!policy_.may_start(clock::now())) {
      if (policy_.open() && count(stage::ready) == 0)
        fail_waiting({errc::breaker_open,
                      {},
                      "the function failed to start " + std::to_string(policy_.failed_starts()) + " times in a row"});
      else
        start_when_allowed();
      return;
    }
    if (!start_instance(i == 0 ? loop : loop_with_fewest()))
      return;
  }
}

void function_supervisor::start_when_allowed() {
  if (stopping_ || retry_scheduled_ || asked_for_memory_)
    return;
  const bool first_wanted = alive() == 0 && (calls_wait_ || !reports_.empty() || older_serves());
  if (!first_wanted && !below_minimum())
    return;
  if (room() == 0) {
    if (first_wanted)
      await_room();
    return;
  }
  const auto now = clock::now();
  if (policy_.may_start(now)) {
    // Those that keep the minimum start one after the other: each good start brings the next.
    if (count(stage::starting) == 0)
      start_instance(loop_with_fewest());
    return;
  }
  if (policy_.next_start() == time_point::max())
    return;  // a trial runs; its end decides
  retry_scheduled_ = true;
  delayed_send(this, policy_.next_start() - now, again_atom::value);
}

bool function_supervisor::start_instance(unsigned loop) {
  const auto& spec = what_.spec;
  if (room() == 0) {
    await_room();
    return false;
  }
  if (task_root_.empty()) {
    if (!std::exchange(preparing_, true))
      around_->prepare(spec, this);
    return false;  // goes on in `on_prepared`
  }
  if (!around_->budget->take(spec->memory_mb)) {
    // Rather than another function's its own old code makes room; its end brings the next try.
    if (older_makes_room()) {
      calls_wait_ = true;
      return false;
    }
    if (memory_wanted_since_ == time_point{})
      memory_wanted_since_ = clock::now();
    if (!std::exchange(asked_for_memory_, true))
      around_->ask_for_memory(spec->memory_mb, this);
    return false;  // goes on in `on_memory`
  }
  memory_wanted_since_ = {};
  const auto id = next_instance_++;
  worker_config config;
  config.instance = id;
  config.spec = spec;
  config.surroundings = around_->worker;
  config.surroundings.task_root = task_root_;
  config.surroundings.object = object_;
  config.load = what_.load;
  config.log = around_->logs->ring(spec->id);
  config.spawner = around_->spawner;
  config.stems = around_->stems;
  config.router = (*around_->routers)[loop];
  config.supervisor = this;
  config.limits = around_->limits;
  auto worker = spawn_on<worker_instance>(system(), *around_->loops[loop], std::move(config));
  instances_.emplace(id, instance{spec->version, spec->memory_mb, stage::starting, worker});
  policy_.start_begun();
  what_.load->instances.begun.add();
  want(0);
  publish();
  around_->stems->start({worker, spec, task_root_});
  return true;
}

/// @returns whether an instance of an older version ends, or is being ended.
bool function_supervisor::older_makes_room() {
  instance* oldest = nullptr;
  for (auto& [id, each] : instances_) {
    if (each.version == what_.spec->version)
      continue;
    if (each.state == stage::stopping)
      return true;
    if (oldest == nullptr || each.version < oldest->version)
      oldest = &each;
  }
  if (oldest == nullptr)
    return false;
  stop(*oldest);
  return true;
}

/// Says to who waits that no instance comes.
void function_supervisor::refuse(const failure& why) {
  log_event(log_level::warning, "instance_refused", {{"function", what_.spec->name}, {"reason", why.detail}});
  const bool any_ready = std::any_of(instances_.begin(), instances_.end(),
                                     [](const auto& each) { return each.second.state == stage::ready; });
  if (any_ready)
    report({false, {}, why});
  else
    fail_waiting(why);
}

void function_supervisor::on_memory(bool may_be_there) {
  asked_for_memory_ = false;
  if (stopping_)
    return;
  if (may_be_there) {
    start_when_allowed();
    return;
  }
  // What is busy now may be idle in a moment.
  const auto now = clock::now();
  if (what_.spec->memory_mb <= around_->budget->max_mb && now - memory_wanted_since_ < memory_patience) {
    if (!std::exchange(retry_scheduled_, true))
      delayed_send(this, memory_pause, again_atom::value);
    return;
  }
  memory_wanted_since_ = {};
  const std::string why = "the node's memory for instances is used up";
  refuse({errc::no_capacity, functions::spawn_failure_payload({}, why), why});
  if (below_minimum() && !std::exchange(retry_scheduled_, true))
    delayed_send(this, refused_pause, again_atom::value);
}

void function_supervisor::give_back_memory(std::uint64_t mb) {
  around_->budget->give_back(mb);
  around_->memory_freed();
}

/// Its caller has seen that nothing runs; what comes meanwhile is finished first.
void function_supervisor::yield_one() {
  if (stopping_ || !what_.spec || count(stage::ready) <= band_.min)
    return;
  for (auto& [id, each] : instances_)
    if (each.state == stage::ready)
      return stop(each);
}

void function_supervisor::on_idle(const worker_idle& idle) {
  const auto found = instances_.find(idle.instance);
  if (found == instances_.end() || found->second.state != stage::ready ||
      (found->second.version == what_.spec->version && count(stage::ready) <= band_.min))
    return;
  stop(found->second);
}

void function_supervisor::on_ready(const worker_ready& ready) {
  const auto found = instances_.find(ready.instance);
  if (found == instances_.end() || found->second.state != stage::starting)
    return;
  found->second.state = stage::ready;
  what_.load->instances.took.observe(ready.took);
  publish();
  log_event(log_level::info, "instance_ready",
            {{"function", what_.spec->name},
             {"version", std::to_string(found->second.version)},
             {"start_ms", std::to_string(std::chrono::duration_cast<milliseconds>(ready.took).count())}});
  if (found->second.version != what_.spec->version) {
    if (count(stage::ready) > 0)
      stop(found->second);
    return;
  }
  policy_.start_succeeded();
  publish();
  calls_wait_ = false;
  stop_older_versions();
  report({true, ready.took, {}});
  start_when_allowed();
}

void function_supervisor::on_ended(const worker_ended& ended) {
  const auto found = instances_.find(ended.instance);
  if (found == instances_.end())
    return;
  const auto gone = found->second;
  instances_.erase(found);
  note_end(ended);
  give_back_memory(gone.memory_mb);
  publish();
  if (stopping_) {
    if (instances_.empty())
      quit();
    return;
  }
  const bool current = gone.version == what_.spec->version;
  if (!current || (ended.loaded && ended.expected))
    return start_when_allowed();
  const auto now = clock::now();
  log_event(log_level::warning, "instance_ended", {{"function", what_.spec->name}, {"reason", ended.why.detail}});
  if (ended.loaded) {
    // A call that takes too long says nothing of the next.
    if (!ended.timed_out)
      policy_.crashed(ended.loaded_at, now);
    // It is replaced at once, so that the next caller need not wait for a start.
    calls_wait_ = calls_wait_ || alive() == 0;
  } else if (ended.expected) {
    policy_.start_abandoned();
    publish();
  } else if (ended.killed && policy_.failed_starts() == 0) {
    // That says nothing of the code: whoever waits goes on to wait for the next start, which comes at once. If that one
    // ends so too, as for want of memory, it is told.
    policy_.start_failed(now);
    publish();
    calls_wait_ = calls_wait_ || alive() == 0;
  } else {
    policy_.start_failed(now);
    publish();
    // As on Lambda, the new code's error is the answer from now on, not the old code's result.
    stop_older_versions();
    calls_wait_ = false;
    report({false, {}, ended.why});
    if (count(stage::ready) == 0)
      fail_waiting(ended.why);
  }
  start_when_allowed();
}

/// What its end was, for whoever looks at the node.
void function_supervisor::note_end(const worker_ended& ended) {
  auto& cells = what_.load->instances;
  if (!ended.loaded)
    (ended.expected ? cells.abandoned : cells.failed).add();
  else if (ended.timed_out)
    cells.timed_out.add();
  else
    (ended.expected ? cells.stopped : cells.crashed).add();
}

void function_supervisor::await(std::uint64_t version, std::function<void(const start_report&)> answer) {
  if (stopping_ || !what_.spec || version < what_.spec->version)
    return answer({false, {}, {errc::conflict, {}, "another deployment replaced this version meanwhile"}});
  if (count(stage::ready) > 0)
    return answer({true, {}, {}});
  reports_.push_back({version, std::move(answer), clock::now()});
  if (count(stage::starting) == 0)
    start_instances(1, loop_with_fewest());
}

void function_supervisor::report(const start_report& what) {
  for (auto& waiting : std::exchange(reports_, {}))
    waiting.answer(what);
}

void function_supervisor::fail_waiting(const failure& why) {
  calls_wait_ = false;
  report({false, {}, why});
  for (const auto& router : *around_->routers)
    send(router, start_failed{what_.spec->id, what_.spec->version, why});
}

void function_supervisor::stop_older_versions() {
  for (auto& [id, each] : instances_)
    if (each.version != what_.spec->version && each.state != stage::stopping)
      stop(each);
}

template <class Atom>
void function_supervisor::stop_all(Atom how) {
  stopping_ = true;
  report({false, {}, {errc::draining, {}, "the function was removed or the node goes down"}});
  for (auto& [id, each] : instances_) {
    each.state = stage::stopping;
    send(each.worker, how);
  }
  publish();
  if (instances_.empty())
    quit();
}

}  // namespace troupe::actors
