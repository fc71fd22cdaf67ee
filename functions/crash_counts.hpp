// How often a shared object was running when the node died that had it loaded, as a pure rule. Who tells what was
// running is functions/running_objects.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "config/ids.hpp"

namespace troupe::functions {

class crash_counts {
public:
  /// Deaths in a row, after which an object runs in a process of its own from then on.
  static constexpr unsigned max_deaths = 2;

  /// Reads what `text` gave; what makes no sense is passed over: a damaged file must not keep a node from starting.
  static crash_counts parse(std::string_view text);
  /// A line per object: its digest, a space, the deaths.
  std::string text() const;

  /// A life of the node has ended while these ran, each named once or more; none at a clean end. Every object that did
  /// not run begins anew, but for those that are isolated already.
  void add_end(std::span<const digest> running);
  bool isolates(const digest& object) const;

private:
  std::map<digest, unsigned> deaths_;  ///< 1 to `max_deaths`
};

}  // namespace troupe::functions
