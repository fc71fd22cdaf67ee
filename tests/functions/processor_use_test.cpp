#include "functions/processor_use.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

using namespace troupe;
using functions::processor_use_of;

namespace {

/// Computes until this thread has had the processor for so long.
void compute_for(duration length) {
  const auto ran = [] { return functions::processor_use_of_this_thread().ran; };
  for (const auto end = ran() + length; ran() < end;) {
  }
}

}  // namespace

TEST(ProcessorUseTest, AProcessThatComputesHasRunAndOneThatSleepsHasNot) {
  int said[2];
  ASSERT_EQ(::pipe(said), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    compute_for(milliseconds{30});
    if (::write(said[1], "x", 1) != 1)
      ::_exit(1);
    ::alarm(20);
    for (;;)
      ::pause();
  }
  char told = 0;
  ASSERT_EQ(::read(said[0], &told, 1), 1);

  const auto computed = processor_use_of(pid);
  compute_for(milliseconds{10});
  const auto slept = processor_use_of(pid);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ::close(said[0]);
  ::close(said[1]);

  ASSERT_TRUE(computed && slept);
  EXPECT_GE(computed->ran, milliseconds{30});
  EXPECT_LT(slept->ran - computed->ran, milliseconds{5}) << "what another process uses does not count";
}

TEST(ProcessorUseTest, OfAProcessThatIsGoneItKnowsNothing) {
  const pid_t pid = ::fork();
  if (pid == 0)
    ::_exit(0);
  ::waitpid(pid, nullptr, 0);

  EXPECT_FALSE(processor_use_of(pid));
}

TEST(ProcessorUseTest, AKernelThatDoesNotCountWaitsIsToldFromNoWait) {
  using functions::starved_by;
  EXPECT_EQ(starved_by("4810242 1377 12\n"), duration{1377});
  EXPECT_EQ(starved_by("4810242 0 12\n"), duration{});
  EXPECT_EQ(starved_by("0 0 0\n"), std::nullopt);
  EXPECT_EQ(starved_by(""), std::nullopt);
  EXPECT_EQ(starved_by("4810242"), std::nullopt);
  EXPECT_EQ(starved_by("4810242 x"), std::nullopt);
}

TEST(ProcessorUseTest, ManyProcessesOnOneCoreStarve) {
  const auto before = functions::processor_use_of_this_thread();
  if (!before.starved)
    GTEST_SKIP() << "the kernel does not count how long threads wait for a processor";
  cpu_set_t all, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
    if (CPU_ISSET(core, &all))
      CPU_SET(core, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(20);  // should this process not come to ending it
    for (;;) {
    }
  }

  compute_for(milliseconds{50});
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);

  const auto after = functions::processor_use_of_this_thread().starved;
  EXPECT_GT(after.value_or(duration{}) - *before.starved, milliseconds{10});
}

TEST(ThreadShareTest, IsThePartOfAProcessorOfItsOwnThatTheThreadWouldUse) {
  functions::thread_share share;
  const time_point start{seconds{1}};
  share.look(start, {milliseconds{500}, milliseconds{100}});
  EXPECT_EQ(share.value(), 0) << "one look alone says nothing";

  share.look(start + milliseconds{100}, {milliseconds{540}, milliseconds{120}});
  EXPECT_DOUBLE_EQ(share.value(), 0.5);

  share.forget();
  share.look(start + seconds{5}, {milliseconds{600}, milliseconds{120}});
  EXPECT_EQ(share.value(), 0);
}
