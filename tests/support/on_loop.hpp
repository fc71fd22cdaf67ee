// What fixtures with an event loop share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "actors/event_loop.hpp"

namespace troupe::tests {

/// Runs `job` on the loop and waits for its end; one that does not end within 20 s is a failure.
inline void run_on_loop(actors::event_loop& loop, const std::function<void()>& job) {
  std::promise<void> done;
  loop.post([&] {
    job();
    done.set_value();
  });
  ASSERT_EQ(done.get_future().wait_for(seconds{20}), std::future_status::ready);
}

}  // namespace troupe::tests
