// Reads along what one side of a link sends and hears, and checks that it never sends more than it was allowed to: a
// count of its own beside the one of the link.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "cluster/link_event.hpp"
#include "cluster/link_frame.hpp"

namespace troupe::sim::calls {

class credit_meter {
public:
  explicit credit_meter(const cluster::link_limits& limits) : limits_{limits} {}

  void sends(std::string_view bytes);
  void hears(std::string_view bytes);
  /// Bytes of bodies for which no credit has come back.
  std::uint64_t outstanding() const noexcept { return of_link_; }

private:
  cluster::link_limits limits_;
  cluster::link_frame_reader sent_;
  cluster::link_frame_reader heard_;
  std::uint64_t of_link_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> of_call_;  ///< bodies that have not left whole
};

}  // namespace troupe::sim::calls
