#include "cli/node_cluster.hpp"

#include <unistd.h>

#include <caf/send.hpp>
#include <utility>

#include "actors/tls_cipher.hpp"

namespace troupe::cli {

expected<std::unique_ptr<node_cluster>> node_cluster::open(const cluster_settings& settings, cluster_identity self) {
  std::unique_ptr<node_cluster> made{new node_cluster{settings, std::move(self)}};
  if (settings.has_certificate()) {
    auto opened = actors::tls_context::open({settings.certificate, settings.key, settings.authority});
    if (!opened)
      return tl::unexpected{opened.error()};
    made->tls_ = std::move(*opened);
  }
  auto socket = actors::open_link_socket(*settings.listen, made->bound_);
  if (!socket)
    return tl::unexpected{socket.error()};
  made->socket_ = *socket;
  made->advertised_ = settings.advertise.value_or(made->bound_);
  made->control_ = control_endpoint(settings);
  return made;
}

node_cluster::~node_cluster() {
  if (socket_ >= 0)
    ::close(socket_);
}

namespace {

actors::control_plane_options plane_options(const cluster_settings& settings, const endpoint& listen) {
  actors::control_plane_options options;
  options.listen = listen;
  if (settings.has_certificate())
    options.certificates = actors::control_certificates{settings.certificate, settings.key, settings.authority};
  if (settings.trust == cluster_trust::anybody)
    options.without_certificates = actors::control_plane_options::unencrypted::allow;
  return options;
}

}  // namespace

expected<void> node_cluster::prepare(caf::actor_system_config& config) const {
  return actors::prepare_control_plane(config, plane_options(settings_, control_));
}

std::vector<std::string> node_cluster::seeds() const {
  std::vector<std::string> seeds;
  for (const auto& seed : settings_.seeds)
    seeds.push_back(to_string(seed));
  return seeds;
}

std::vector<actors::remote_calls*> node_cluster::remote() const {
  std::vector<actors::remote_calls*> remote;
  for (const auto& each : loops_)
    remote.push_back(each->calls.get());
  return remote;
}

std::function<std::unique_ptr<actors::stream_cipher>()> node_cluster::cipher_maker(actors::tls_role role) const {
  if (!tls_)
    return {};
  return [tls = tls_, role] { return std::make_unique<actors::tls_cipher>(tls, role); };
}

cluster::link_hello node_cluster::hello() const {
  cluster::link_hello hello;
  hello.cluster = settings_.name;
  hello.node = self_.node;
  hello.node_name = self_.name;
  hello.incarnation = self_.incarnation;
  hello.address = to_string(advertised_);
  hello.control_port = control_.port;
  if (auto* store = store_.load()) {
    const auto point = store->point();
    hello.store_id = point->identity.store_id;
    hello.generation = point->identity.generation;
    hello.cursor = point->at;
    hello.history_hash = point->hash;
    hello.primary = point->primary;
  }
  return hello;
}

/// Whether to talk to a node on a link of that purpose; about the store's history the stores themselves decide.
expected<cluster::link_hello> node_cluster::judge(const cluster::link_hello& peer,
                                                  cluster::link_purpose purpose) const {
  auto own = hello();
  if (peer.cluster != own.cluster)
    return fail(errc::refused, "this is a node of cluster '" + own.cluster + "', not of '" + peer.cluster + "'");
  if (peer.node == own.node && peer.incarnation != own.incarnation && purpose == cluster::link_purpose::calls)
    return fail(errc::refused, "another process has the node id " + to_string(own.node));
  if (purpose == cluster::link_purpose::calls && own.store_id == uuid{})
    return fail(errc::not_ready, "this node has not joined its cluster yet");
  if (purpose == cluster::link_purpose::calls && peer.store_id != own.store_id)
    return fail(errc::refused,
                "the stores differ: " + to_string(own.store_id) + " here, " + to_string(peer.store_id) + " there");
  return own;
}

void node_cluster::attach(cluster_surroundings around) {
  around_ = std::move(around);
  actors::store_links_config links;
  links.self = self_.node;
  links.from_host = bound_.host;
  links.hello = [this] { return hello(); };
  links.accept = [this](const cluster::link_hello& peer) {
    return judge(peer, cluster::link_purpose::store).map([](const cluster::link_hello&) {});
  };
  links.make_cipher = cipher_maker(actors::tls_role::client);
  store_links_ = std::make_shared<actors::store_links>(*around_.control, std::move(links));
  for (std::size_t i = 0; i < around_.loops.size(); ++i) {
    auto side = std::make_unique<loop_side>();
    side->loop = around_.loops[i];
    actors::peer_calls_config calls;
    calls.self = self_.node;
    calls.link_to = [this, i](const actors::peer_standing& peer) { return calls_link_to(peer.node, i); };
    calls.on_link = [this, i](const uuid& node, std::shared_ptr<const actors::link_pulse> pulse) {
      around_.control->post([this, i, node, pulse] { membership_->watch(node, i, pulse); });
    };
    side->calls = std::make_unique<actors::peer_calls>(*side->loop, std::move(calls));
    loops_.push_back(std::move(side));
  }
  control_side_ = std::make_unique<loop_side>();
  control_side_->loop = around_.control;
  make_membership();
  make_code_exchange();
  make_gate();
  make_planner();
}

/// A link to `peer` and nobody else. `index`: of the loop that dials, for links of purpose `calls`.
actors::node_link_config node_cluster::link_to(const uuid& peer, cluster::link_purpose purpose,
                                               std::size_t index) const {
  actors::node_link_config link;
  link.from_host = bound_.host;
  link.hello = [this, purpose, index] {
    auto own = hello();
    own.purpose = purpose;
    own.loop = index;
    return own;
  };
  link.accept = [this, peer, purpose](const cluster::link_hello& answered) -> expected<void> {
    if (answered.node != peer)
      return fail(errc::refused, "node " + answered.node_name + " answers there, another one was expected");
    return judge(answered, purpose).map([](const cluster::link_hello&) {});
  };
  link.make_cipher = cipher_maker(actors::tls_role::client);
  link.limits.longest_silence = settings_.suspect_after;
  return link;
}

actors::node_link_config node_cluster::calls_link_to(const uuid& peer, std::size_t index) {
  auto link = link_to(peer, cluster::link_purpose::calls, index);
  link.accept = [this, peer, accept = std::move(link.accept)](const cluster::link_hello& answered) {
    auto judged = accept(answered);
    if (judged)
      around_.control->post([this, answered] { learn(answered); });
    return judged;
  };
  link.on_change = [this, index, peer](const actors::link_change& change) {
    around_.control->post([this, index, peer, change] { membership_->link_changed(peer, index, change); });
  };
  return link;
}

void node_cluster::listen(caf::actor_system& system, actors::built_in_store& store,
                          const std::vector<actors::router_actor>& routers) {
  store_ = &store;
  std::vector<actors::link_destination> destinations;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    auto& side = *loops_[i];
    side.server = std::make_unique<actors::link_server>(*side.loop, side.services, actors::link_server_config{});
    side.receiver = actors::spawn_on<actors::call_receiver>(system, *side.loop, routers[i], side.services);
    destinations.push_back({side.loop, side.server.get()});
  }
  auto& side = *control_side_;
  side.server = std::make_unique<actors::link_server>(*side.loop, side.services, actors::link_server_config{});
  on_each_loop([](loop_side& each) { each.calls->start(); });

