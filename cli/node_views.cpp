// What the admin port is told of the other nodes, and how it has them removed or made the primary. On the control loop.
#include <algorithm>
#include <map>

#include "cli/node_state.hpp"

namespace troupe::cli {

namespace {

constexpr seconds change_timeout{5};

expected<cluster::cursor> settled(const cluster::store_answer& answer) {
  if (const auto* refusal = std::get_if<cluster::refused>(&answer))
    return tl::unexpected{refusal->why};
  if (const auto* committed = std::get_if<cluster::committed>(&answer))
    return committed->cursor;
  return fail(errc::conflict, "somebody else changed it meanwhile");
}

}  // namespace

std::string_view word_for(cluster::member_state state) noexcept {
  switch (state) {
    case cluster::member_state::alive: return "ready";
    case cluster::member_state::stalled: return "stalled";
    case cluster::member_state::draining: return "draining";
    case cluster::member_state::unreachable: return "suspected";
    case cluster::member_state::absent: return "gone";
  }
  return "gone";
}

http::cluster_questions node::state::cluster_questions() {
  http::cluster_questions questions;
  questions.describe_own = [this](http::node_view& own) {
    const auto point = store->point();
    own.role = point->role == cluster::store_role::primary ? "primary" : "copy";
    own.store.cursor = point->at.value;
    own.store.lag = primary_cursor() - point->at.value;
    own.store.digest = to_string(point->hash);
    own.store.backup_age_ms = backup_age_ms();
    if (cluster)
      own.cluster = to_string(cluster->address());
  };
  if (!cluster)
    return questions;
  questions.peers = [this] { return peer_views(); };
  questions.events = [this](const http::event_position& from, http::cluster_questions::journals done) {
    cluster->read_journals(from, std::move(done));
  };
  questions.logs = [this](const uuid& function, const http::event_position& from, std::size_t room,
                          http::cluster_questions::journals done) {
    cluster->read_logs(function, from, room, std::move(done));
  };
  questions.instances = [this](const uuid& function) {
    http::instance_counts elsewhere;
    for (const auto& [id, peer] : cluster->members().table().peers())
      if (const auto* load = cluster->load_of(id))
        if (const auto there = load->functions.find(function); there != load->functions.end()) {
          elsewhere.ready += there->second.ready;
          elsewhere.starting += there->second.starting;
        }
    return elsewhere;
  };
  questions.remove_node = [this](const std::string& name, http::cluster_questions::done done) {
    ask_of_node(
        name,
        [](const uuid& node) {
          return cluster::store_call{cluster::remove_node_call{node, make_uuid()}};
        },
        std::move(done));
  };
  questions.move_store = [this](const std::string& name, http::cluster_questions::done done) {
    ask_of_node(
        name,
        [](const uuid& node) {
          return cluster::store_call{cluster::move_call{node, make_uuid()}};
        },
        std::move(done));
  };
  return questions;
}

/// Of the newest commit that this node knows of.
std::uint64_t node::state::primary_cursor() const {
  const auto point = store->point();
  const auto* load = cluster ? cluster->load_of(point->primary) : nullptr;
  return std::max(point->at.value, load != nullptr ? load->numbers.figures.store_cursor : 0);
}

std::map<uuid, std::string> node::state::function_names() const {
  std::map<uuid, std::string> names;
  for (const auto& function : follower->snapshot()->functions)
    names.emplace(function.id, function.name);
  return names;
}

std::vector<http::node_view> node::state::peer_views() const {
  const auto names = function_names();
  const auto point = store->point();
  const auto health = store->health();
  std::vector<http::node_view> views;
  for (const auto& [id, peer] : cluster->members().table().peers()) {
    http::node_view view;
    view.name = peer.name;
    view.id = id;
    view.role = point->primary == id ? "primary" : "copy";
    const auto member = cluster->members().table().state_of(id);
    // A primary that this node's store is linked with is there, also while it has no session: it waits at its start for
    // those that may know more.
    const bool starts = member == cluster::member_state::absent && id == point->primary && health.authority_in_reach;
    view.state = starts ? "starting" : word_for(member);
    view.cluster = to_string(peer.address);
    if (const auto* load = cluster->load_of(id)) {
      const auto& figures = load->numbers.figures;
      const auto heard = std::chrono::duration_cast<milliseconds>(clock::now() - load->heard_at);
      const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(heard.count(), 0));
      view.age_ms = figures.age_ms + since;
      view.version = figures.version;
      view.store.cursor = figures.store_cursor;
      view.store.lag = copies_lag.of(figures.store_cursor, load->heard_at);
      view.store.digest = figures.store_digest;
      if (figures.backup_age_ms)
        view.store.backup_age_ms = *figures.backup_age_ms + since;
      view.load.in_flight = load->numbers.in_flight;
      for (const auto& [function, there] : load->functions) {
        view.load.ready += there.ready;
        if (const auto name = names.find(function); name != names.end() && there.ready > 0)
          view.functions.push_back(name->second);
      }
    }
    views.push_back(std::move(view));
  }
  return views;
}

void node::state::ask_of_node(const std::string& name, const std::function<cluster::store_call(const uuid&)>& call,
                              http::cluster_questions::done done) {
  for (const auto& record : follower->snapshot()->nodes)
    if (record.name == name) {
      store->call(call(record.id), clock::now() + change_timeout,
                  [this, done = std::move(done)](const cluster::store_answer& answer) {
                    control.front().loop->post([this, done, at = settled(answer)] {
                      if (!at)
                        return done(tl::unexpected{at.error()});
                      const auto deadline = clock::now() + change_timeout;
                      registry->when_installed(at->value, deadline, [this, done, at = *at](bool there) {
                        if (!there)
                          return done(fail(errc::unavailable, "done, but this node's own copy of the store is behind"));
                        copies->await(at, [done](const auto&) { done({}); });
                      });
                    });
                  });
      return;
    }
  control.front().loop->post(
      [done = std::move(done), name] { done(fail(errc::refused, "node '" + name + "' is not in this cluster")); });
}

}  // namespace troupe::cli
