// A page of metrics in Prometheus' text format, put together from values. Pure.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/metrics.hpp"
#include "config/size_histogram.hpp"

namespace troupe::http {

class metrics_page {
public:
  /// Name and value; names are `[a-zA-Z_][a-zA-Z0-9_]*`, values any text.
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  metrics_page();
  ~metrics_page();

  /// What follows belongs to this metric. Each name once.
  /// @param name  ends in `_total` for counters and in the unit for the rest.
  void begin_counter(std::string_view name, std::string_view help);
  void begin_gauge(std::string_view name, std::string_view help);
  void begin_histogram(std::string_view name, std::string_view help);

  void add(labels of, double value);
  /// What has observed nothing is left out: of a thousand functions most are idle.
  void add(labels of, const duration_histogram::totals& totals);
  void add(labels of, const size_histogram::totals& totals);

  std::string text() const;

private:
  struct content;
  std::unique_ptr<content> content_;
};

}  // namespace troupe::http
