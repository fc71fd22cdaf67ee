#include "actors/spread_waits.hpp"

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <utility>

#include "tests/support/on_loop.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;

namespace {

constexpr seconds patience{20};

using names = std::vector<std::string>;

class SpreadWaitsTest : public ::testing::Test {
protected:
  SpreadWaitsTest() {
    loop.start();
    // What it was told last is what it answers to all later questions.
    config.ask = [this](cluster::cursor, time_point, auto done) {
      ++questions;
      if (answers.size() > 1)
        answers.erase(answers.begin());
      done(answers.front());
    };
    config.members = [] { return names{"n2", "n3"}; };
    config.is_suspected = [this](const std::string& name) { return suspected.contains(name); };
    answers.emplace_back();
  }
  ~SpreadWaitsTest() override {
    on_loop([this] { waits->stop(); });
    loop.stop();
  }

  void on_loop(std::function<void()> job) { tests::run_on_loop(loop, job); }
  names await() {
    auto told = std::make_shared<std::promise<names>>();
    on_loop([this, told] {
      waits = std::make_unique<spread_waits>(loop, config);
      waits->await({7}, [told](const names& laggards) { told->set_value(laggards); });
    });
    auto result = told->get_future();
    EXPECT_EQ(result.wait_for(patience), std::future_status::ready);
    return result.get();
  }

  event_loop loop{0, "test"};
  spread_waits_config config;
  std::unique_ptr<spread_waits> waits;
  std::vector<expected<cluster::spread>> answers;  ///< the first one is passed over
  std::set<std::string> suspected;
  int questions = 0;
};

TEST_F(SpreadWaitsTest, EndsWhenNobodyLacksIt) {
  answers.emplace_back(cluster::spread{});

  EXPECT_EQ(await(), names{});
  EXPECT_EQ(questions, 1);
}

TEST_F(SpreadWaitsTest, AsksAgainWhileAMemberThatIsTrustedLacksIt) {
  answers.emplace_back(cluster::spread{{"n2"}});
  answers.emplace_back(cluster::spread{{"n2"}});
  answers.emplace_back(cluster::spread{});

  EXPECT_EQ(await(), names{});
  EXPECT_EQ(questions, 3);
}

TEST_F(SpreadWaitsTest, NamesAMemberThatIsSuspectedAndDoesNotWaitForIt) {
  answers.emplace_back(cluster::spread{{"n3"}});
  suspected = {"n3"};

  EXPECT_EQ(await(), names{"n3"});
  EXPECT_EQ(questions, 1);
}

TEST_F(SpreadWaitsTest, NamesWhoLacksItWhenItsTimeIsOver) {
  answers.emplace_back(cluster::spread{{"n2"}});
  config.patience = 250ms;
  const auto began = clock::now();

  EXPECT_EQ(await(), names{"n2"});

  EXPECT_GE(clock::now() - began, 100ms);
  EXPECT_GT(questions, 1);
}

TEST_F(SpreadWaitsTest, WithoutTheStoresWordNobodyIsKnownToHaveIt) {
  answers.emplace_back(fail(errc::unavailable, "the primary is out of reach"));

  EXPECT_EQ(await(), (names{"n2", "n3"}));
}

}  // namespace
