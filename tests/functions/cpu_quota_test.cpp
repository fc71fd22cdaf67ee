#include "functions/cpu_quota.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace troupe;
using functions::cores_in_quota;

namespace {

struct CpuQuotaTest : ::testing::Test {
  void write(const std::string& name, const std::string& text) const {
    const auto path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  std::optional<unsigned> cores() const { return cores_in_quota(root / "groups", root / "process"); }

  tests::temp_folder folder;
  const std::filesystem::path root = folder.path();
};

}  // namespace

TEST_F(CpuQuotaTest, IsRoundedUpToWholeProcessors) {
  write("process", "0::/\n");
  EXPECT_EQ(cores(), std::nullopt) << "the root of a machine has none";
  write("groups/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), std::nullopt);
  write("groups/cpu.max", "150000 100000\n");
  EXPECT_EQ(cores(), 2u);
  write("groups/cpu.max", "5000 100000\n");
  EXPECT_EQ(cores(), 1u);
}

TEST_F(CpuQuotaTest, TheLeastOfThoseAboveCounts) {
  write("process", "0::/all/mine/node\n");
  write("groups/all/cpu.max", "300000 100000\n");
  write("groups/all/mine/cpu.max", "800000 100000\n");
  write("groups/all/mine/node/cpu.max", "max 100000\n");

  EXPECT_EQ(cores(), 3u);
}

TEST_F(CpuQuotaTest, InAContainerThatShowsThePathOutsideItsRootCounts) {
  write("process", "0::/system.slice/docker-abc.scope\n");
  write("groups/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores(), 2u);
  write("process", "0::/../../other\n");
  EXPECT_EQ(cores(), 2u);
}

TEST_F(CpuQuotaTest, TheFirstVersionsControllerOfProcessorsCounts) {
  write("process", "5:memory:/x\n4:cpu,cpuacct:/x/y\n3:cpuset:/x\n");
  write("groups/cpuset/x/cpu.cfs_quota_us", "100000\n");
  write("groups/cpuset/x/cpu.cfs_period_us", "100000\n");
  write("groups/cpu,cpuacct/x/y/cpu.cfs_quota_us", "-1\n");
  write("groups/cpu,cpuacct/x/y/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), std::nullopt);
  write("groups/cpu,cpuacct/x/cpu.cfs_quota_us", "250000\n");
  write("groups/cpu,cpuacct/x/cpu.cfs_period_us", "50000\n");

  EXPECT_EQ(cores(), 5u);
}

TEST_F(CpuQuotaTest, WhatCannotBeReadSetsNone) {
  EXPECT_EQ(cores(), std::nullopt);
  write("process", "nonsense\n:\n");
  write("groups/cpu.max", "100000 0\n");
  EXPECT_EQ(cores(), std::nullopt);
}
