// How the store of this node reaches the stores of others, as the store sees it: sessions with nodes, in which messages
// keep their order and get lost only with the session. How a session comes about is in store_links.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/store_node.hpp"

namespace troupe::actors {

/// Told what happens, on a thread of the network's choice; must not block.
class store_network_user {
public:
  /// A session with `node` began, at both ends. One of a node that had one ends that first.
  virtual void link_up(const cluster::node_id& node, std::uint64_t session) = 0;
  virtual void link_down(const cluster::node_id& node, std::uint64_t session) = 0;
  /// A try to reach a node that is wanted came to nothing. @param why  one line for humans.
  virtual void link_failed(const cluster::node_id& node, std::string_view why) = 0;
  /// @returns false when more waits for the store than may: the session ends.
  virtual bool received(const cluster::node_id& node, std::uint64_t session, std::string_view message) = 0;
  virtual void probed(const cluster::node_id& node, const uuid& incarnation, bool alive) = 0;

protected:
  ~store_network_user() = default;
};

/// From any thread.
class store_network {
public:
  virtual ~store_network() = default;

  /// Once, before anything else. The user lives until `end` has returned.
  virtual void begin(store_network_user& user) = 0;
  /// Ends all sessions; the user is not told any more once it returns. May not be called by the user.
  virtual void end() = 0;
  /// Replaces what was wanted before.
  /// @param seeds  `HOST:PORT` of nodes whose ids are not known: dialed for as long as they are given and no session is
  ///               there.
  virtual void want(std::vector<cluster::wanted_link> nodes, std::vector<std::string> seeds) = 0;
  /// Passed over when that session has ended.
  virtual void send(const cluster::node_id& to, std::uint64_t session, std::string message) = 0;
  /// Asks whether that incarnation of a node answers at `address`; `probed` says so within a second.
  virtual void probe(const cluster::probe_incarnation& whom) = 0;
};

}  // namespace troupe::actors
