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
  for (auto* set : {&gateways, &control})
    for (auto& each : *set)
      around.loops.push_back(each.loop.get());
  around.executions = executions.get();
  around.on_change = [this](bool stalled) { on_stall(stalled); };
  around.on_overdue = [this](const auto& loop, const auto& function, duration held) {
    end_overdue(loop, function, held);
  };
  watchdog = std::make_unique<actors::watchdog>(std::move(around));
}

/// On the watchdog's thread, as the next.
void node::state::on_stall(bool stalled) {
  loop_stalled->store(stalled);
  journal.add(stalled ? "loop_stalled" : "loop_moves_again",
              stalled ? options.name + " is not ready: an event loop stands still" : options.name + " is ready again");
  if (cluster)
    control.front().loop->post([this] { cluster->load_moved(); });
}

void node::state::end_overdue(const std::string& loop, const actors::function_execution& function, duration held) {
  log_event(log_level::error, "watchdog_ends_node",
            {{"function", function.name()},
             {"loop", loop},
             {"held_ms", ms(held)},
             {"timeout_ms", ms(function.timeout())},
             {"exit_code", watchdog_exit_code}});
  stop_log();
  // Nothing orderly is possible while the call runs. Workers die with the spawner, which sees this process's end.
  std::_Exit(watchdog_exit_code);
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
  stop_log();
  std::_Exit(1);
}

}  // namespace troupe::cli