  actors::link_listener_config config;
  config.accept = [this](const cluster::link_hello& peer) {
    return judge(peer, peer.purpose).and_then([&](const cluster::link_hello& own) {
      return actors::may_dial_store(own, peer).map([&] { return own; });
    });
  };
  config.hello = [this] { return hello(); };
  config.make_cipher = cipher_maker(actors::tls_role::server);
  config.deliver = actors::deliver_to_store(
      *store_links_, actors::deliver_to(std::move(destinations), {side.loop, side.server.get()}));
  listener_ = std::make_unique<actors::link_listener>(*around_.control, std::exchange(socket_, -1), std::move(config));
  around_.on_control([this] {
    membership_->start();
    control_links_->start();
    fetcher_->start();
    gate_->start();
    planner_->start();
    listener_->start();
  });
}

expected<void> node_cluster::meet(caf::actor_system& system) {
  actors::control_plane_surroundings plane;
  plane.load = around_.load;
  plane.load_changed = [this](const uuid& node) {
    membership_->load_changed(node);
    planner_->look_soon();
  };
  plane.spawn = [this](const uuid& from, const uuid& incarnation, const actors::spawn_request& what,
                       std::function<void(expected<void>)> reply) {
    on_spawn(from, incarnation, what, std::move(reply));
  };
  plane.drain_noticed = [this](const uuid& node, cluster::serving_state state) {
    membership_->state_noticed(node, state);
  };
  plane.events = [journal = around_.journal, logs = around_.logs](const uuid& function, std::uint64_t after,
                                                                  std::uint32_t limit) {
    return function == uuid{} ? page_of(*journal, after, limit) : log_page_of(*logs, function, after);
  };
  auto* store = store_.load();
  const actors::node_identity own{store->point()->identity.store_id, self_.node, self_.name, self_.incarnation};
  plane_ = std::make_unique<actors::control_plane>(system, *around_.control, own, plane_options(settings_, control_),
                                                   std::move(plane));
  auto started = plane_->start();
  if (!started)
    return tl::unexpected{started.error()};
  cluster::session_options wanted;
  wanted.node = self_.node;
  wanted.incarnation = self_.incarnation;
  wanted.address = to_string(advertised_);
  wanted.ttl = settings_.session_ttl;
  session_ = std::make_unique<actors::live_session>(
      *around_.control, *store, std::move(wanted),
      [this](cluster::session::state now, const std::string& why) {
        around_.must_end(now == cluster::session::state::rejected ? 2 : 1, why);
      },
      [this](cluster::cursor tip, time_point asked_at) {
        session_granted_at_ = asked_at;
        around_.authority_heard(tip, asked_at);
      });
  around_.on_control([this, port = started->port] {
    control_.port = port;
    set_control_peers();
    session_->start();
  });
  return {};
}

