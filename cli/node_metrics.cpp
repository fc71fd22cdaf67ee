// What a node says at /metrics (docs/metrics.md): sums of what its loops counted, and how things stand. On the control
// loop.
#include <algorithm>
#include <array>

#include "cli/metrics_parts.hpp"
#include "cli/node_state.hpp"
#include "cli/process_figures.hpp"
#include "config/log_losses.hpp"
#include "http/metrics_page.hpp"

namespace troupe::cli {

namespace {

using http::metrics_page;
using http::request_cells;

/// One row of requests: of a route, or of those that no route took.
struct counted_requests {
  std::string_view route;
  std::string_view function;
  std::vector<const request_cells*> loops;

  /// `cell`: gives the counter of a loop's cells.
  template <class Cell>
  double sum(Cell cell) const {
    std::uint64_t all = 0;
    for (const auto* each : loops)
      all += cell(*each).value();
    return static_cast<double>(all);
  }
  duration_histogram::totals sum(duration_histogram request_cells::*histogram) const {
    duration_histogram::totals all;
    for (const auto* each : loops)
      (each->*histogram).add_to(all);
    return all;
  }
};

/// A series that begins with its first event hides that one from `rate`: what alerts look at is there from the start.
bool begins_at_zero(http::request_end end) noexcept {
  return end == http::request_end::succeeded || end == http::request_end::server_error;
}

/// What was refused before it could be routed, by `refusal_causes`.
using refused_requests = std::array<double, http::refusal_causes.size()>;

void add_rows(metrics_page& page, const std::vector<counted_requests>& rows, const refused_requests& refused) {
  page.begin_counter("troupe_http_requests_total", "Requests at the gateway, by how they ended for the client.");
  for (const auto& row : rows)
    for (std::size_t end = 0; end < http::request_ends; ++end)
      if (const auto count = row.sum([end](const auto& cells) -> auto& { return cells.ends[end]; });
          count > 0 || begins_at_zero(static_cast<http::request_end>(end)))
        page.add({{"route", row.route},
                  {"function", row.function},
                  {"status", to_string(static_cast<http::request_end>(end))}},
                 count);
  page.begin_counter("troupe_http_request_errors_total",
                     "Answers of troupe's own making, by the cause that x-troupe-error names.");
  for (const auto& row : rows)
    for (std::size_t cause = 1; cause < errc_count; ++cause)
      if (const auto count = row.sum([cause](const auto& cells) -> auto& { return cells.causes[cause]; }); count > 0)
        page.add({{"route", row.route}, {"function", row.function}, {"cause", to_string(static_cast<errc>(cause))}},
                 count);
  for (std::size_t i = 0; i < refused.size(); ++i)
    if (refused[i] > 0)
      page.add({{"route", ""}, {"function", ""}, {"cause", http::refusal_causes[i].name}}, refused[i]);
  page.begin_counter("troupe_http_response_bytes_total", "Bytes of the bodies of answers.");
  for (const auto& row : rows)
    page.add({{"route", row.route}, {"function", row.function}},
             row.sum([](const auto& cells) -> auto& { return cells.answer_bytes; }));
  page.begin_histogram("troupe_http_request_duration_seconds", "From the last byte of a request to its answer.");
  for (const auto& row : rows)
    page.add({{"route", row.route}, {"function", row.function}}, row.sum(&request_cells::answered));
  page.begin_histogram("troupe_http_queue_duration_seconds", "How long calls waited for an instance, starts included.");
  for (const auto& row : rows)
    if (!row.function.empty())
      page.add({{"route", row.route}, {"function", row.function}}, row.sum(&request_cells::waited));
  page.begin_counter("troupe_http_cold_starts_total", "Calls that waited for an instance to start.");
  for (const auto& row : rows)
    if (!row.function.empty())
      page.add({{"route", row.route}, {"function", row.function}},
               row.sum([](const auto& cells) -> auto& { return cells.cold_starts; }));
}

void add_workers(metrics_page& page, const actors::function_registry::figures& figures) {
  constexpr double mib = 1 << 20;
  page.begin_gauge("troupe_workers", "Worker processes: those that take calls, and those that wait for code.");
  page.add({{"state", "ready"}}, static_cast<double>(figures.ready));
  page.add({{"state", "generic"}}, static_cast<double>(figures.generic));
  page.begin_gauge("troupe_worker_memory_promised_bytes", "Memory that worker processes may use.");
  page.add({}, static_cast<double>(figures.promised_mb) * mib);
  page.begin_gauge("troupe_worker_memory_limit_bytes", "Memory that may be promised: setting instance_memory.");
  page.add({}, static_cast<double>(figures.max_promised_mb) * mib);
}

void add_process(metrics_page& page, const process_figures& figures) {
  page.begin_counter("process_cpu_seconds_total", "Processor time of the node itself, without its workers.");
  page.add({}, figures.cpu_s);
  page.begin_gauge("process_resident_memory_bytes", "Resident memory of the node itself.");
  page.add({}, static_cast<double>(figures.resident_bytes));
  page.begin_gauge("process_open_fds", "Open file descriptors.");
  page.add({}, static_cast<double>(figures.open_descriptors));
  page.begin_gauge("process_max_fds", "Most file descriptors that may be open.");
  page.add({}, static_cast<double>(figures.max_descriptors));
  page.begin_gauge("process_start_time_seconds", "When the node started, in seconds since 1970.");
  page.add({}, figures.started_at_s);
}

}  // namespace

void node::state::add_requests(metrics_page& page) {
  std::vector<counted_requests> rows;
  route_metrics->forget_unused();  // the tables that an update replaced are gone by now
  const auto routes = route_metrics->all();
  for (const auto& route : routes) {
    rows.push_back({route->key(), route->function(), {}});
    for (const auto& cells : route->loops())
      rows.back().loops.push_back(&cells);
  }
  rows.push_back({"", "", {}});
  refused_requests refused{};
  for (const auto& each : gateways) {
    rows.back().loops.push_back(&each.edge->unrouted());
    for (std::size_t i = 0; i < refused.size(); ++i)
      refused[i] += static_cast<double>(each.edge->refused()[i].value());
  }
  add_rows(page, rows, refused);
}

std::string node::state::metrics_text() {
  metrics_page page;
  page.begin_gauge("troupe_build_info", "1; the labels say what runs.");
  page.add({{"version", TROUPE_VERSION}, {"node", options.name}}, 1);

  if (options.edge.count_requests) {
    add_requests(page);
    add_calls(page, registry->call_counts());
  }
  page.begin_gauge("troupe_http_connections", "Open connections of clients at the gateway.");
  page.add({}, static_cast<double>(connections->open.load(std::memory_order_relaxed)));
  page.begin_gauge("troupe_http_connections_limit", "Most that may be open: setting edge.max_connections.");
  page.add({}, static_cast<double>(connections->max.load(std::memory_order_relaxed)));
  page.begin_counter("troupe_http_clients_turned_away_total",
                     "Clients at the gateway that were refused or cut off, for want of something or as too slow.");
  for (std::size_t why = 0; why < http::turn_away_names.size(); ++why)
    page.add({{"reason", http::turn_away_names[why]}},
             static_cast<double>(connections->turned_away_clients[why].load(std::memory_order_relaxed)));
  page.begin_gauge("troupe_queued_body_bytes",
                   "Bodies of calls that wait, of all functions together; setting edge.max_body_memory bounds them.");
  page.add({}, static_cast<double>(options.queues.bodies->bytes()));
  page.begin_histogram("troupe_loop_lateness_seconds", "How late an event loop came to its tick, ten times a second.");
  for (const auto* set : {&gateways, &control})
    for (const auto& each : *set) {
      duration_histogram::totals totals;
      each.loop->lateness().add_to(totals);
      page.add({{"loop", each.loop->name()}}, totals);
    }

  const auto watched = watchdog->now();
  add_stalls(page, watched.loops);
  add_instances(page, registry->loads(), control.front().loop->now());
  add_execution(page, executions->all(), compute->now(control.front().loop->now()), watched.overdue_compute);
  add_workers(page, registry->instances());
  const auto own = store->point()->at.value;
  const auto newest = primary_cursor();
  add_store(page, *store, newest - std::min(newest, own));
  if (cluster && store->point()->role == cluster::store_role::primary)
    add_copies(page, *cluster, copies_lag);
  if (cluster)
    add_cluster(page, *cluster);
  const auto lost = lost_log_lines();
  page.begin_counter("troupe_log_lines_dropped_total",
                     "Lines that were lost: of requests, of the node itself, and what functions printed.");
  page.add({{"kind", "request"}}, static_cast<double>(lost.collected));
  page.add({{"kind", "node"}}, static_cast<double>(lost.events));
  page.add({{"kind", "function"}}, static_cast<double>(logs.dropped()));
  add_process(page, read_process_figures());
  return page.text();
}

}  // namespace troupe::cli
