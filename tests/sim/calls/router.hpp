// Who runs a call, as actors/router and router_remote decide, with the instances of a simulated process behind it:
// a bounded number of calls at a time and a bounded queue per function.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "cluster/call_routing.hpp"
#include "cluster/node_load.hpp"
#include "peer_links.hpp"
#include "request.hpp"

namespace troupe::sim::calls {

class router {
public:
  router(process& of, std::size_t functions);

  /// A call of the node's own clients or of a peer, on that loop.
  void route(loop& on, const work_ptr& call);
  void on_tick(loop& on, time_point now);
  /// An instance of some function ends in the middle of what it does.
  void crash_one();
  void add_instances(std::size_t function, std::uint32_t count) { pools_[function].ready += count; }

  cluster::node_load load(time_point now) const;
  bool is_empty() const;

private:
  struct running {
    work_ptr call;
    std::uint64_t number = 0;
  };
  struct pool {
    std::uint32_t ready = 0;
    std::uint32_t starting = 0;
    std::vector<running> runs;
    std::deque<work_ptr> waiting;
  };
  bool has_slot(const pool& of) const;
  cluster::local_view view_of(const pool& of, time_point now) const;
  void refuse(const work_ptr& call, errc code, const char* text);
  void wait_here(loop& on, pool& of, const work_ptr& call);
  void run(loop& on, pool& of, const work_ptr& call);
  void finish(loop& on, pool& of, std::uint64_t number);
  void dispatch(loop& on, pool& of);
  void ask_for_instance(loop& on, pool& of);
  void give_up(loop& on, pool& of, errc why);
  void send_away(loop& on, const work_ptr& call, const uuid& node);
  void came_back(loop& on, const work_ptr& call, remote_result result);
  bool try_elsewhere(loop& on, pool& of, const work_ptr& refused, errc why);
  bool may_leave(loop& on, request& what) const;
  bool may_go_elsewhere(loop& on, request& what, cluster::try_result ended) const;
  std::size_t function_of(const pool& of) const { return static_cast<std::size_t>(&of - pools_.data()); }

  process& of_;
  std::vector<pool> pools_;
  std::uint64_t next_run_ = 0;
};

}  // namespace troupe::sim::calls
