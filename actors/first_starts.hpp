// Which deployed versions still wait for their first instance. On the control loop.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "config/ids.hpp"

namespace troupe::actors {

class first_starts {
public:
  void begin(const uuid& function, std::uint64_t version) { versions_[function] = version; }
  /// The instance runs or failed to; of an older version than the last one begun it means nothing.
  void end(const uuid& function, std::uint64_t version) {
    if (const auto found = versions_.find(function); found != versions_.end() && found->second == version)
      versions_.erase(found);
  }
  bool running(const uuid& function) const { return versions_.contains(function); }

private:
  std::unordered_map<uuid, std::uint64_t> versions_;
};

}  // namespace troupe::actors
