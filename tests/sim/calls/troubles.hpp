// What goes wrong in a run.
#pragma once

#include <cstdint>

#include "machine.hpp"

namespace troupe::sim::calls {

class troubles {
public:
  explicit troubles(world& all) : all_{all} {}
  /// Plans the next one, until the run heals.
  void go_on();

private:
  void one();
  void kill(machine::death how);
  void pause(machine::pause how);
  void pause_within_batch();
  void stall();
  void partition();
  void break_wire();
  void mute_wire();
  void overload();
  void crash_instance();
  void drain();
  void remove();
  void end_drained(machine& which, std::uint64_t life, instant latest);
  void go_on_later(machine& which);
  machine* some();
  instant between(std::int64_t low_ms, std::int64_t high_ms);

  world& all_;
};

}  // namespace troupe::sim::calls
