// Every random choice of a simulated run: the same seed gives the same run on every machine. Nothing here asks the
// operating system.
#pragma once

#include <cstdint>
#include <vector>

#include "config/ids.hpp"

namespace troupe::sim {

class seeded {
public:
  explicit seeded(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15u + 0x6a09e667f3bcc909u} {}

  /// splitmix64
  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 to `bound` - 1; `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// Both inclusive.
  template <class Number>
  Number between(Number low, Number high) noexcept {
    return static_cast<Number>(low + static_cast<Number>(below(static_cast<std::uint64_t>(high - low) + 1)));
  }
  bool one_in(std::uint64_t count) noexcept { return below(count) == 0; }
  bool percent(std::uint64_t share) noexcept { return below(100) < share; }

  template <class T>
  const T& pick(const std::vector<T>& from) noexcept {
    return from[below(from.size())];
  }

  uuid id() noexcept {
    uuid made;
    for (std::size_t half = 0; half < 2; ++half) {
      auto bits = next();
      for (std::size_t i = 0; i < 8; ++i, bits >>= 8)
        made.bytes[half * 8 + i] = static_cast<std::uint8_t>(bits & 0xff);
    }
    return made;
  }

private:
  std::uint64_t state_;
};

}  // namespace troupe::sim
