#include "actors/call_meter.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <new>
#include <utility>

namespace troupe::actors {

namespace {

constexpr functions::execution_limits limits;

}  // namespace

thread_usage thread_usage::now() noexcept {
  // getrusage tells processor time as well, but only what the last tick of the kernel's clock had counted.
  timespec cpu{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return {seconds{cpu.tv_sec} + std::chrono::nanoseconds{cpu.tv_nsec}, static_cast<std::uint64_t>(used.ru_nvcsw)};
}

void inline_meter::begin() noexcept {
  loop_.pulse().begin_call(execution_->number(), timeout_);
  if (!execution_->adapts())
    return;
  if (to_measure_ > 0 || unmeasured_ + 1 >= one_in)
    began_ = thread_usage::now();
}

void inline_meter::end() noexcept {
  loop_.pulse().end_call();
  if (!execution_->adapts())
    return;
  if (began_) {
    settle(thread_usage::now());
  } else {
    news_.add_unmeasured();
    ++unmeasured_;
  }
}

void inline_meter::took(duration length) noexcept {
  // That says nothing of the function, as the machine may have been busy. It is a reason to measure.
  if (length > limits.short_cpu)
    to_measure_ = std::max(to_measure_, length > limits.long_cpu ? after_suspect : after_not_short);
}

void inline_meter::settle(const thread_usage& used) noexcept {
  const auto unfit_before = news_.unfit();
  news_.add_measured(used.cpu - began_->cpu, used.waited - began_->waited, limits);
  began_.reset();
  unmeasured_ = 0;
  if (to_measure_ > 0)
    --to_measure_;
  const bool unfit = news_.unfit() != unfit_before;
  if (unfit)
    to_measure_ = after_suspect;
  if (unfit || news_.measured >= told_together)
    tell();
}

void inline_meter::tell() noexcept {
  const auto news = std::exchange(news_, {});
  try {
    if (news.calls > 0)
      execution_->report(version_, news);
  } catch (const std::bad_alloc&) {  // these are lost; the next ones say the same
  }
}

}  // namespace troupe::actors
