#include "functions/cgroup_limits.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace troupe;
using functions::cores_in_quota;
using functions::memory_limit_bytes;

namespace {

struct CgroupLimitsTest : ::testing::Test {
  void write(const std::string& name, const std::string& text) const {
    const auto path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  std::optional<unsigned> cores() const { return cores_in_quota(root / "groups", root / "process"); }
  std::optional<std::uint64_t> memory() const { return memory_limit_bytes(root / "groups", root / "process"); }

  tests::temp_folder folder;
  const std::filesystem::path root = folder.path();
};

}  // namespace

TEST_F(CgroupLimitsTest, QuotaIsRoundedUpToWholeProcessors) {
  write("process", "0::/\n");
  EXPECT_EQ(cores(), std::nullopt) << "the root of a machine has none";
  write("groups/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), std::nullopt);
  write("groups/cpu.max", "150000 100000\n");
  EXPECT_EQ(cores(), 2u);
  write("groups/cpu.max", "5000 100000\n");
  EXPECT_EQ(cores(), 1u);
}

TEST_F(CgroupLimitsTest, TheLeastQuotaOfThoseAboveCounts) {
  write("process", "0::/all/mine/node\n");
  write("groups/all/cpu.max", "300000 100000\n");
  write("groups/all/mine/cpu.max", "800000 100000\n");
  write("groups/all/mine/node/cpu.max", "max 100000\n");

  EXPECT_EQ(cores(), 3u);
}

TEST_F(CgroupLimitsTest, InAContainerThatShowsThePathOutsideItsRootCounts) {
  write("process", "0::/system.slice/docker-abc.scope\n");
  write("groups/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores(), 2u);
  write("process", "0::/../../other\n");
  EXPECT_EQ(cores(), 2u);
}

TEST_F(CgroupLimitsTest, TheFirstVersionsControllerOfProcessorsCounts) {
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

TEST_F(CgroupLimitsTest, WhatCannotBeReadSetsNoQuota) {
  EXPECT_EQ(cores(), std::nullopt);
  write("process", "nonsense\n:\n");
  write("groups/cpu.max", "100000 0\n");
  EXPECT_EQ(cores(), std::nullopt);
}

TEST_F(CgroupLimitsTest, TheMemoryOfAUnitCounts) {
  write("process", "0::/system.slice/troupe.service\n");
  write("groups/memory.max", "max\n");
  EXPECT_EQ(memory(), std::nullopt);
  write("groups/system.slice/memory.max", "max\n");
  write("groups/system.slice/troupe.service/memory.max", "2147483648\n");
  EXPECT_EQ(memory(), 2147483648u);
  write("groups/system.slice/memory.max", "1073741824\n");
  EXPECT_EQ(memory(), 1073741824u) << "it shares that with others";
}

TEST_F(CgroupLimitsTest, InAContainerTheMemoryOfItsRootCounts) {
  write("process", "0::/system.slice/docker-abc.scope\n");
  write("groups/memory.max", "536870912\n");
  EXPECT_EQ(memory(), 536870912u);
}

TEST_F(CgroupLimitsTest, TheFirstVersionsControllerOfMemoryCounts) {
  write("process", "6:cpuset:/x\n5:memory:/x/y\n");
  write("groups/cpuset/x/memory.limit_in_bytes", "1\n");
  write("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("groups/memory/x/y/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(memory(), 268435456u);
}

TEST_F(CgroupLimitsTest, WhatCannotBeReadSetsNoMemory) {
  EXPECT_EQ(memory(), std::nullopt);
  write("process", "nonsense\n:\n0::/\n");
  write("groups/memory.max", "\n");
  EXPECT_EQ(memory(), std::nullopt);
}
