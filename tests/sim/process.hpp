// One start of a node: the engine under test, what it wants done, and the clients that use it. All of it is gone when
// the process ends. A mutation is put in here, around the engine.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "clients.hpp"
#include "cluster/store_node.hpp"
#include "network.hpp"
#include "node.hpp"
#include "owner.hpp"
#include "reader.hpp"

namespace troupe::sim {

class process {
public:
  /// `history` is the one of the node that decided; null when nobody did.
  using answered = std::function<void(const cluster::store_answer&, const history_model* history)>;

  process(world& all, node& machine, std::optional<cluster::stored_store> found);

  void start();
  void leave();  ///< it ends: nobody will be answered
  void ask(cluster::store_call call, milliseconds wait, answered done);
  void link_up(std::size_t peer, const std::shared_ptr<link>& which);
  void link_lost(std::size_t peer, const std::shared_ptr<link>& which);
  /// Takes a dead link away. `told`: the engine hears of it before the next one comes up.
  void drop_link(std::size_t peer, bool told);
  void received(std::size_t peer, cluster::store_message message, const history_model* history);
  void tick();
  /// Its clients do something.
  void operate();
  /// Its clients do something that must succeed.
  void finish();

  const std::map<std::size_t, std::shared_ptr<link>>& links() const noexcept { return links_; }
  bool wants(std::size_t peer) const { return wanted_.contains(peer); }
  const cluster::history& records() const noexcept { return engine_.records(); }
  cluster::store_status status() const { return engine_.status(machine_.now()); }
  cluster::store_role role() const noexcept { return role_; }
  /// That this process has read or written; null while it is empty.
  const history_model* history() const noexcept { return history_; }
  const uuid& incarnation() const noexcept { return incarnation_; }
  node& machine() noexcept { return machine_; }
  world& everything() noexcept { return all_; }

private:
  struct pending_call {
    time_point deadline;
    answered done;
    std::string what;
  };

  void take(cluster::store_actions actions);
  void carry_out(cluster::store_action& action);
  void persist(std::uint64_t number, disk_request request, bool decided_here);
  void written(std::uint64_t number, std::optional<cluster::persist_failure> failure,
               const cluster::store_identity& identity);
  void answer(const cluster::answer_call& given);
  void probe(const cluster::probe_incarnation& wanted);
  void connect();
  void check_deadlines();

  // Mutations:
  void send(std::size_t to, cluster::store_message message);
  void watch_move(const cluster::store_actions& actions);
  bool renews_although_moving(std::size_t peer, const cluster::store_message& message);
  void take_rows_twice(std::size_t peer, const cluster::store_message& message);

  world& all_;
  node& machine_;
  uuid incarnation_;
  cluster::store_node engine_;
  cluster::store_role role_ = cluster::store_role::empty;
  const history_model* history_ = nullptr;
  const history_model* deciding_ = nullptr;  ///< of whoever sent what is being worked on
  std::map<std::size_t, std::shared_ptr<link>> links_;
  std::set<std::size_t> wanted_;
  std::map<std::uint64_t, pending_call> waiting_;
  std::uint64_t next_call_ = 0;
  std::size_t on_disk_ = 0;  ///< writes without an answer
  std::uint64_t ticks_ = 0;
  std::deque<std::function<void()>> later_;
  bool working_ = false;
  std::optional<std::size_t> moving_to_;
  std::vector<std::pair<std::size_t, cluster::store_message>> held_back_;

public:
  // Last, since they use all of the above.
  clients users;
  owner session_holder;
  std::unique_ptr<reader> follower;
};

}  // namespace troupe::sim
