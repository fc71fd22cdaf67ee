#include "http/route_metrics.hpp"

namespace troupe::http {

request_end end_of(unsigned status) noexcept {
  const auto hundreds = status / 100;
  return hundreds >= 1 && hundreds <= 5 ? static_cast<request_end>(hundreds - 1) : request_end::server_error;
}

std::string_view to_string(request_end end) noexcept {
  constexpr std::array<std::string_view, request_ends> names = {"1xx", "2xx", "3xx", "4xx", "5xx", "aborted"};
  return names[static_cast<std::size_t>(end)];
}

void request_cells::count(unsigned status, errc cause, std::size_t body_bytes, duration since_arrival,
                          const functions::outcome* result) noexcept {
  ends[static_cast<std::size_t>(end_of(status))].add();
  if (static_cast<std::size_t>(cause) != 0)
    causes[static_cast<std::size_t>(cause) % errc_count].add();
  answer_bytes.add(body_bytes);
  answered.observe(since_arrival);
  if (result == nullptr)
    return;
  waited.observe(result->queued);
  if (result->started > duration{})
    cold_starts.add();
}

route_metrics_ptr route_metrics_directory::find_or_add(const std::string& key, const std::string& function) {
  auto& found = routes_[{key, function}];
  if (!found)
    found = std::make_shared<route_metrics>(key, function, loops_);
  return found;
}

void route_metrics_directory::forget_unused() {
  std::erase_if(routes_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

std::vector<route_metrics_ptr> route_metrics_directory::all() const {
  std::vector<route_metrics_ptr> found;
  found.reserve(routes_.size());
  for (const auto& [name, metrics] : routes_)
    found.push_back(metrics);
  return found;
}

}  // namespace troupe::http
