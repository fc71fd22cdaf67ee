#include "actors/event_loop.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <caf/logger.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "actors/direct_calls.hpp"

namespace troupe::actors {

namespace {

/// Events taken from the kernel at a time: enough to batch, few enough that the tick stays punctual.
constexpr int max_events = 256;

std::string last_error() {
  return std::strerror(errno);
}

}  // namespace

event_loop::event_loop(unsigned index, std::string name)
    : index_{index}, name_{std::move(name)}, read_buffer_{new char[read_buffer_bytes]} {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  alarm_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0 || alarm_ < 0) {
    std::fprintf(stderr, "troupe: cannot create an event loop: %s\n", last_error().c_str());
    std::abort();  // before anything serves: no descriptors left at start
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  event.data.ptr = &alarm_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, alarm_, &event);
  refresh_now();
  refresh_date();
}

event_loop::~event_loop() {
  assert(!thread_.joinable());
  while (!due_.empty())
    due_.pop();
  for (auto* entry = inbox_.exchange(nullptr); entry != nullptr;) {
    auto* next = entry->next;
    if (entry->resumable != nullptr)
      caf::intrusive_ptr_release(entry->resumable);
    delete entry;
    entry = next;
  }
  ::close(alarm_);
  ::close(wake_);
  ::close(epoll_);
}

void event_loop::start(int niceness) {
  thread_ = std::thread{[this, niceness] { run(niceness); }};
}

void event_loop::stop() {
  post([this] { stopping_.store(true, std::memory_order_relaxed); });
  if (thread_.joinable())
    thread_.join();
}

void event_loop::push_posted(posted* entry) {
  auto* head = inbox_.load(std::memory_order_relaxed);
  do
    entry->next = head;
  while (!inbox_.compare_exchange_weak(head, entry, std::memory_order_release, std::memory_order_relaxed));
  if (head != nullptr)
    return;  // whoever pushed onto the empty inbox has woken the loop
  const std::uint64_t one = 1;
  while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void event_loop::post(std::function<void()> job) {
  push_posted(new posted{nullptr, std::move(job), nullptr});
}

void event_loop::exec_later(caf::resumable* job) {
  if (job->subtype() != caf::resumable::io_actor) {
    system().scheduler().enqueue(job);  // not bound to this loop: the pool runs it
    return;
  }
  if (current_ == this)
    due_.push({job, false});
  else
    push_posted(new posted{nullptr, nullptr, job});
}

void event_loop::run_one(caf::intrusive_ptr<caf::resumable> job) {
  switch (job->resume(this, max_throughput)) {
    case caf::resumable::resume_later: due_.push(std::move(job)); break;
    case caf::resumable::shutdown_execution_unit: job.detach(); break;
    case caf::resumable::done:
    case caf::resumable::awaiting_message: break;
  }
}

void event_loop::drain() {
  if (draining_)
    return;
  draining_ = true;
  for (std::size_t count = 0; !due_.empty() && count < max_drained; ++count)
    run_one(due_.pop());
  draining_ = false;
}

expected<void> event_loop::watch(int descriptor, std::uint32_t events, watcher& target) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &target;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0)
    return fail(errc::io, "cannot watch a descriptor: " + last_error());
  return {};
}

void event_loop::rewatch(int descriptor, std::uint32_t events, watcher& target) noexcept {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &target;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void event_loop::unwatch(int descriptor, watcher& target) noexcept {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (auto& event : batch_)
    if (event.target == &target)
      event.target = nullptr;
}

bool event_loop::take_event(watcher& target) noexcept {
  const auto found =
      std::find_if(batch_.begin(), batch_.end(), [&](const ready& event) { return event.target == &target; });
  if (found == batch_.end())
    return false;
  found->target = nullptr;
  return true;
}

void event_loop::cancel_batch_end(batch_listener& listener) noexcept {
  for (auto* list : {&batch_end_, &ending_})
    std::replace(list->begin(), list->end(), &listener, static_cast<batch_listener*>(nullptr));
}

void event_loop::remove_tick(tick_listener& listener) noexcept {
  std::replace(ticks_.begin(), ticks_.end(), &listener, static_cast<tick_listener*>(nullptr));
}

void event_loop::arm(timer_listener& listener, time_point when) {
  disarm(listener);
  // Never due within the present round: a listener that arms itself for the past must not keep the loop.
  when = std::max(when, now_ + milliseconds{1});
  timers_.emplace(when, &listener);
  listener.armed_for = when;
  listener.armed = true;
}

void event_loop::disarm(timer_listener& listener) noexcept {
  if (listener.armed)
    timers_.erase({listener.armed_for, &listener});
  listener.armed = false;
}

void event_loop::fire_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    auto* listener = timers_.begin()->second;
    disarm(*listener);
    listener->on_timer(now_);
  }
}

