// Holds a node's session and acts for what the node owns, by the rules for owners (tests/support/owner_rules).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/session.hpp"
#include "cluster/store_call.hpp"
#include "tests/support/owner_rules.hpp"

namespace troupe::sim {

class process;
class world;

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
  void keep_session();
  void claim();
  void give_away();
  void act();
  void resume();
  milliseconds boot() const;

  world& all_;
  process& of_;
  cluster::session session_;
  tests::owner_rules rules_;
  bool claiming_ = false;
};

}  // namespace troupe::sim
