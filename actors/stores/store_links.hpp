// Sessions between the stores of nodes, over links of their own on the control loop. A session is one connection, in
// which both sides send: what breaks it ends it at both ends, and nothing of an older one can arrive in it. Either side
// may have dialed; of two connections between the same nodes both keep the one that the lower node id dialed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_server.hpp"
#include "actors/stores/store_network.hpp"
#include "actors/stream_cipher.hpp"
#include "cluster/link_frame.hpp"

namespace troupe::actors {

struct store_links_config {
  cluster::node_id self;
  std::string from_host;  ///< own address to dial from; empty: the system's choice
  /// The own hello as of now; `purpose` is set here. Asked on the loop.
  std::function<cluster::link_hello()> hello;
  /// Looks at the hello of whoever answered; an error ends the connection. Empty: anybody whose version fits.
  std::function<expected<void>(const cluster::link_hello& peer)> accept;
  /// For each dial; empty: plain.
  std::function<std::unique_ptr<stream_cipher>()> make_cipher;
  cluster::link_limits limits;
  std::size_t max_accepted = 1'024;  ///< connections that others dialed; more are closed at once
  milliseconds idle_timeout{5'000};  ///< a connection that neither side wants is closed after that
};

/// `begin`, `end` and the destructor: from any thread but the loop's, which runs until after the destructor.
class store_links final : public store_network {
public:
  store_links(event_loop& control_loop, store_links_config config);
  ~store_links() override;

  void begin(store_network_user& user) override;
  void end() override;
  void want(std::vector<cluster::wanted_link> nodes, std::vector<std::string> seeds) override;
  void send(const cluster::node_id& to, std::uint64_t session, std::string message) override;
  void probe(const cluster::probe_incarnation& whom) override;

  /// Takes a link of purpose `store` that a listener accepted; on the loop. Closed while no user is there.
  void adopt(accepted_link link);

private:
  class sessions;
  event_loop& loop_;
  std::shared_ptr<sessions> sessions_;
};

/// For `link_listener_config::accept`: whether `peer` may dial the store of `own`. A node without a history joins
/// through its seeds only: who dials it knows its address from another node that was there before, maybe of another
/// cluster.
expected<void> may_dial_store(const cluster::link_hello& own, const cluster::link_hello& peer);

/// For `link_listener_config::deliver`: links for the store go to `store`, all others to `others`.
std::function<void(accepted_link)> deliver_to_store(store_links& store, std::function<void(accepted_link)> others);

}  // namespace troupe::actors
