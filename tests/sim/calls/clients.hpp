// Those who send requests to the nodes, and the edge that they reach: it lets go of what nobody waits for any more.
#pragma once

#include <cstddef>

#include "request.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class world;

class clients {
public:
  explicit clients(world& all) : all_{all} {}
  /// Requests at this node, one after the other, until the run heals.
  void keep_asking(std::size_t node);
  /// One that must run, since nothing is wrong any more. @returns it.
  request_ptr ask_for_sure(std::size_t node, std::size_t function);

private:
  std::size_t some_size();
  request_ptr send(std::size_t node, const request& like);
  void leave_later(const request_ptr& what, instant after);

  world& all_;
};

}  // namespace troupe::sim::calls
