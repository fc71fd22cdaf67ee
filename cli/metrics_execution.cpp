// Of native functions inside the node: where their calls run, and how the threads do that run them.
#include "cli/metrics_parts.hpp"

namespace troupe::cli {

namespace {

void add_classes(http::metrics_page& page, const std::vector<actors::function_execution_ptr>& functions) {
  using functions::execution_class;
  page.begin_gauge("troupe_function_execution_class",
                   "1 for where calls of a native function inside the node run: inline on event loops, or compute.");
  for (const auto& each : functions)
    for (const auto which : {execution_class::inlined, execution_class::compute})
      page.add({{"function", each->name()}, {"class", to_string(which)}},
               each->runs_inline() == (which == execution_class::inlined) ? 1 : 0);
  page.begin_counter("troupe_function_promotions_total", "Times that the calls were moved to the event loops.");
  for (const auto& each : functions)
    page.add({{"function", each->name()}}, static_cast<double>(each->promotions()));
  page.begin_counter("troupe_function_demotions_total", "Times that the calls were moved to compute loops.");
  for (const auto& each : functions)
    page.add({{"function", each->name()}}, static_cast<double>(each->demotions()));
}

void add_compute(http::metrics_page& page, const actors::compute_loops::figures& figures, std::size_t overdue) {
  page.begin_gauge("troupe_compute_loops", "Compute loops by whether they run a call.");
  page.add({{"state", "busy"}}, static_cast<double>(figures.busy));
  page.add({{"state", "idle"}}, static_cast<double>(figures.loops - figures.busy));
  page.begin_gauge("troupe_compute_loops_overdue", "Those of them that run a call beyond its function's timeout.");
  page.add({}, static_cast<double>(overdue));
  page.begin_gauge("troupe_compute_waiting_calls", "Calls that wait for a compute loop.");
  page.add({}, static_cast<double>(figures.waiting));
  page.begin_gauge("troupe_compute_queue_age_seconds", "How long the oldest of them waits.");
  page.add({}, std::chrono::duration<double>(figures.oldest).count());
  page.begin_histogram("troupe_compute_queue_duration_seconds", "How long calls waited that a compute loop ran.");
  page.add({}, figures.waited);
  page.begin_counter("troupe_compute_refusals_total",
                     "Calls that no compute loop ran: too many waited already, or it had waited too long.");
  page.add({{"cause", "full"}}, static_cast<double>(figures.refused_full));
  page.add({{"cause", "late"}}, static_cast<double>(figures.refused_late));
}

}  // namespace

void add_execution(http::metrics_page& page, const std::vector<actors::function_execution_ptr>& functions,
                   const actors::compute_loops::figures& compute, std::size_t overdue_compute) {
  add_classes(page, functions);
  if (compute.loops > 0)
    add_compute(page, compute, overdue_compute);
}

void add_stalls(http::metrics_page& page, const std::vector<actors::watchdog::loop_figures>& loops) {
  page.begin_gauge("troupe_loop_stalled", "1 while an event loop has been at one thing for more than 500 ms.");
  for (const auto& each : loops)
    page.add({{"loop", each.loop}}, each.stalled ? 1 : 0);
  page.begin_counter("troupe_loop_stalls_total", "Times that it was.");
  for (const auto& each : loops)
    page.add({{"loop", each.loop}}, static_cast<double>(each.stalls));
}

}  // namespace troupe::cli
