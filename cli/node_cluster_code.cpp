// What this node and its peers ask each other over links of the control loop: for code, and how far a copy is.
#include "cli/node_cluster.hpp"

namespace troupe::cli {

void node_cluster::make_code_exchange() {
  actors::control_links_config links;
  links.link_to = [this](const uuid& peer) { return link_to(peer, cluster::link_purpose::control, 0); };
  control_links_ = std::make_unique<actors::control_links>(*around_.control, std::move(links));
  code_service_ = std::make_unique<actors::code_service>(*around_.control, control_side_->services,
                                                         actors::code_service_config{around_.files, around_.code});

  const actors::code_call call = [this](const uuid& peer, buffer head, buffer body, time_point deadline,
                                        actors::call_callback done) {
    return control_links_->call(peer, cluster::link_topic::code, std::move(head), std::move(body), deadline,
                                std::move(done));
  };
  actors::code_fetcher_config fetching;
  fetching.files = around_.files;
  fetching.code = around_.code;
  fetching.call = call;
  fetching.on_have = around_.code_arrived;
  fetching.tell = [this](std::string_view kind, std::string_view text) { around_.journal->add(kind, text); };
  fetcher_ = std::make_unique<actors::code_fetcher>(*around_.control, std::move(fetching));

  actors::code_spreader_config spreading;
  spreading.files = around_.files;
  spreading.code = around_.code;
  spreading.call = call;
  spreading.candidates = [this] { return reachable(); };
  spreader_ = std::make_unique<actors::code_spreader>(*around_.control, std::move(spreading));
}

void node_cluster::make_gate() {
  actors::wake_gate_config config;
  config.call = [this](const uuid& peer, buffer head, time_point deadline, actors::call_callback done) {
    return control_links_->call(peer, cluster::link_topic::control, std::move(head), {}, deadline, std::move(done));
  };
  config.in_reach = [this] { return reachable(); };
  config.own_level = [this] {
    const auto point = store_.load()->point();
    return cluster::copy_level{point->identity.generation, point->at};
  };
  config.installed = around_.installed;
  config.when_installed = around_.when_installed;
  gate_ = std::make_unique<actors::wake_gate>(*around_.control, control_side_->services, std::move(config));
}

/// Peers that may be asked for something: live and not suspected.
std::vector<uuid> node_cluster::reachable() const {
  std::vector<uuid> nodes;
  for (const auto& [node, peer] : membership_->table().peers()) {
    const auto state = membership_->table().state_of(node);
    if (state != cluster::member_state::unreachable && state != cluster::member_state::absent)
      nodes.push_back(node);
  }
  return nodes;
}

actors::spread_code node_cluster::spreading() {
  return [this](std::vector<digest> blobs, time_point deadline, std::function<void(actors::code_copies)> done) {
    spreader_->spread(std::move(blobs), deadline, std::move(done));
  };
}

}  // namespace troupe::cli
