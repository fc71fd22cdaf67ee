#include "http/metrics_page.hpp"

#include <prometheus/text_serializer.h>

#include <vector>

namespace troupe::http {

struct metrics_page::content {
  std::vector<prometheus::MetricFamily> families;

  void begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
    auto& family = families.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
  }
  prometheus::ClientMetric& add(labels of) {
    auto& metric = families.back().metric.emplace_back();
    for (const auto& [name, value] : of)
      metric.label.push_back({std::string{name}, std::string{value}});
    return metric;
  }
};

namespace {

/// @param counts  one more than `bounds`, not cumulative.
template <class Counts, class Bounds>
void fill(prometheus::ClientMetric::Histogram& histogram, const Counts& counts, const Bounds& bounds, double sum) {
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    cumulative += counts[i];
    histogram.bucket.push_back({cumulative, bounds[i]});
  }
  histogram.sample_count = cumulative + counts[bounds.size()];
  histogram.sample_sum = sum;
}

}  // namespace

metrics_page::metrics_page() : content_{std::make_unique<content>()} {}
metrics_page::~metrics_page() = default;

void metrics_page::begin_counter(std::string_view name, std::string_view help) {
  content_->begin(name, help, prometheus::MetricType::Counter);
}

void metrics_page::begin_gauge(std::string_view name, std::string_view help) {
  content_->begin(name, help, prometheus::MetricType::Gauge);
}

void metrics_page::begin_histogram(std::string_view name, std::string_view help) {
  content_->begin(name, help, prometheus::MetricType::Histogram);
}

void metrics_page::add(labels of, double value) {
  auto& metric = content_->add(of);
  // Of these two the serializer prints the one that the family is.
  metric.counter.value = value;
  metric.gauge.value = value;
}

void metrics_page::add(labels of, const duration_histogram::totals& totals) {
  if (totals.count() != 0)
    fill(content_->add(of).histogram, totals.counts, duration_histogram::bounds_s, totals.sum_s);
}

void metrics_page::add(labels of, const size_histogram::totals& totals) {
  if (totals.sum != 0)
    fill(content_->add(of).histogram, totals.counts, size_histogram::bounds, static_cast<double>(totals.sum));
}

std::string metrics_page::text() const {
  return prometheus::TextSerializer{}.Serialize(content_->families);
}

}  // namespace troupe::http
