#include "functions/running_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/support/temp_folder.hpp"

namespace troupe::functions {
namespace {

const digest a = sha256("a");
const digest b = sha256("b");

class RunningObjectsTest : public testing::Test {
protected:
  std::vector<digest> read() const {
    auto running = running_objects::read(path);
    EXPECT_TRUE(running) << running.error().what;
    return running.value_or(std::vector<digest>{});
  }

  tests::temp_folder folder;
  std::filesystem::path path = folder.path() + "/running";
};

TEST_F(RunningObjectsTest, NothingRanBeforeTheFirstStart) {
  EXPECT_TRUE(read().empty());
}

TEST_F(RunningObjectsTest, WhatRanWhenTheProcessWasKilledIsRead) {
  const auto child = ::fork();
  if (child == 0) {
    auto opened = running_objects::open(path, 3);
    if (!opened)
      ::_exit(1);
    const running_mark first{&(*opened)->slot(0), a};
    { const running_mark done{&(*opened)->slot(1), a}; }
    const running_mark third{&(*opened)->slot(2), b};
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));

  EXPECT_THAT(read(), testing::ElementsAre(a, b));
}

TEST_F(RunningObjectsTest, OpeningForgetsWhatRan) {
  const auto opened = running_objects::open(path, 2);
  ASSERT_TRUE(opened) << opened.error().what;
  (*opened)->slot(1).enter(a);
  ASSERT_THAT(read(), testing::ElementsAre(a));

  const auto again = running_objects::open(path, 1);

  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(read().empty());
}

TEST_F(RunningObjectsTest, AWantedEndIsTheFaultOfNothingThatRunsButOfWhatIsBlamed) {
  const auto opened = running_objects::open(path, 4);
  ASSERT_TRUE(opened) << opened.error().what;
  (*opened)->slot(0).enter(a);
  (*opened)->slot(2).enter(b);

  const std::size_t blamed[] = {2, 3};
  ASSERT_TRUE((*opened)->keep_only(blamed));
  (*opened)->slot(1).enter(a);
  EXPECT_THAT(read(), testing::ElementsAre(b));

  ASSERT_TRUE((*opened)->keep_only({}));
  EXPECT_TRUE(read().empty());
}

TEST_F(RunningObjectsTest, AFileCutShortTellsOfTheWholeSlotsInIt) {
  {
    const auto opened = running_objects::open(path, 2);
    ASSERT_TRUE(opened) << opened.error().what;
    (*opened)->slot(0).enter(a);
    (*opened)->slot(1).enter(b);
  }
  std::filesystem::resize_file(path, 100);

  EXPECT_THAT(read(), testing::ElementsAre(a));
}

TEST_F(RunningObjectsTest, AFileThatCannotBeMadeIsAnError) {
  const auto opened = running_objects::open(folder.path() + "/missing/running", 1);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::io);
}

TEST_F(RunningObjectsTest, AFullDiskIsAnErrorAtOnce) {
  std::filesystem::create_symlink("/dev/full", path);
  const auto opened = running_objects::open(path, 1);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::full);
}

}  // namespace
}  // namespace troupe::functions
