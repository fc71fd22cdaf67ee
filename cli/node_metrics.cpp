// What a node says at /metrics (docs/metrics.md): sums of what its loops counted, and how things stand. On the control
// loop.
#include <algorithm>
#include <array>
#include <map>

#include "cli/node_state.hpp"
#include "cli/process_figures.hpp"
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

void add_requests(metrics_page& page, const std::vector<counted_requests>& rows) {
  page.begin_counter("troupe_http_requests_total", "Requests at the gateway, by how they ended for the client.");
  for (const auto& row : rows)
    for (std::size_t end = 0; end < http::request_ends; ++end)
      if (const auto count = row.sum([end](const auto& cells) -> auto& { return cells.ends[end]; }); count > 0)
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

void add_functions(metrics_page& page, const std::vector<cluster::function_presence>& presences,
                   const std::map<uuid, std::string>& names) {
  const auto each = [&](auto value) {
    for (const auto& here : presences)
      if (const auto name = names.find(here.function); name != names.end())
        page.add({{"function", name->second}}, value(here));
  };
  page.begin_gauge("troupe_function_instances", "Instances on this node that take calls.");
  each([](const auto& here) { return here.ready; });
  page.begin_gauge("troupe_function_calls", "Calls on this node that run or wait for an instance.");
  each([](const auto& here) { return here.outstanding; });
  page.begin_gauge("troupe_function_queue_age_seconds", "How long the oldest call waits that has no instance yet.");
  each([](const auto& here) { return here.queue_age_ms / 1e3; });
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

std::string node::state::metrics_text() {
  metrics_page page;
  page.begin_gauge("troupe_build_info", "1; the labels say what runs.");
  page.add({{"version", TROUPE_VERSION}, {"node", options.name}}, 1);

  std::vector<counted_requests> rows;
  route_metrics->forget_unused();  // the tables that an update replaced are gone by now
  const auto routes = route_metrics->all();
  for (const auto& route : routes) {
    rows.push_back({route->key(), route->function(), {}});
    for (const auto& cells : route->loops())
      rows.back().loops.push_back(&cells);
  }
  rows.push_back({"", "", {}});
  for (const auto& each : gateways)
    rows.back().loops.push_back(&each.edge->unrouted());
  add_requests(page, rows);

  page.begin_gauge("troupe_http_connections", "Open connections of clients at the gateway.");
  page.add({}, static_cast<double>(connections->open.load(std::memory_order_relaxed)));
  page.begin_histogram("troupe_loop_lateness_seconds", "How late an event loop came to its tick, ten times a second.");
  for (const auto* set : {&gateways, &control})
    for (const auto& each : *set) {
      duration_histogram::totals totals;
      each.loop->lateness().add_to(totals);
      page.add({{"loop", each.loop->name()}}, totals);
    }

  add_functions(page, registry->presences(), function_names());
  add_workers(page, registry->instances());
  add_store(page);
  page.begin_counter("troupe_log_lines_dropped_total", "Lines of the log that were not written.");
  page.add({}, static_cast<double>(dropped_log_lines()));
  add_process(page, read_process_figures());
  return page.text();
}

void node::state::add_store(metrics_page& page) const {
  const auto point = store->point();
  page.begin_gauge("troupe_store_primary", "1 at the node that has the store, 0 at those with a copy.");
  page.add({}, point->role == cluster::store_role::primary ? 1 : 0);
  page.begin_gauge("troupe_store_cursor", "The newest commit in this node's copy.");
  page.add({}, static_cast<double>(point->at.value));
  page.begin_gauge("troupe_store_lag_commits", "Commits that the primary has and this node's copy not yet.");
  page.add({}, static_cast<double>(primary_cursor() - point->at.value));
  if (!cluster)
    return;
  std::array<std::size_t, 4> states{};
  const auto& table = cluster->members().table();
  for (const auto& [id, peer] : table.peers())
    ++states[static_cast<std::size_t>(table.state_of(id))];
  page.begin_gauge("troupe_cluster_peers", "Other nodes of the cluster, by what this one thinks of them.");
  for (std::size_t i = 0; i < states.size(); ++i)
    page.add({{"state", word_for(static_cast<cluster::member_state>(i))}}, static_cast<double>(states[i]));
}

}  // namespace troupe::cli
