#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "cli/metrics_parts.hpp"

namespace troupe::cli {

namespace {

using actors::function_cells;
using actors::function_load;
using actors::instance_cells;

/// `count`: gives that of a loop's cells.
template <class Count>
double sum(const std::vector<function_cells>& function, Count count) {
  std::uint64_t all = 0;
  for (const auto& cells : function)
    all += count(cells);
  return static_cast<double>(all);
}

duration_histogram::totals sum(const std::vector<function_cells>& function,
                               duration_histogram function_cells::*histogram) {
  duration_histogram::totals all;
  for (const auto& cells : function)
    (cells.*histogram).add_to(all);
  return all;
}

/// A series that begins with its first event hides that one from `rate`: what alerts look at is there from the start.
constexpr std::array failures_from_zero{errc::function_error, errc::function_crashed, errc::function_timeout,
                                        errc::memory_exceeded, errc::answer_too_large};
constexpr std::array refusals_from_zero{errc::overloaded, errc::no_capacity};

void add_by_cause(http::metrics_page& page, std::string_view function, const std::vector<function_cells>& calls,
                  std::array<counter_cell, errc_count> function_cells::*causes, std::string_view label,
                  std::span<const errc> from_zero) {
  for (std::size_t cause = 1; cause < errc_count; ++cause)
    if (const auto count = sum(calls, [&](const function_cells& cells) { return (cells.*causes)[cause].value(); });
        count > 0 || std::find(from_zero.begin(), from_zero.end(), static_cast<errc>(cause)) != from_zero.end())
      page.add({{"function", function}, {label, to_string(static_cast<errc>(cause))}}, count);
}

}  // namespace

void add_calls(http::metrics_page& page, const function_counts& functions) {
  page.begin_counter("troupe_function_invocations_total", "Calls that instances on this node had, by how they ended.");
  for (const auto& [name, calls] : functions) {
    page.add({{"function", name}, {"result", "ok"}},
             sum(*calls, [](const function_cells& cells) { return cells.succeeded.value(); }));
    add_by_cause(page, name, *calls, &function_cells::failures, "result", failures_from_zero);
  }
  page.begin_counter("troupe_function_refusals_total", "Calls that this node had and no instance here, by cause.");
  for (const auto& [name, calls] : functions)
    add_by_cause(page, name, *calls, &function_cells::refusals, "cause", refusals_from_zero);
  page.begin_histogram("troupe_function_run_duration_seconds", "How long calls ran in instances on this node.");
  for (const auto& [name, calls] : functions)
    page.add({{"function", name}}, sum(*calls, &function_cells::ran));
  page.begin_histogram("troupe_function_queue_duration_seconds",
                       "How long these calls waited before, from when the cluster had them; starts included.");
  for (const auto& [name, calls] : functions)
    page.add({{"function", name}}, sum(*calls, &function_cells::waited));
  page.begin_counter("troupe_function_cold_starts_total", "Calls that waited for an instance on this node to start.");
  for (const auto& [name, calls] : functions)
    page.add({{"function", name}}, sum(*calls, [](const function_cells& cells) { return cells.cold_starts.value(); }));
}

namespace {

struct load_sums {
  std::uint64_t workers = 0;
  std::uint64_t busy = 0;
  std::uint64_t calls = 0;
  duration queue_age{};
};

load_sums sum(const function_load& load, time_point now) {
  load_sums sums;
  for (const auto& loop : load.per_loop) {
    sums.workers += loop.workers.load(std::memory_order_relaxed);
    sums.busy += loop.busy.load(std::memory_order_relaxed);
    sums.calls += loop.in_flight.load(std::memory_order_relaxed) + loop.waiting.load(std::memory_order_relaxed);
    if (const auto oldest = loop.oldest_ns.load(std::memory_order_relaxed); oldest != 0)
      sums.queue_age = std::max(sums.queue_age, now - time_point{duration{oldest}});
  }
  return sums;
}

void add_load(http::metrics_page& page, const function_loads& functions, time_point now) {
  page.begin_gauge("troupe_function_instances", "Instances on this node by what they do.");
  for (const auto& [name, load] : functions) {
    const auto add = [&, function = name](std::string_view state, std::uint64_t count) {
      page.add({{"function", function}, {"state", state}}, static_cast<double>(count));
    };
    const auto sums = sum(*load, now);
    const auto busy = std::min(sums.busy, sums.workers);  // two cells, read one after the other
    add("starting", load->supervised.booting.load(std::memory_order_relaxed));
    add("idle", sums.workers - busy);
    add("busy", busy);
    add("stopping", load->supervised.stopping.load(std::memory_order_relaxed));
  }
  page.begin_gauge("troupe_function_outstanding_calls", "Calls on this node that run or wait for an instance.");
  for (const auto& [name, load] : functions)
    page.add({{"function", name}}, static_cast<double>(sum(*load, now).calls));
  page.begin_gauge("troupe_function_queue_age_seconds", "How long the oldest call waits that has no instance yet.");
  for (const auto& [name, load] : functions)
    page.add({{"function", name}}, std::chrono::duration<double>(sum(*load, now).queue_age).count());
}

void add_supervision(http::metrics_page& page, const function_loads& functions) {
  struct kind_of_end {
    std::string_view reason;
    counter_cell instance_cells::*count;
  };
  constexpr std::array ends = {
      kind_of_end{"stopped", &instance_cells::stopped}, kind_of_end{"crashed", &instance_cells::crashed},
      kind_of_end{"timed_out", &instance_cells::timed_out}, kind_of_end{"start_failed", &instance_cells::failed},
      kind_of_end{"start_abandoned", &instance_cells::abandoned}};
  page.begin_counter("troupe_function_instance_starts_total", "Worker processes of the function that were begun.");
  for (const auto& [name, load] : functions)
    page.add({{"function", name}}, static_cast<double>(load->instances.begun.value()));
  page.begin_counter("troupe_function_instance_ends_total", "Worker processes of the function that ended, by why.");
  for (const auto& [name, load] : functions)
    for (const auto& each : ends)
      page.add({{"function", name}, {"reason", each.reason}},
               static_cast<double>((load->instances.*each.count).value()));
  page.begin_histogram("troupe_function_start_duration_seconds", "How long starts took that went well.");
  for (const auto& [name, load] : functions) {
    duration_histogram::totals took;
    load->instances.took.add_to(took);
    page.add({{"function", name}}, took);
  }
  constexpr std::array<std::string_view, functions::breaker_states> states = {"closed", "half_open", "open"};
  page.begin_gauge("troupe_function_breaker",
                   "1 for the state of the function's breaker: open refuses calls since it cannot be started.");
  for (const auto& [name, load] : functions)
    for (std::size_t i = 0; i < states.size(); ++i)
      page.add(
          {{"function", name}, {"state", states[i]}},
          load->supervised.breaker.load(std::memory_order_relaxed) == static_cast<functions::breaker_state>(i) ? 1 : 0);
}

}  // namespace

void add_instances(http::metrics_page& page, const function_loads& functions, time_point now) {
  add_load(page, functions, now);
  add_supervision(page, functions);
}

}  // namespace troupe::cli
