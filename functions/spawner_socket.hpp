// One packet on the control socket: bytes, and perhaps a worker's two descriptors. What the bytes mean is
// spawner_wire's business.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "config/errc.hpp"

namespace troupe::functions {

/// Descriptors that came with a packet, -1 where none came; closed with it.
class passed_descriptors {
public:
  passed_descriptors() = default;
  passed_descriptors(const passed_descriptors&) = delete;
  passed_descriptors& operator=(const passed_descriptors&) = delete;
  ~passed_descriptors();

  std::array<int, 2> values{-1, -1};
  bool complete() const noexcept { return values[0] >= 0 && values[1] >= 0; }
};

enum class receive_result { packet, nothing_now, closed };

/// Never blocks. @returns `errc::overloaded` when the other end is behind, `errc::too_big`, `errc::unavailable` when it
/// is gone, else `errc::io`.
expected<void> send_packet(int socket, std::string_view bytes, std::span<const int> descriptors = {});

/// Never blocks. @param room  for the bytes; `size` says how many came, no more than fit.
receive_result receive_packet(int socket, std::span<char> room, std::size_t& size, passed_descriptors* descriptors);

}  // namespace troupe::functions