void node_cluster::on_each_loop(const std::function<void(loop_side&)>& job) {
  around_.on_each_loop([&](std::size_t index) { job(*loops_[index]); });
}

void node_cluster::drain() {
  around_.on_control([this] {
    planner_->stop();
    if (plane_)
      plane_->announce(cluster::serving_state::draining);
  });
  on_each_loop([](loop_side& side) { side.server->drain(); });
}

bool node_cluster::busy() {
  std::atomic<bool> any{false};
  on_each_loop([&](loop_side& side) {
    if (side.server->calls() > 0 || !side.server->idle())
      any = true;
  });
  return any;
}

void node_cluster::stop() {
  if (!listener_)
    return;
  around_.on_control([this] {
    if (session_)
      session_->stop();
    listener_->stop();
    membership_->stop();
    planner_->stop();
    fetcher_->stop();
    gate_->stop();
    control_links_->stop();
    if (plane_)
      plane_->stop();
    control_side_->server->close();
  });
  on_each_loop([](loop_side& side) {
    side.calls->stop();
    side.server->close();
  });
  for (auto& side : loops_) {
    caf::anon_send_exit(side->receiver, caf::exit_reason::user_shutdown);
    side->receiver = nullptr;
  }
}

void node_cluster::dissolve() {
  if (!around_.control)
    return;
  on_each_loop([](loop_side& side) {
    side.calls.reset();
    side.server.reset();
  });
  plane_.reset();
  around_.on_control([this] {
    session_.reset();
    listener_.reset();
    membership_.reset();
    planner_.reset();
    spreader_.reset();
    fetcher_.reset();
    code_service_.reset();
    gate_.reset();
    control_links_.reset();
    control_side_.reset();
  });
  store_ = nullptr;
  store_links_.reset();
}

}  // namespace troupe::cli
