#include "actors/work_thread.hpp"

#include <pthread.h>

#include <cassert>
#include <utility>

namespace troupe::actors {

work_thread::work_thread(std::string name, std::size_t max_jobs) : max_jobs_{max_jobs} {
  assert(max_jobs > 0);
  name.resize(std::min<std::size_t>(name.size(), 15));
  thread_ = std::thread{[this, shown = std::move(name)] { run(shown); }};
}

work_thread::~work_thread() {
  stop();
}

bool work_thread::post(job next) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || jobs_.size() >= max_jobs_)
      return false;
    jobs_.push_back(std::move(next));
  }
  wake_.notify_one();
  return true;
}

void work_thread::set_alarm(time_point when, job alarm) {
  {
    const std::lock_guard lock{mutex_};
    alarm_at_ = when;
    std::swap(alarm_, alarm);  // what the old alarm captured goes outside the lock
  }
  wake_.notify_one();
}

void work_thread::stop() {
  assert(thread_.get_id() != std::this_thread::get_id());
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  const std::lock_guard lock{join_mutex_};
  if (thread_.joinable())
    thread_.join();
}

std::size_t work_thread::waiting() const {
  const std::lock_guard lock{mutex_};
  return jobs_.size();
}

void work_thread::run(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.c_str());
  std::unique_lock lock{mutex_};
  for (;;) {
    job next;
    if (!stopping_ && alarm_ && alarm_at_ <= clock::now()) {
      next = std::exchange(alarm_, nullptr);
      alarm_at_ = time_point::max();
    } else if (!jobs_.empty()) {
      next = std::move(jobs_.front());
      jobs_.pop_front();
    } else if (stopping_) {
      return;
    } else if (alarm_at_ == time_point::max()) {
      // wait_until with the largest instant overflows in libstdc++.
      wake_.wait(lock);
      continue;
    } else {
      wake_.wait_until(lock, alarm_at_);
      continue;
    }
    lock.unlock();
    next();
    next = nullptr;  // what the job captured goes outside the lock
    lock.lock();
  }
}

}  // namespace troupe::actors
