// How sessions dial, and whom they believe.
#include <algorithm>
#include <utility>

#include "actors/stores/store_sessions.hpp"

namespace troupe::actors {

namespace {

constexpr milliseconds probe_time{900};

}  // namespace

node_link_config store_links::sessions::link_config(cluster::link_purpose purpose) const {
  node_link_config made;
  made.from_host = config_.from_host;
  made.hello = [hello = config_.hello, purpose] {
    auto own = hello();
    own.purpose = purpose;
    return own;
  };
  made.make_cipher = config_.make_cipher;
  made.limits = config_.limits;
  return made;
}

std::shared_ptr<dialed_connection> store_links::sessions::dial(std::vector<endpoint> addresses,
                                                               const cluster::node_id& node) {
  auto with = link_config(cluster::link_purpose::store);
  with.accept = [weak = weak_from_this(), node, where = addresses.front()](const cluster::link_hello& peer) {
    const auto self = weak.lock();
    return self ? self->judge(peer, node, where) : fail(errc::unavailable, "this node goes down");
  };
  return std::make_shared<dialed_connection>(loop_, static_cast<store_connection_user&>(*this), std::move(with),
                                             std::move(addresses));
}

expected<void> store_links::sessions::judge(const cluster::link_hello& peer, const cluster::node_id& expected_node,
                                            const endpoint& seed_at) {
  if (peer.node == config_.self) {
    for (auto& each : seeds_)
      if (each.where == seed_at)
        each.self = true;
    return fail(errc::refused, "it is this node itself that answers at " + to_string(seed_at));
  }
  if (expected_node != cluster::node_id{} && peer.node != expected_node)
    return fail(errc::refused, "another node, " + peer.node_name + ", answers at its address");
  return config_.accept ? config_.accept(peer) : expected<void>{};
}

void store_links::sessions::probe(const cluster::probe_incarnation& whom) {
  if (user_ == nullptr)
    return;
  const auto known = nodes_.find(whom.node);
  if (known != nodes_.end() && known->second.active != nullptr &&
      known->second.active->peer().incarnation == whom.incarnation)
    return user_->probed(whom.node, whom.incarnation, true);
  const auto where = parse_endpoint(whom.address);
  if (!where)
    return user_->probed(whom.node, whom.incarnation, false);
  auto with = link_config(cluster::link_purpose::control);
  with.peer = *where;
  with.dialing.connect_timeout = probe_time;
  with.accept = [weak = weak_from_this(), whom](const cluster::link_hello& peer) -> expected<void> {
    if (const auto self = weak.lock())
      self->end_probe(whom.node, whom.incarnation, peer.node == whom.node && peer.incarnation == whom.incarnation);
    return fail(errc::refused, "nothing but the hello was wanted");
  };
  with.on_change = [weak = weak_from_this(), whom](const link_change& change) {
    if (const auto self = weak.lock(); self && change.phase == link_phase::broken)
      self->end_probe(whom.node, whom.incarnation, false);
  };
  probes_.push_back({whom, std::make_shared<node_link>(loop_, std::move(with)), loop_.now() + probe_time});
  const auto begun = probes_.back().link;
  begun->start();
}

void store_links::sessions::end_probe(const cluster::node_id& node, const uuid& incarnation, bool alive) {
  const auto found = std::find_if(probes_.begin(), probes_.end(), [&](const probing& each) {
    return each.whom.node == node && each.whom.incarnation == incarnation;
  });
  if (found == probes_.end())
    return;
  // The link may be what tells.
  loop_.post([link = std::move(found->link)] { link->stop(); });
  probes_.erase(found);
  if (user_ != nullptr)
    user_->probed(node, incarnation, alive);
}

void store_links::sessions::review_probes(time_point now) {
  for (const auto& each : std::vector{probes_})
    if (each.until <= now)
      end_probe(each.whom.node, each.whom.incarnation, false);
}

}  // namespace troupe::actors
