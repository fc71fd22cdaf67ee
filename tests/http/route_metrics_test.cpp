#include "http/route_metrics.hpp"

#include <gtest/gtest.h>

#include "http/metrics_page.hpp"

using namespace troupe;
using namespace troupe::http;

namespace {

std::uint64_t ended(const request_cells& cells, request_end end) {
  return cells.ends[static_cast<std::size_t>(end)].value();
}

TEST(RequestCells, CountAnAnswerByTheClassOfItsStatus) {
  request_cells cells;
  cells.count(200, {}, 10, milliseconds{1}, nullptr);
  cells.count(204, {}, 0, milliseconds{1}, nullptr);
  cells.count(404, {}, 5, milliseconds{1}, nullptr);
  EXPECT_EQ(ended(cells, request_end::succeeded), 2);
  EXPECT_EQ(ended(cells, request_end::client_error), 1);
  EXPECT_EQ(cells.answer_bytes.value(), 15);
}

TEST(RequestCells, CountAStatusThatIsNoneAsTheServersFault) {
  request_cells cells;
  cells.count(999, {}, 0, {}, nullptr);
  EXPECT_EQ(ended(cells, request_end::server_error), 1);
}

TEST(RequestCells, CountCausesOnlyOfErrors) {
  request_cells cells;
  cells.count(503, errc::overloaded, 0, {}, nullptr);
  cells.count(500, {}, 0, {}, nullptr);
  std::uint64_t all = 0;
  for (const auto& each : cells.causes)
    all += each.value();
  EXPECT_EQ(all, 1);
  EXPECT_EQ(cells.causes[static_cast<std::size_t>(errc::overloaded)].value(), 1);
}

TEST(RequestCells, CountAColdStartOnlyWhereTheCallWaitedForOne) {
  request_cells cells;
  functions::outcome warm;
  functions::outcome cold;
  cold.queued = cold.started = milliseconds{40};
  cells.count(200, {}, 0, milliseconds{1}, &warm);
  cells.count(200, {}, 0, milliseconds{50}, &cold);
  EXPECT_EQ(cells.cold_starts.value(), 1);
  duration_histogram::totals waited;
  cells.waited.add_to(waited);
  EXPECT_EQ(waited.count(), 2);
  EXPECT_NEAR(waited.sum_s, 0.04, 1e-9);
}

TEST(DurationHistogram, PutsALengthIntoTheFirstBucketWhoseBoundItDoesNotExceed) {
  duration_histogram histogram;
  histogram.observe(std::chrono::microseconds{500});
  histogram.observe(std::chrono::microseconds{501});
  histogram.observe(seconds{31});
  histogram.observe(milliseconds{-5});  // two clocks' readings in the wrong order
  duration_histogram::totals totals;
  histogram.add_to(totals);
  EXPECT_EQ(totals.counts[0], 2);
  EXPECT_EQ(totals.counts[1], 1);
  EXPECT_EQ(totals.counts.back(), 1);
  EXPECT_NEAR(totals.sum_s, 31.001001, 1e-9);
}

TEST(RouteMetricsDirectory, KeepsTheCountsOfARouteThatStandsInTheNextTableToo) {
  route_metrics_directory directory{2};
  auto first = directory.find_or_add("GET /a", "one");
  first->of_loop(1).ends[0].add();
  directory.forget_unused();
  EXPECT_EQ(directory.find_or_add("GET /a", "one"), first);
  EXPECT_NE(directory.find_or_add("GET /a", "other"), first);
}

TEST(RouteMetricsDirectory, ForgetsRoutesThatNobodyHasAnyMore) {
  route_metrics_directory directory{1};
  auto key = key_of(directory.find_or_add("GET /a", "one"));
  directory.find_or_add("GET /b", "one");
  directory.forget_unused();
  ASSERT_EQ(directory.all().size(), 1);
  EXPECT_EQ(directory.all().front()->key(), "GET /a");
  EXPECT_EQ(*key, "GET /a");
  key.reset();
  directory.forget_unused();
  EXPECT_TRUE(directory.all().empty());
}

TEST(MetricsPage, WritesPrometheusTextWithAnyLabelValue) {
  metrics_page page;
  page.begin_counter("calls_total", "Calls.");
  page.add({{"route", "GET /\"a\"\\b\n"}}, 3);
  page.begin_gauge("open_files", "Files.");
  page.add({}, 2.5);
  EXPECT_EQ(page.text(),
            "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
            "calls_total{route=\"GET /\\\"a\\\"\\\\b\\n\"} 3\n"
            "# HELP open_files Files.\n# TYPE open_files gauge\nopen_files 2.5\n");
}

TEST(MetricsPage, WritesHistogramsWithCumulativeBuckets) {
  duration_histogram histogram;
  histogram.observe(milliseconds{1});
  histogram.observe(milliseconds{3});
  duration_histogram::totals totals;
  histogram.add_to(totals);
  metrics_page page;
  page.begin_histogram("took_seconds", "Took.");
  page.add({{"loop", "a"}}, totals);
  const auto text = page.text();
  EXPECT_NE(text.find("took_seconds_count{loop=\"a\"} 2\n"), text.npos) << text;
  EXPECT_NE(text.find("took_seconds_bucket{loop=\"a\",le=\"0.001\"} 1\n"), text.npos) << text;
  EXPECT_NE(text.find("took_seconds_bucket{loop=\"a\",le=\"0.005\"} 2\n"), text.npos) << text;
  EXPECT_NE(text.find("took_seconds_bucket{loop=\"a\",le=\"+Inf\"} 2\n"), text.npos) << text;
}

TEST(MetricsPage, LeavesOutHistogramsThatHaveObservedNothing) {
  metrics_page page;
  page.begin_histogram("took_seconds", "Took.");
  page.add({{"loop", "a"}}, duration_histogram::totals{});
  EXPECT_EQ(page.text(), "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n");
}

}  // namespace
