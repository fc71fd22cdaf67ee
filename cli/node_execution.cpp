// Where a node runs native functions of its own process, and who watches that they do not hold it up.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/node_state.hpp"
#include "config/log.hpp"

namespace troupe::cli {

namespace {

/// EX_SOFTWARE of sysexits.h; whoever restarts the node can tell it from an end that was wanted.
constexpr int watchdog_exit_code = 70;
/// For calls on compute loops, beyond drain.timeout.
constexpr milliseconds compute_grace{5'000};

std::int64_t ms(duration length) {
  return std::chrono::duration_cast<milliseconds>(length).count();
}

}  // namespace

bool node::state::runs_native_functions() const {
  return options.native == native_isolation::in_process ||
         std::any_of(program_functions.begin(), program_functions.end(),
                     [](const auto& each) { return each.library != nullptr; });
}

void node::state::start_compute() {
  executions = std::make_unique<actors::execution_directory>(options.execution, *control.front().loop);
  actors::compute_surroundings around;
  around.limits = options.queues;
  around.log = &logs;
  around.slot = [this](std::size_t index) { return objects->slot(objects->first_compute_slot + index); };
  compute = std::make_unique<actors::compute_loops>(options.compute_loops, std::move(around));
  compute->start(*system);
}

void node::state::start_watchdog() {
  actors::watchdog_surroundings around;
  for (auto& each : gateways)
    around.serving.push_back(each.loop.get());
  // No client waits for the control loop, and peers see by themselves when its links are silent.
  for (auto& each : control)
    around.others.push_back(each.loop.get());
  around.compute = compute->loops();
  around.calls_wait = [this] { return compute->calls_wait(); };
  around.executions = executions.get();
  around.on_change = [this](actors::standstill now) { on_standstill(now); };
  around.on_end = [this](const auto& calls) { end_overdue(calls); };
  watchdog = std::make_unique<actors::watchdog>(std::move(around));
}

/// On the watchdog's thread, as the next.
void node::state::on_standstill(actors::standstill now) {
  stalled->store(now != actors::standstill::none);
  switch (now) {
    case actors::standstill::none: journal.add("loop_moves_again", options.name + " is ready again"); break;
    case actors::standstill::event_loop:
      journal.add("loop_stalled", options.name + " is not ready: an event loop stands still");
      break;
    case actors::standstill::compute_loops:
      log_event(log_level::warning, "compute_loops_taken", {{"loops", compute->loops().size()}});
      journal.add("compute_loops_taken",
                  options.name + " is not ready: calls beyond their timeouts have all compute loops");
      break;
  }
  if (cluster)
    control.front().loop->post([this] { cluster->load_moved(); });
}

void node::state::end_overdue(const std::vector<actors::overdue_call>& calls) {
  const auto& first = calls.front();
  log_event(log_level::error, "watchdog_ends_node",
            {{"function", first.function->name()},
             {"loop", first.loop->name()},
             {"held_ms", ms(first.held)},
             {"timeout_ms", ms(first.timeout)},
             {"exit_code", watchdog_exit_code}});
  const auto compute_threads = compute->loops();
  std::vector<std::size_t> to_blame;
  for (const auto& each : calls) {
    const auto at = std::find(compute_threads.begin(), compute_threads.end(), each.loop);
    to_blame.push_back(at == compute_threads.end() ? each.loop->index()
                                                   : objects->first_compute_slot + each.loop->index());
  }
  // Nothing orderly is possible while the calls run.
  end_at_once(watchdog_exit_code, to_blame);
}

/// Workers die with the spawner, which sees this process's end.
/// @param to_blame  slots of `objects`: what runs there is why; what runs elsewhere has no part in it.
void node::state::end_at_once(int with, std::span<const std::size_t> to_blame) {
  if (objects->running)
    if (auto kept = objects->running->keep_only(to_blame); !kept)
      log_event(log_level::error, "running_objects_not_written", {{"reason", kept.error().what}});
  stop_log();
  std::_Exit(with);
}

/// Nobody waits for the calls that still run: those who did have been answered.
void node::state::stop_compute() {
  compute->close();
  const auto give_up = clock::now() + compute_grace;
  while (!compute->idle() && clock::now() < give_up)
    wait([this] { return compute->idle(); }, std::min(give_up, clock::now() + milliseconds{20}));
  if (compute->idle())
    return;
  log_event(log_level::error, "compute_loop_stuck", {{"waited_ms", compute_grace.count()}});
  end_at_once(1);
}

}  // namespace troupe::cli
