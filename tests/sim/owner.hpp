// Holds a node's session and acts for what the node owns, by the rules for owners: checks `now < valid_until` before
// each act, pauses when it passes, goes on after a barrier showed its records unchanged, stops when its copy shows a
// change.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cluster/session.hpp"
#include "cluster/store_call.hpp"

namespace troupe::sim {

class process;
class world;
class history_model;

class owner {
public:
  owner(world& all, process& of);

  void tick();
  void records_changed();
  void history_replaced();
  void ended(const std::vector<cluster::session_id>& sessions);

  /// Nil when there is none.
  cluster::session_id session_now() const noexcept { return session_.id(); }
  /// Whether the node would act on this session right now.
  bool relies_on(const cluster::session_id& session) const;
  bool has_session() const;

private:
  struct holding {
    std::uint64_t epoch = 0;
    bool paused = false;
    bool asking = false;              ///< a barrier is on its way
    std::uint64_t readable_from = 0;  ///< 0: not known yet
    const history_model* history = nullptr;
  };

  void keep_session();
  void claim();
  void give_away();
  void act();
  void resume(const std::string& resource, holding& what);
  void take(const std::string& resource, std::uint64_t epoch);
  milliseconds boot() const;

  world& all_;
  process& of_;
  cluster::session session_;
  std::map<std::string, holding> holds_;
  std::map<std::string, std::uint64_t> sealed_;  ///< given away or about to be: never acted for again up to this epoch
  bool claiming_ = false;
};

}  // namespace troupe::sim
