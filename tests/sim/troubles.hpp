// What goes wrong in a run, and what an operator does about it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cluster/store_restore.hpp"
#include "world.hpp"

namespace troupe::sim {

class troubles {
public:
  explicit troubles(world& all) : all_{all} {}

  /// Plans the next one, until the run heals.
  void go_on();
  /// A primary whose disk is lost is replaced by somebody's copy; dead nodes start again.
  void repair();
  void restart_halted();

private:
  void one();
  void crash(node::death how);
  void crash(std::size_t index, node::death how);
  void pause(node::pause how);
  void pause(std::size_t index, node::pause how);
  void break_link();
  void partition();
  void cut_for(const std::vector<direction>& which, instant length);
  void fill_disk();
  void move_store();
  void cut_a_move(std::size_t from, std::size_t to);
  void join();
  void lose_disk();
  void remove_gone();
  void name_seeds();
  void restore_if_needed();
  void restore();
  void restore(node& machine, std::uint64_t generation_known);
  void back_up();
  void go_back();
  instant between(std::int64_t low_ms, std::int64_t high_ms);

  world& all_;
  int losses_ = 0;
  int times_back_ = 0;
  std::vector<cluster::backed_up_store> backups_;
};

}  // namespace troupe::sim
