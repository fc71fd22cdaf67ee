// What the instances of a function did lately while they had calls: computing, or waiting for something. A few numbers
// that their loop writes and any thread reads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "config/clock.hpp"

namespace troupe::functions {

struct instance_work {
  duration busy{};  ///< an instance had calls
  duration ran{};   ///< of that, it had a processor; more than `busy` where several threads compute
  /// Of that, it was ready to run while no processor was free; nothing where the kernel does not tell.
  std::optional<duration> starved = duration{};

  instance_work& operator+=(const instance_work& more) noexcept {
    busy += more.busy;
    ran += more.ran;
    starved = starved && more.starved ? std::optional{*starved + *more.starved} : std::nullopt;
    return *this;
  }
};

class recent_work {
public:
  /// What counts is about the last half second for which instances had calls, theirs added up.
  static constexpr milliseconds horizon{500};

  /// An instance had calls for `piece.busy` since it was last looked at. By the owning thread only.
  void add(const instance_work& piece) noexcept {
    if (piece.busy <= duration{} || piece.ran < duration{} || piece.starved.value_or(duration{}) < duration{})
      return;  // the process has ended meanwhile
    const auto kept =
        1.0 - std::min(1.0, static_cast<double>(piece.busy.count()) / static_cast<double>(duration{horizon}.count()));
    const auto renew = [kept](std::atomic<std::int64_t>& sum, duration more) {
      const auto before = static_cast<double>(std::max<std::int64_t>(0, sum.load(std::memory_order_relaxed)));
      sum.store(static_cast<std::int64_t>(before * kept) + more.count(), std::memory_order_relaxed);
    };
    renew(busy_, piece.busy);
    renew(ran_, piece.ran);
    if (piece.starved)
      renew(starved_, *piece.starved);
    else
      starved_.store(not_told, std::memory_order_relaxed);
  }

  /// `busy` is zero before the first look at a busy instance.
  instance_work value() const noexcept {
    const auto starved = starved_.load(std::memory_order_relaxed);
    return {duration{busy_.load(std::memory_order_relaxed)}, duration{ran_.load(std::memory_order_relaxed)},
            starved == not_told ? std::nullopt : std::optional{duration{starved}}};
  }

private:
  static constexpr std::int64_t not_told = -1;
  std::atomic<std::int64_t> busy_{0}, ran_{0}, starved_{0};
};

}  // namespace troupe::functions