void event_loop::take_posted() {
  posted* reversed = nullptr;
  for (auto* entry = inbox_.exchange(nullptr, std::memory_order_acquire); entry != nullptr;) {
    auto* next = entry->next;
    entry->next = reversed;
    reversed = entry;
    entry = next;
  }
  while (reversed != nullptr) {
    std::unique_ptr<posted> entry{reversed};
    reversed = entry->next;
    if (entry->resumable != nullptr)
      due_.push({entry->resumable, false});
    else
      entry->job();
  }
}

bool event_loop::has_work() const noexcept {
  return !due_.empty() || !batch_end_.empty() || inbox_.load(std::memory_order_relaxed) != nullptr;
}

/// It may ring too early, for a timer that was disarmed meanwhile; then the next wait sets it anew.
void event_loop::set_alarm() noexcept {
  auto next = ticks_.empty() ? time_point::max() : next_tick_;
  if (!timers_.empty())
    next = std::min(next, timers_.begin()->first);
  if (next >= alarm_at_)
    return;
  alarm_at_ = next;
  const auto since_boot = std::max(next.time_since_epoch(), duration{1});  // zero would switch it off
  const auto whole = std::chrono::duration_cast<seconds>(since_boot);
  itimerspec when{};
  when.it_value.tv_sec = whole.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds{since_boot - whole}.count();
  ::timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void event_loop::wait() {
  std::array<epoll_event, max_events> events;
  const bool busy = has_work();
  if (!busy)
    set_alarm();
  pulse_.turn();
  int count = direct_epoll_wait(epoll_, events.data(), max_events, busy ? 0 : -1);
  // A process that was stopped and goes on comes back with EINTR. What arrived meanwhile comes before the timers that
  // became due: the answer may be there whose deadline has passed.
  if (count < 0)
    count = direct_epoll_wait(epoll_, events.data(), max_events, 0);
  pulse_.turn();
  refresh_now();
  batch_.clear();
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr)
      woken = true;
    else if (event.data.ptr == &alarm_)
      alarm_at_ = time_point::max();  // ticks and timers are looked at after every wait
    else
      batch_.push_back({static_cast<watcher*>(event.data.ptr), event.events});
  }
  if (woken) {
    std::uint64_t ignored;
    while (::read(wake_, &ignored, sizeof ignored) > 0) {
    }
    take_posted();
  }
}

void event_loop::tick() {
  if (now_ < next_tick_)
    return;
  // A loop that nobody waits for does not wake up for its ticks: that is not being late.
  if (!ticks_.empty() && had_ticks_)
    lateness_.observe(now_ - next_tick_);
  had_ticks_ = !ticks_.empty();
  next_tick_ = now_ + tick_interval;
  refresh_date();
  // A listener may add or remove others, hence by index and by null.
  for (std::size_t i = 0; i < ticks_.size(); ++i)
    if (ticks_[i] != nullptr)
      ticks_[i]->on_tick(now_);
  std::erase(ticks_, nullptr);
}

void event_loop::end_batch() {
  // Who asks again meanwhile waits for the next batch: one busy connection must not keep the others from theirs.
  ending_.swap(batch_end_);
  for (std::size_t i = 0; i < ending_.size(); ++i)
    if (auto* listener = ending_[i])
      listener->on_batch_end();
  ending_.clear();
}

void event_loop::run(int niceness) {
  current_ = this;
  // The nice value belongs to a thread, whatever POSIX says. Refused only beyond its range, where it is bounded anyway.
  if (niceness != 0)
    ::setpriority(PRIO_PROCESS, 0, std::min(::getpriority(PRIO_PROCESS, 0) + niceness, PRIO_MAX - 1));
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  pulse_.turn();  // odd from here to the next wait
  while (!stopping_.load(std::memory_order_relaxed)) {
    wait();
    // Each spawn tells the thread of CAF's logger, which then takes a lock and looks a table up for every message. It
    // is quiet; this loop does without it.
    if (caf::logger::current_logger() != nullptr)
      caf::logger::set_current_actor_system(nullptr);
    drain();
    for (std::size_t i = 0; i < batch_.size(); ++i)
      if (auto* target = batch_[i].target)
        target->on_ready(batch_[i].events);
    batch_.clear();
    tick();
    fire_timers();
    drain();
    end_batch();
    drain();
    kept_.clear();
  }
  pulse_.turn();
  current_ = nullptr;
}

void event_loop::refresh_date() {
  const auto second = std::time(nullptr);
  if (second == date_second_)
    return;
  date_second_ = second;
  std::tm parts{};
  ::gmtime_r(&second, &parts);
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
                months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  std::memcpy(date_.data(), text, date_.size());
}

}  // namespace troupe::actors
