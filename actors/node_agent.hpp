// The one actor of a node that other nodes can reach. It checks protocol, cluster and incarnation of every envelope,
// keeps a session per peer and drops everything else that arrives from outside, CAF's own control messages included.
// What a peer asks for is done by its listener; when to dial is decided there as well.
#pragma once

#include <atomic>
#include <caf/actor_addr.hpp>
#include <caf/io/fwd.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "actors/envelope.hpp"
#include "actors/envelope_body.hpp"
#include "actors/loop_bound.hpp"
#include "actors/type_ids.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

using node_agent_actor = caf::typed_actor<
    // From another node's agent. Never answered by CAF's means: an answer is an envelope of its own.
    caf::reacts_to<envelope>>;

/// Who a node is.
struct node_identity {
  uuid cluster;  ///< the store's id
  uuid node;
  std::string name;
  uuid incarnation;  ///< of this start
};

/// Told on the loop of the agent.
class agent_listener {
public:
  /// Whether this node may be a peer now. Errors: any; the other node is told.
  virtual expected<void> admit(const introduction& who, const uuid& incarnation) = 0;
  virtual void on_open(const uuid& node, const uuid& incarnation) = 0;
  /// The session that was open is over.
  virtual void on_closed(const uuid& node, const error& why) = 0;
  /// The session that `meet` was to open did not come about.
  virtual void on_not_opened(const uuid& node, const error& why) = 0;
  /// Of an open session, and not one of those that the agent handles: hello, welcome, refused.
  virtual void on_envelope(const uuid& node, const uuid& incarnation, const envelope& message) = 0;
  /// Something was dropped because its sender is not who it should be.
  virtual void on_stranger(const error& why) = 0;

protected:
  ~agent_listener() = default;
};

/// Its methods belong to its loop; `enqueue` to any thread.
class node_agent final : public loop_bound<node_agent_actor::base> {
public:
  using super = loop_bound<node_agent_actor::base>;
  /// Envelopes that wait for the loop; further ones are dropped.
  static constexpr int max_queued = 4'096;

  node_agent(caf::actor_config& config, node_identity self, agent_listener* listener);

  behavior_type make_behavior() override;
  const char* name() const override { return "node_agent"; }
  using super::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override;

  /// The store was replaced: this is its id from now on. Sessions stay; one with a node that has not heard of it yet
  /// ends at the next envelope, and comes back.
  void set_cluster(const uuid& cluster) { self_.cluster = cluster; }
  /// Makes a session over a fresh connection to `node`: `on_open` or `on_not_opened` follows, without a bound of its
  /// own.
  void meet(const uuid& node, const caf::actor& broker, caf::io::scribe_ptr connection, std::uint16_t port);
  /// Forgets the session, open or not, without a word to the listener.
  void drop(const uuid& node);
  /// Errors: `unavailable` without an open session (nothing was sent), `too_big`.
  expected<void> send_to(const uuid& node, envelope_kind kind, std::string body);
  /// Forgets all sessions, says nothing more to the listener and ends.
  void leave();

private:
  struct session {
    caf::strong_actor_ptr peer;
    uuid node;
    uuid incarnation;
    bool open = false;
  };

  void greet(const uuid& node, const caf::strong_actor_ptr& peer);
  void receive(const envelope& message);
  void on_hello(const caf::strong_actor_ptr& from, const envelope& message);
  void on_welcome(session& known, const envelope& message);
  void on_refusal(const session& known, const envelope& message);
  void refuse(const caf::strong_actor_ptr& from, const error& why, envelope_kind answered);
  void end(const session& known, const error& why);
  void on_down(const caf::actor_addr& source);
  bool forget(const uuid& node);
  session* find(const caf::strong_actor_ptr& peer);
  void tell(const caf::strong_actor_ptr& peer, envelope_kind kind, std::string body);

  node_identity self_;
  agent_listener* listener_;
  std::unordered_map<uuid, session> sessions_;
  std::unordered_map<caf::actor_addr, uuid> nodes_;
  std::atomic<int> queued_{0};
  std::atomic<bool> leaving_{false};
};

}  // namespace troupe::actors
