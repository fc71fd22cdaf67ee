#include "functions/memory_use.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

using namespace troupe::functions;

namespace {

constexpr std::size_t block_bytes = std::size_t{64} << 20;

/// A process that touches `block_bytes`, says so, and waits; with `below` it is its child that does.
pid_t start_user_of_memory(bool below) {
  int said[2];
  EXPECT_EQ(::pipe(said), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!below || ::fork() == 0) {
      void* block = ::mmap(nullptr, block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      std::memset(block, 1, block_bytes);
      if (::write(said[1], "x", 1) != 1)
        ::_exit(1);
    }
    for (;;)
      ::pause();
  }
  char told = 0;
  EXPECT_EQ(::read(said[0], &told, 1), 1);
  ::close(said[0]);
  ::close(said[1]);
  return pid;
}

}  // namespace

TEST(MemoryUseTest, CountsWhatAProcessTouched) {
  const pid_t pid = start_user_of_memory(false);
  const auto use = memory_of(pid);
  EXPECT_GE(use.resident_kb, block_bytes / 1024);
  EXPECT_GE(use.peak_kb, block_bytes / 1024);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(memory_of(pid).resident_kb, 0u);
}

TEST(MemoryUseTest, CountsWhatProcessesBelowItTouched) {
  const pid_t pid = start_user_of_memory(true);
  EXPECT_GE(memory_of(pid).resident_kb, block_bytes / 1024);
  std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  auto* file = std::fopen(path.c_str(), "r");
  int child = 0;
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(std::fscanf(file, "%d", &child), 1);
  std::fclose(file);
  ::kill(child, SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}
