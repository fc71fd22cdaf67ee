// A machine with a disk, clocks of its own and at most one process of troupe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "cluster/node_record.hpp"
#include "cluster/store_node.hpp"
#include "fake_disk.hpp"
#include "skewed_clock.hpp"
#include "timeline.hpp"

namespace troupe::sim {

class process;
class world;

struct node {
  node(world& everything, std::size_t number);
  ~node();

  cluster::store_now now() const;
  /// The process does it: now, or when it runs again.
  void deliver(std::function<void()> what);
  enum class pause : std::uint8_t { stopped, suspended };  ///< SIGSTOP, or the machine sleeps
  void stop(pause how);
  void go_on();
  /// Nothing when it is durable.
  using written = std::function<void(std::optional<cluster::persist_failure>)>;
  /// Writes what the process handed out, in order.
  void write(disk_request request, written done);
  enum class death : std::uint8_t { killed, power_lost };
  void die(death how);
  void start();
  /// Whether its store says that it belongs to it.
  bool registered_on_disk() const;

  world& all;
  std::size_t index;
  cluster::node_record record;
  fake_disk disk;
  skewed_clock time;
  std::unique_ptr<process> running;  ///< null while it is down
  std::uint64_t life = 0;            ///< counts starts and ends
  bool gone = false;                 ///< for good
  bool paused = false;
  std::uint64_t pauses = 0;
  instant full_until{0};

private:
  struct pending_write {
    std::uint64_t number = 0;
    disk_request request;
  };
  void put_on_disk(const disk_request& request);
  std::optional<cluster::persist_failure> trouble();

  std::deque<std::function<void()>> backlog_;
  std::deque<pending_write> writing_;
  instant disk_free_{0};
  std::uint64_t writes_ = 0;
};

}  // namespace troupe::sim
