// What all instances and generic workers of a node may need together.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::actors {

/// Megabytes promised. From any thread.
struct instance_budget {
  std::atomic<std::uint64_t> used_mb{0};
  std::atomic<std::uint64_t> max_mb{0};  ///< may fall below what is used: then nothing is taken

  bool take(std::uint64_t mb) {
    if (used_mb.fetch_add(mb) + mb <= max_mb)
      return true;
    used_mb.fetch_sub(mb);
    return false;
  }
  void give_back(std::uint64_t mb) { used_mb.fetch_sub(mb); }
};

}  // namespace troupe::actors
