#include "cluster/node_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace troupe;
using namespace troupe::cluster;

namespace {

uuid id_of(std::uint8_t number) {
  uuid id;
  id.bytes[15] = number;
  return id;
}

node_load load_of(std::vector<function_presence> functions) {
  node_load load;
  load.in_flight = 3;
  load.functions = std::move(functions);
  return load;
}

const time_point begin{seconds{1'000}};

}  // namespace

TEST(LoadReporterTest, TheFirstReportIsTheWhole) {
  load_reporter reporter;
  EXPECT_TRUE(reporter.whole().empty());

  const auto reports = reporter.next(load_of({{id_of(2), 1}, {id_of(1), 2}}), begin);

  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].form, report_form::whole);
  EXPECT_EQ(reports[0].sequence, 1u);
  EXPECT_EQ(reports[0].numbers.in_flight, 3u);
  ASSERT_EQ(reports[0].numbers.functions.size(), 2u);
  EXPECT_EQ(reports[0].numbers.functions[0].function, id_of(1));
  EXPECT_EQ(reporter.whole(), reports);
}

TEST(LoadReporterTest, AChangeHoldsWhatIsNewDifferentOrGone) {
  load_reporter reporter;
  reporter.next(load_of({{id_of(1), 1}, {id_of(2), 1}, {id_of(3), 1}, {id_of(9), 1}}), begin);

  const auto reports =
      reporter.next(load_of({{id_of(9), 1}, {id_of(4), 1}, {id_of(3), 2}, {id_of(2), 1}}), begin + seconds{1});

  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].form, report_form::change);
  EXPECT_EQ(reports[0].sequence, 2u);
  ASSERT_EQ(reports[0].numbers.functions.size(), 2u);
  EXPECT_EQ(reports[0].numbers.functions[0], (function_presence{id_of(3), 2}));
  EXPECT_EQ(reports[0].numbers.functions[1], (function_presence{id_of(4), 1}));
  EXPECT_EQ(reports[0].gone, std::vector<uuid>{id_of(1)});
}

TEST(LoadReporterTest, WithoutChangesASignOfLifeGoesOutAndTheWholeEveryTenSeconds) {
  load_reporter reporter;
  const auto load = load_of({{id_of(1), 1}});
  reporter.next(load, begin);

  for (int second = 1; second < 10; ++second) {
    const auto reports = reporter.next(load, begin + seconds{second});
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].form, report_form::change) << second;
    EXPECT_TRUE(reports[0].numbers.functions.empty());
  }
  const auto reports = reporter.next(load, begin + seconds{10});

  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].form, report_form::whole);
  EXPECT_EQ(reports[0].numbers.functions.size(), 1u);
}

TEST(LoadReporterTest, ManyFunctionsAreToldInPartsAndNoneIsLeftOut) {
  load_reporter reporter;
  node_load load;
  for (std::size_t i = 0; i < load_reporter::max_entries * 2 + 1; ++i)
    load.functions.push_back({make_fast_uuid(), 1});

  const auto whole = reporter.next(load, begin);
  const auto all_gone = reporter.next({}, begin + seconds{1});

  for (const auto* reports : {&whole, &all_gone}) {
    ASSERT_EQ(reports->size(), 3u);
    std::set<uuid> told;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& part = (*reports)[i];
      EXPECT_EQ(part.part, i);
      EXPECT_EQ(part.parts, 3u);
      EXPECT_EQ(part.sequence, (*reports)[0].sequence);
      EXPECT_LE(part.numbers.functions.size() + part.gone.size(), load_reporter::max_entries);
      for (const auto& entry : part.numbers.functions)
        told.insert(entry.function);
      told.insert(part.gone.begin(), part.gone.end());
    }
    EXPECT_EQ(told.size(), load.functions.size());
  }
}
