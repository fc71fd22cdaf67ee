#include "actors/control_plane.hpp"

#include <unistd.h>

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/system_messages.hpp>
#include <caf/send.hpp>
#include <future>
#include <set>
#include <string>
#include <utility>

#include "config/log.hpp"

namespace troupe::actors {

namespace {

constexpr seconds stranger_log_interval{1};
constexpr seconds publish_timeout{5};

transport transport_of(const control_plane_options& options) {
  return options.certificates ? transport::tls : transport::plain;
}

}  // namespace

control_plane::control_plane(caf::actor_system& system, event_loop& control, node_identity self,
                             control_plane_options options, control_plane_surroundings around)
    : system_{system}, loop_{control}, self_{std::move(self)}, options_{std::move(options)}, around_{std::move(around)},
      table_{self_.node, options_.redial}, status_{options_.load_max_age} {}

control_plane::~control_plane() = default;

expected<endpoint> control_plane::start() {
  if (auto checked = check_control_plane(system_, options_); !checked)
    return tl::unexpected{checked.error()};
  endpoint bound;
  const auto listening = open_control_listener(options_.listen, bound);
  if (!listening)
    return tl::unexpected{listening.error()};
  // Names that any peer of CAF's protocol could message: one makes actors, the other keeps whatever it is sent.
  system_.registry().erase(caf::atom("SpawnServ"));
  system_.registry().erase(caf::atom("ConfigServ"));
  port_ = bound.port;
  broker_ = caf::actor_cast<caf::actor>(system_.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP")));
  agent_handle_ = spawn_on<node_agent>(system_, loop_, self_, static_cast<agent_listener*>(this));
  agent_ = static_cast<node_agent*>(caf::actor_cast<caf::abstract_actor*>(agent_handle_));
  caf::anon_send(broker_, caf::publish_atom_v,
                 make_doorman(system_, *listening, transport_of(options_), options_.sockets), port_,
                 caf::actor_cast<caf::strong_actor_ptr>(agent_handle_), std::set<std::string>{});
  // A port that CAF opens and closes in one round of its thread stays open for ever: what follows finds it open.
  const auto published = std::make_shared<std::promise<void>>();
  system_.middleman().backend().post([published] { published->set_value(); });
  if (published->get_future().wait_for(publish_timeout) != std::future_status::ready)
    return fail(errc::bug, "the middleman's thread does not run");
  loop_.post([this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired())
      loop_.add_tick(*this);
  });
  log_event(log_level::info, "control_plane_listening",
            {{"address", to_string(bound)}, {"tls", options_.certificates.has_value()}});
  return bound;
}

void control_plane::stop() {
  if (agent_ == nullptr)
    return;
  loop_.remove_tick(*this);
  alive_.reset();
  agent_->leave();
  agent_ = nullptr;
  agent_handle_ = nullptr;
  for (const auto& [node, trying] : attempts_)
    cut(trying.ends);
  for (const auto& [node, known] : contacts_)
    cut(known.ends);
  attempts_.clear();
  contacts_.clear();
  caf::anon_send(broker_, caf::close_atom_v, port_);
  broker_ = nullptr;
  requests_.fail_all({errc::unavailable, "this node goes down"});
}

void control_plane::set_cluster(const uuid& cluster) {
  if (agent_ != nullptr)
    agent_->set_cluster(cluster);
}

void control_plane::set_peers(const std::vector<cluster::peer_address>& peers) {
  if (agent_ == nullptr)
    return;
  for (const auto& node : table_.set(peers, clock::now())) {
    if (const auto found = attempts_.find(node); found != attempts_.end()) {
      cut(found->second.ends);
      attempts_.erase(found);
    }
    agent_->drop(node);
    if (const auto found = contacts_.find(node); found != contacts_.end()) {
      cut(found->second.ends);
      lose(node, {errc::refused, "the list of peers has it no more, or as another"},
           {errc::unknown_outcome, "the contact was ended"});
    }
  }
  status_.keep_only([this](const uuid& node) { return table_.find(node) != nullptr; });
}

void control_plane::on_tick(time_point now) {
  for (const auto& peer : table_.due(now))
    dial(peer);
  std::vector<uuid> late;
  for (const auto& [node, trying] : attempts_)
    if (trying.deadline <= now)
      late.push_back(node);
  for (const auto& node : late) {
    agent_->drop(node);
    give_up(node, {errc::io, "it did not answer in time"});
  }
  requests_.expire(now);
  for (const auto& node : status_.expire(now))
    if (around_.load_changed)
      around_.load_changed(node);
  if (agent_ != nullptr && now >= next_status_)
    tell_load(now);
}

void control_plane::tell_load(time_point now) {
  next_status_ = now + options_.status_interval;
  paced_until_ = std::max(paced_until_, now) + options_.status_pause;
  const auto load = around_.load ? around_.load() : cluster::node_load{};
  for (const auto& report : reporter_.next(load, now)) {
    const auto body = encode(report);
    for (const auto& [node, known] : contacts_)
      tell(node, envelope_kind::status, body);
  }
}

void control_plane::load_moved() {
  if (agent_ == nullptr)
    return;
  const auto now = clock::now();
  next_status_ = std::min(next_status_, paced_until_ - options_.status_pause * (options_.status_burst - 1));
  if (now >= next_status_)
    tell_load(now);
}

void control_plane::dial(const cluster::peer_address& peer) {
  auto& trying = attempts_[peer.node];
  trying = {};
  trying.number = ++last_attempt_;
  const auto node = peer.node;
  trying.socket = std::make_unique<dialer>(loop_, [this, node, number = trying.number](expected<int> descriptor) {
    on_dialed(node, number, std::move(descriptor));
  });
  trying.socket->start(peer.control, options_.listen, clock::now() + options_.dial_timeout);
}

void control_plane::on_dialed(const uuid& node, std::uint64_t number, expected<int> descriptor) {
  if (!descriptor)
    return give_up(node, descriptor.error());
  auto& trying = attempts_[node];
  trying.deadline = clock::now() + options_.meet_timeout;
  trying.ends = std::make_shared<connection_switch>();
  hand_over(node, number, trying.ends, *descriptor);
}

void control_plane::hand_over(const uuid& node, std::uint64_t number, std::shared_ptr<connection_switch> ends,
                              int descriptor) {
  // The middleman's thread makes what CAF reads with, since TLS reads files; then the agent hands it to the broker.
  system_.middleman().backend().post([this, node, number, ends = std::move(ends), descriptor, &system = system_,
                                      &loop = loop_, kind = transport_of(options_), limits = options_.sockets,
                                      alive = std::weak_ptr{alive_}] {
    auto made = make_scribe(system, descriptor, kind, connection_side::dialed, limits, ends);
    loop.post([this, node, number, made = std::move(made), alive]() mutable {
      if (alive.expired())
        return;
      const auto found = attempts_.find(node);
      if (found == attempts_.end() || found->second.number != number)
        return;
      if (!made)
        return give_up(node, made.error());
      const auto* peer = table_.find(node);
      agent_->meet(node, broker_, std::move(*made), peer != nullptr ? peer->control.port : std::uint16_t{0});
    });
  });
}

void control_plane::give_up(const uuid& node, const error& why) {
  const auto found = attempts_.find(node);
  if (found == attempts_.end())
    return;
  cut(found->second.ends);
  attempts_.erase(found);
  table_.failed(node, clock::now(), fast_random());
  // Of a node that has just joined, others may not have heard.
  const bool passes = why.code == errc::io || why.code == errc::not_ready;
  log_event(passes ? log_level::debug : log_level::warning, "peer_not_reached",
            {{"node", to_string(node)}, {"reason", why.what}});
  if (why.code != errc::io && around_.refused)
    around_.refused(why);
}

void control_plane::cut(const std::shared_ptr<connection_switch>& ends) {
  if (ends != nullptr)
    system_.middleman().backend().post([ends] { ends->cut(); });
}

expected<void> control_plane::admit(const introduction& who, const uuid& incarnation) {
  switch (table_.admit(who.node, incarnation)) {
    case cluster::peer_table::admission::admitted: return {};
    case cluster::peer_table::admission::unknown_node:
      return fail(errc::not_ready, "node " + to_string(who.node) + " is not among the peers (yet)");
    case cluster::peer_table::admission::other_incarnation:
      return fail(errc::conflict, "node " + to_string(who.node) + " is known as another incarnation");
  }
  return fail(errc::bug, "an admission that nobody knows");
}

void control_plane::on_open(const uuid& node, const uuid& incarnation) {
  contact fresh{incarnation, nullptr};
  if (const auto found = attempts_.find(node); found != attempts_.end()) {
    fresh.ends = std::move(found->second.ends);
    attempts_.erase(found);
  }
  contacts_[node] = std::move(fresh);
  table_.connected(node, incarnation);
  status_.join(node, incarnation);
  log_event(log_level::info, "peer_connected", {{"node", to_string(node)}, {"incarnation", to_string(incarnation)}});
  for (const auto& report : reporter_.whole())
    tell(node, envelope_kind::status, encode(report));
  if (around_.peer_connected)
    around_.peer_connected(node);
}

void control_plane::on_closed(const uuid& node, const error& why) {
  const auto found = contacts_.find(node);
  if (found == contacts_.end())
    return;
  cut(found->second.ends);
  table_.failed(node, clock::now(), fast_random());
  lose(node, why, {errc::unknown_outcome, "the contact was lost before the answer came"});
}

void control_plane::lose(const uuid& node, const error& why, const error& for_requests) {
  contacts_.erase(node);
  log_event(log_level::info, "peer_lost", {{"node", to_string(node)}, {"reason", why.what}});
  requests_.fail_all(node, for_requests);
  if (around_.peer_lost)
    around_.peer_lost(node);
}

void control_plane::on_not_opened(const uuid& node, const error& why) {
  give_up(node, why);
}

void control_plane::on_stranger(const error& why) {
  ++strangers_;
  if (around_.refused)
    around_.refused(why);
  if (loop_.now() < next_stranger_log_)
    return;  // whoever reaches the port could fill the log
  next_stranger_log_ = loop_.now() + stranger_log_interval;
  log_event(log_level::warning, "stranger_refused", {{"reason", why.what}, {"count", strangers_}});
}

}  // namespace troupe::actors
