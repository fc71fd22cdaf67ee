// A started process of the stem pool. Only stem_*.cpp include this.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "actors/stem_pool.hpp"

namespace troupe::actors {

/// One process until an instance takes it over; from then on only its events pass through here.
struct stem_pool::process final : watcher, timer_listener {
  explicit process(stem_pool& p) : pool{p} {}

  void on_ready(std::uint32_t events) override {
    if (booted && (events & (EPOLLRDHUP | EPOLLHUP)) != 0)
      doomed = true;  // it ends by itself; the spawner tells the rest
    pool.on_booted(*this);
  }
  void on_timer(time_point now) override {
    if (now < begun_at + pool.options_.boot_timeout || pid == 0) {
      // It waits for something, or its code hangs: others need not.
      pool.loop_.arm(*this, std::max(now, begun_at) + pool.options_.boot_timeout);
      pool.boot_what_is_wanted();
      return;
    }
    late = true;
    pool.spawner_.kill(pid, SIGKILL);  // its end is told to who waits for it
  }

  stem_pool& pool;
  std::string stem_class;  ///< empty: for `owner` alone
  worker_ends_ptr ends;    ///< until it is taken over
  worker_actor owner;
  pid_t pid = 0;
  bool booted = false;
  bool doomed = false;  ///< told to end: nobody gets it
  bool watched = false;
  bool late = false;  ///< killed because it did not say hello
  time_point begun_at{};
  std::uint64_t promised_mb = 0;  ///< of the budget, while nobody owns it
};

}  // namespace troupe::actors
