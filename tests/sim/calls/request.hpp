// A request of a client, and what the simulator knows of it: where it was tried, what ran, what was answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

/// One place that was given the call.
struct attempt {
  std::size_t node = 0;
  bool ran = false;
  bool not_run = false;  ///< its caller was told so
};

struct request {
  std::uint64_t number = 0;
  std::size_t entry = 0;  ///< node
  std::size_t function = 0;
  bool idempotent = false;
  instant sent_at{0};
  milliseconds budget{0};
  instant run_time{0};
  std::size_t body_bytes = 0;
  std::size_t answer_bytes = 0;
  time_point deadline{};  ///< by the clock of its entry

  // As functions/invocation has them:
  std::vector<uuid> tried;
  std::size_t retries = 0;
  bool abandoned = false;

  std::vector<attempt> attempts;
  int runs = 0;
  int answers = 0;
  errc answered_with{};  ///< nothing: it ran
};
using request_ptr = std::shared_ptr<request>;

/// Nothing in `code`: it ran, and `body` is what it answered.
struct outcome {
  errc code{};
  std::string text;
  buffer body;
};

/// A call as a process has it: of its own clients, or of a peer.
struct work {
  static constexpr std::size_t none = ~std::size_t{0};
  request_ptr what;
  std::size_t attempt = none;  ///< of `what`; a call of an own client gets one when it begins to run here
  bool by_link = false;
  std::shared_ptr<bool> abandoned = std::make_shared<bool>(false);  ///< nobody waits for it, of one that came by link
  std::function<void(outcome)> answer;
  time_point since{};  ///< it waits
  bool nobody_waits() const noexcept { return by_link ? *abandoned : what->abandoned; }
};
using work_ptr = std::shared_ptr<work>;

/// Bytes that no other body has, in their order. `salt`: 0 for what is sent, 1 for what comes back.
buffer body_of(std::uint64_t number, std::uint64_t salt, std::size_t size);

}  // namespace troupe::sim::calls
