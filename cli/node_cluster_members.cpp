// How the cluster side of a node learns who its peers are. On the control loop.
#include <algorithm>

#include "cli/node_cluster.hpp"
#include "config/log.hpp"

namespace troupe::cli {

namespace {

/// A connection that is made anew, or a primary that starts again, is not away.
constexpr seconds authority_patience{1};

}  // namespace

void node_cluster::make_membership() {
  actors::membership_config config;
  config.self = self_.node;
  config.links = loops_.size();
  config.suspicion.silence = settings_.suspect_after;
  config.publish = [this](const actors::peer_standings_ptr& standings) {
    fetcher_->set_peers(reachable());
    for (auto& side : loops_)
      side->loop->post([&calls = *side->calls, standings] { calls.adopt(standings); });
  };
  config.on_change = [this](const cluster::member_change& change, const std::string& name) {
    tell(change, name);
    around_.refresh_bands();
  };
  config.peers_changed = [this] { set_control_peers(); };
  config.authority_away = [this] {
    const auto health = store_.load()->health();
    return !health.authority_in_reach && health.out_of_reach >= authority_patience;
  };
  config.load_of = [this](const uuid& node) { return load_of(node); };
  config.slots_per_instance = around_.slots_per_instance;
  membership_ = std::make_unique<actors::membership>(*around_.control, std::move(config));
}

const cluster::known_load* node_cluster::load_of(const uuid& node) const {
  return plane_ ? plane_->peers().find(node, around_.control->now()) : nullptr;
}

void node_cluster::adopt(const cluster::catalog_snapshot& snapshot) {
  // A restored store has another id.
  if (plane_)
    plane_->set_cluster(store_.load()->point()->identity.store_id);
  std::vector<cluster::registered_node> nodes;
  for (const auto& record : snapshot.nodes) {
    cluster::registered_node node;
    node.node = record.id;
    node.name = record.name;
    const auto address = record.addresses.empty() ? std::nullopt : parse_endpoint(record.addresses.front());
    if (!address) {
      log_event(log_level::error, "node_without_address", {{"name", record.name}});
      continue;
    }
    node.address = *address;
    if (const auto live = snapshot.live.find(record.id); live != snapshot.live.end()) {
      node.live = true;
      node.incarnation = live->second;
    }
    nodes.push_back(std::move(node));
  }
  membership_->set_nodes(nodes);
  plan_functions(snapshot);
  std::map<uuid, endpoint> places;
  for (const auto& [node, peer] : membership_->table().peers())
    places.emplace(node, peer.address);
  control_links_->set_peers(places);
  std::vector<functions::code_ref> wanted;
  for (const auto& function : snapshot.functions)
    wanted.push_back(
        {function.code, function.form == "object" ? functions::code_form::object : functions::code_form::folder});
  fetcher_->set_wanted(wanted);
  std::erase_if(control_ports_, [&](const auto& entry) { return !membership_->table().peers().contains(entry.first); });
  set_control_peers();
}

node_cluster::figures node_cluster::look() const {
  figures seen;
  seen.changes = changes_;
  seen.code = fetcher_->progress();
  if (plane_) {
    seen.control_contacts = plane_->contacts();
    seen.control_requests = plane_->requests().size();
    seen.control_unanswered = plane_->requests().unanswered();
  }
  if (session_granted_at_)
    seen.session_age = clock::now() - *session_granted_at_;
  return seen;
}

void node_cluster::history_replaced() {
  if (session_)
    session_->history_replaced();
}

void node_cluster::learn(const cluster::link_hello& peer) {
  membership_->answered(peer.node, peer.incarnation);
  auto& port = control_ports_[peer.node];
  if (port == peer.control_port)
    return;
  port = peer.control_port;
  set_control_peers();
}

void node_cluster::set_control_peers() {
  if (!plane_)
    return;
  std::vector<cluster::peer_address> peers;
  for (const auto& [node, known] : membership_->table().peers())
    if (const auto port = control_ports_.find(node); known.live && port != control_ports_.end())
      peers.push_back({node, known.name, {known.address.host, port->second}, known.incarnation});
  plane_->set_peers(peers);
}

void node_cluster::tell(const cluster::member_change& change, const std::string& name) {
  using kind = cluster::member_change::kind;
  ++changes_[change.what];
  std::string_view what;
  std::string text = "node " + name;
  switch (change.what) {
    case kind::joined: what = "node_joined", text += " joined"; break;
    case kind::left: what = "node_left", text += " left: its session ended"; break;
    case kind::removed: what = "node_removed", text += " was removed"; break;
    case kind::suspected:
      what = "node_suspected";
      text += " is suspected: ";
      text += change.why == cluster::suspicion_reason::gone ? "nothing listens at its address any more"
                                                            : "nothing is heard of it";
      break;
    case kind::healed: what = "node_trusted", text += " is heard again"; break;
  }
  log_event(log_level::info, what, {{"name", name}});
  around_.journal->add(what, text);
}

}  // namespace troupe::cli
