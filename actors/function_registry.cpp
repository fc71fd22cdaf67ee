#include "actors/function_registry.hpp"

#include <algorithm>

#include "config/log.hpp"

namespace troupe::actors {

using functions::code_form;
using functions::runtime_kind;

namespace {

/// An idle instance that was asked to end has ended by then.
constexpr seconds yield_time{3};
constexpr milliseconds memory_retry_interval{200};

}  // namespace

expected<functions::function_spec> spec_of(const cluster::function_record& record) {
  auto kind = functions::parse_runtime(record.runtime);
  if (!kind)
    return tl::unexpected{kind.error()};
  functions::function_spec spec;
  spec.id = record.id;
  spec.version = record.version;
  spec.name = record.name;
  spec.runtime = record.runtime;
  spec.kind = *kind;
  spec.handler = record.handler;
  spec.form = record.form == "object" ? code_form::object : code_form::folder;
  spec.code = record.code;
  spec.timeout = milliseconds{record.timeout_ms};
  spec.memory_mb = static_cast<std::uint32_t>(record.memory_mb);
  spec.concurrency = static_cast<std::uint32_t>(record.concurrency);
  spec.min_instances = static_cast<std::uint32_t>(record.min_instances);
  spec.max_instances = static_cast<std::uint32_t>(record.max_instances);
  spec.idempotent = record.idempotent;
  spec.environment = record.environment;
  return spec;
}

function_registry::function_registry(caf::actor_system& system, registry_surroundings surroundings)
    : system_{system}, around_{std::move(surroundings)} {}

expected<void> function_registry::add_program_function(program_function function) {
  auto& spec = function.spec;
  spec.kind = runtime_kind::native;
  spec.form = code_form::program;
  spec.runtime = "native";
  if (spec.id == uuid{})
    spec.id = make_uuid();
  if (auto checked = functions::check(spec); !checked)
    return checked;
  const auto same = [&](const program_function& other) { return other.spec.name == spec.name; };
  if (std::any_of(program_functions_.begin(), program_functions_.end(), same))
    return fail(errc::conflict, "function '" + spec.name + "' is registered already");
  program_functions_.push_back(std::move(function));
  return {};
}

void function_registry::adopt(cluster::catalog_snapshot_ptr snapshot) {
  wanted_ = std::move(snapshot);
  if (!busy_ && !stopped_)
    proceed();
}

void function_registry::code_arrived(const digest& code) {
  if (stopped_ || !wanted_ || libraries_.contains(code))
    return;
  const bool wanted = std::any_of(wanted_->functions.begin(), wanted_->functions.end(),
                                  [&](const auto& record) { return record.code == code && runs_in_node(record); });
  if (wanted && busy_)
    arrived_ = true;
  else if (wanted)
    proceed();
}

void function_registry::proceed() {
  busy_ = true;
  if (load_next_object())
    return;  // goes on when the files thread has answered
  install_now();
}

bool function_registry::load_next_object() {
  for (const auto& record : wanted_->functions) {
    if (!runs_in_node(record) || libraries_.contains(record.code) || load_errors_.contains(record.code))
      continue;
    auto job = [this, object = record.code, name = record.name] {
      auto path = around_.code->materialize_object(object);
      const functions::running_mark mark{around_.objects->loader(), object};
      auto loaded =
          path ? functions::native_library::open(path->string()) : expected<library_ptr>{tl::unexpected{path.error()}};
      around_.control->post([this, object, name, loaded = std::move(loaded)] {
        if (loaded) {
          libraries_[object] = *loaded;
        } else {
          log_event(log_level::error, "object_not_loaded", {{"function", name}, {"reason", loaded.error().what}});
          load_errors_[object] = loaded.error();
        }
        if (!stopped_)
          proceed();
      });
    };
    if (around_.files->post(std::move(job)))
      return true;
    load_errors_[record.code] = error{errc::overloaded, "the files thread has too much to do"};
  }
  return false;
}

bool function_registry::runs_in_node(const cluster::function_record& record) {
  const auto& objects = *around_.objects;
  if (record.form != "object" || objects.wanted != native_isolation::in_process)
    return false;
  if (objects.of(record.code) == native_isolation::in_process)
    return true;
  if (isolated_.insert(record.code).second)
    log_event(log_level::warning, "object_isolated",
              {{"function", record.name},
               {"sha256", to_string(record.code)},
               {"reason", "it was running at two ends of the node in a row"}});
  return false;
}

runnable function_registry::runnable_of(const cluster::function_record& record) {
  runnable what;
  auto spec = spec_of(record);
  if (!spec) {
    log_event(log_level::error, "function_not_runnable", {{"function", record.name}, {"reason", spec.error().what}});
    return what;
  }
  what.spec = std::make_shared<const functions::function_spec>(std::move(*spec));
  if (runs_in_node(record)) {
    if (const auto old = supervised_.find(record.id); old != supervised_.end()) {
      release(old->second);
      supervised_.erase(old);
    }
    if (const auto found = libraries_.find(record.code); found != libraries_.end())
      what.library = found->second;
    what.counts = cells_of(*what.spec);
    if (what.library)
      what.execution = around_.executions->adopt(*what.spec);
    return what;
  }
  auto& entry = supervised_[record.id];
  if (!entry.supervisor) {
    entry.load = std::make_shared<function_load>(around_.supervision->loops.size());
    if (!around_.count_calls)
      entry.load->cells.clear();
    entry.supervisor = system_.spawn<function_supervisor>(around_.supervision);
  }
  what.load = entry.load;
  if (around_.count_calls)
    what.counts = {entry.load, &entry.load->cells};
  if (!entry.spec || entry.spec->version != what.spec->version) {
    auto& stems = *around_.supervision->stems;
    stems.deployed(*what.spec);
    if (entry.spec)
      stems.removed(*entry.spec);
    entry.spec = what.spec;
    entry.band = band_of(*what.spec);
    caf::anon_send(entry.supervisor, band_change{entry.band});
    caf::anon_send(entry.supervisor, what);
  }
  return what;
}

std::shared_ptr<std::vector<function_cells>> function_registry::cells_of(const functions::function_spec& spec) {
  if (!around_.count_calls)
    return nullptr;
  auto& entry = counted_[spec.id];
  entry.name = spec.name;
  if (!entry.cells)
    entry.cells = std::make_shared<std::vector<function_cells>>(around_.supervision->loops.size());
  return entry.cells;
}

/// Of functions that were removed, or run in worker processes by now.
void function_registry::forget_counts(const routing_update& update) {
  std::unordered_set<const void*> kept;
  for (const auto& each : update.functions)
    kept.insert(each.counts.get());
  std::erase_if(counted_, [&](const auto& entry) { return !kept.contains(entry.second.cells.get()); });
}

void function_registry::remove_vanished(const cluster::catalog_snapshot& snapshot) {
  std::unordered_set<uuid> kept;
  kept.reserve(snapshot.functions.size());
  for (const auto& record : snapshot.functions)
    kept.insert(record.id);
  std::erase_if(supervised_, [&](auto& entry) {
    if (kept.contains(entry.first))
      return false;
    release(entry.second);
    around_.logs->forget(entry.first);
    return true;
  });
}

void function_registry::keep_executions(const routing_update& update) {
  std::unordered_set<uuid> kept;
  for (const auto& each : update.functions)
    if (each.execution)
      kept.insert(each.spec->id);
  around_.executions->keep_only(kept);
}

void function_registry::release(const supervised& entry) {
  // Looked through each time that it has doubled: many may be released at once.
  if (released_.size() >= released_to_look_at_) {
    std::erase_if(released_, [](const auto& each) { return each.lock() == nullptr; });
    released_to_look_at_ = 2 * released_.size() + 16;
  }
  if (entry.spec)
    around_.supervision->stems->removed(*entry.spec);
  caf::anon_send(entry.supervisor, stop_atom::value);
  released_.push_back(caf::actor_cast<caf::weak_actor_ptr>(entry.supervisor));
}

void function_registry::install_now() {
  const auto snapshot = wanted_;
  load_errors_.clear();  // the next change tries again
  inline_functions_.clear();
  auto update = std::make_shared<routing_update>();
  std::map<std::string, functions::function_ref, std::less<>> by_name;
  for (const auto& record : snapshot->functions)
    if (auto what = runnable_of(record); what.spec) {
      by_name[record.name] = what.spec;
      if (what.library)
        inline_functions_.push_back(record.id);
      update->functions.push_back(std::move(what));
    }
  std::vector<routed_function> routes;
  for (const auto& route : snapshot->routes) {
    const auto found = by_name.find(route.function);
    routes.push_back({route.key, found == by_name.end() ? nullptr : found->second});
  }
  for (const auto& own : program_functions_) {
    runnable what;
    what.spec = std::make_shared<const functions::function_spec>(own.spec);
    what.library = own.library;
    what.factory = own.factory;
    if (own.library)
      what.counts = cells_of(own.spec);
    if (what.library)
      what.execution = around_.executions->adopt(*what.spec, own.execution);
    for (const auto& key : own.routes)
      routes.push_back({key, what.spec});
    update->functions.push_back(std::move(what));
  }
  remove_vanished(*snapshot);
  forget_counts(*update);
  keep_executions(*update);
  around_.install(std::move(update), std::move(routes), [this, cursor = snapshot->cursor] {
    installed_ = cursor;
    busy_ = false;
    answer_waiters(around_.control->now());
    if ((std::exchange(arrived_, false) || wanted_->cursor != installed_) && !stopped_)
      proceed();
  });
}

void function_registry::when_installed(std::uint64_t cursor, time_point deadline, std::function<void(bool)> done) {
  if (cursor <= installed_ && !busy_)
    return done(true);
  waiters_.push_back({cursor, deadline, std::move(done)});
  watch_waiters();
}

/// Those whose picture is there, and those who have waited long enough. They may ask for another one meanwhile.
void function_registry::answer_waiters(time_point now) {
  for (auto& each : std::exchange(waiters_, {})) {
    const bool there = each.cursor <= installed_ && !busy_;
    if (there || each.deadline <= now)
      each.done(there);
    else
      waiters_.push_back(std::move(each));
  }
  watch_waiters();
}

void function_registry::watch_waiters() {
  auto next = time_point::max();
  for (const auto& each : waiters_)
    next = std::min(next, each.deadline);
  if (next == time_point::max() || stopped_)
    around_.control->disarm(watch_);
  else
    around_.control->arm(watch_, next);
}

supervisor_actor function_registry::supervisor_of(const uuid& function) const {
  const auto found = supervised_.find(function);
  return found == supervised_.end() ? supervisor_actor{} : found->second.supervisor;
}

function_registry::counts function_registry::instances_of(const uuid& function) const {
  counts result;
  const auto found = supervised_.find(function);
  if (found == supervised_.end())
    return result;
  for (const auto& loop : found->second.load->per_loop)
    result.ready += loop.workers.load(std::memory_order_relaxed);
  result.starting = found->second.load->supervised.starting.load(std::memory_order_relaxed);
  return result;
}

function_registry::figures function_registry::instances() const {
  const auto& budget = *around_.supervision->budget;
  figures result{0, around_.supervision->stems->waiting_stems(), budget.used_mb.load(), budget.max_mb, 0, 0};
  for (const auto& [id, entry] : supervised_) {
    result.ready += instances_of(id).ready;
    for (const auto& loop : entry.load->per_loop) {
      result.in_flight += loop.in_flight.load();
      result.waiting += loop.waiting.load();
    }
  }
  return result;
}

std::uint32_t function_registry::concurrency_of(const uuid& function) const {
  const auto found = supervised_.find(function);
  return found == supervised_.end() || !found->second.spec ? 0 : found->second.spec->concurrency;
}

std::uint64_t function_registry::make_idle_yield(std::uint64_t mb, const supervisor_actor& except) {
  const auto now = around_.control->now();
  std::uint64_t coming = 0;
  std::vector<supervised*> idle;
  for (auto& [id, entry] : supervised_) {
    if (entry.supervisor == except || !entry.spec || !entry.load->idle())
      continue;
    if (now - entry.asked_to_yield < yield_time)
      coming += entry.spec->memory_mb;
    else if (instances_of(id).ready > entry.band.min)
      idle.push_back(&entry);
  }
  const auto order = [](const supervised* entry) {
    return std::pair{entry->load->last_call_ns(), entry->asked_to_yield};
  };
  std::sort(idle.begin(), idle.end(), [&](const supervised* a, const supervised* b) { return order(a) < order(b); });
  for (auto* entry : idle) {
    if (coming >= mb)
      break;
    entry->asked_to_yield = now;
    coming += entry->spec->memory_mb;
    caf::anon_send(entry->supervisor, yield_atom::value);
  }
  return coming;
}

void function_registry::find_memory(std::uint64_t mb, const supervisor_actor& who) {
  if (stopped_)
    return;
  const auto freed = around_.supervision->stems->yield_memory(mb);
  if (freed < mb && make_idle_yield(mb - freed, who) == 0) {
    // Nothing more can be had; what there is may still do.
    caf::anon_send(who, memory_atom::value, freed > 0);
    return;
  }
  if (freed >= mb) {
    caf::anon_send(who, memory_atom::value, true);
    return;
  }
  memory_waiters_.push_back(who);
  around_.control->arm(*this, around_.control->now() + memory_retry_interval);
}

void function_registry::memory_freed() {
  if (memory_waiters_.empty())
    return;
  caf::anon_send(memory_waiters_.front(), memory_atom::value, true);
  memory_waiters_.pop_front();
}

/// Instances that were asked may have got work meanwhile: who still waits asks again.
void function_registry::on_timer(time_point) {
  for (auto& each : std::exchange(memory_waiters_, {}))
    caf::anon_send(each, memory_atom::value, true);
}

void function_registry::stop() {
  stopped_ = true;
  around_.control->disarm(*this);
  waiters_.clear();
  watch_waiters();
  memory_waiters_.clear();
  for (auto& [id, entry] : supervised_)
    caf::anon_send(entry.supervisor, halt_atom::value);
  supervised_.clear();
  for (auto& each : released_)
    if (auto strong = each.lock())
      caf::anon_send(caf::actor_cast<supervisor_actor>(strong), halt_atom::value);
  released_.clear();
}

}  // namespace troupe::actors
