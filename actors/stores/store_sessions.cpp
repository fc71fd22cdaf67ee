#include "actors/stores/store_sessions.hpp"

#include <algorithm>
#include <utility>

#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// Two nodes that dial each other at once have both connections within that time. Later a newcomer means that the other
/// node has lost the old one.
constexpr seconds race_time{1};
constexpr milliseconds broken_pause{500};

std::vector<endpoint> parsed(const std::vector<std::string>& addresses) {
  std::vector<endpoint> found;
  for (const auto& text : addresses)
    if (auto where = parse_endpoint(text))
      found.push_back(std::move(*where));
  return found;
}

}  // namespace

void store_links::sessions::begin(store_network_user& user) {
  user_ = &user;
  loop_.add_tick(*this);
  // The store's thread may have been faster than its maker.
  if (const auto asked = std::exchange(asked_early_, std::nullopt))
    want(asked->first, asked->second);
}

void store_links::sessions::end() {
  if (user_ == nullptr)
    return;
  user_ = nullptr;
  loop_.remove_tick(*this);
  for (auto& [id, node] : nodes_) {
    if (node.own)
      node.own->close();
    if (node.theirs)
      node.theirs->close();
  }
  nodes_.clear();
  for (auto& each : seeds_)
    if (each.dial)
      each.dial->close();
  seeds_.clear();
  probes_.clear();
}

void store_links::sessions::want(const std::vector<cluster::wanted_link>& nodes,
                                 const std::vector<std::string>& seeds) {
  if (user_ == nullptr) {
    asked_early_.emplace(nodes, seeds);
    return;
  }
  std::map<cluster::node_id, bool> wanted_before;
  for (auto& [id, node] : nodes_)
    wanted_before[id] = std::exchange(node.wanted, false);
  for (const auto& each : nodes) {
    auto& node = nodes_[each.node];
    node.wanted = true;
    auto addresses = parsed(each.addresses);
    if (addresses != node.addresses && node.own && node.active != node.own.get()) {
      node.own->close();
      node.own.reset();
    }
    node.addresses = std::move(addresses);
  }
  for (auto& [id, node] : nodes_) {
    if (node.active != nullptr && node.wanted != wanted_before[id])
      node.active->say_wanted(node.wanted);
    review(id, node, loop_.now());
  }
  const auto places = parsed(seeds);
  std::erase_if(seeds_, [&](const seed& each) {
    const bool gone = std::find(places.begin(), places.end(), each.where) == places.end();
    if (gone && each.dial)
      each.dial->close();
    return gone;
  });
  if (seeds_.empty())
    said_waiting_at_ = loop_.now();
  for (const auto& where : places)
    if (std::none_of(seeds_.begin(), seeds_.end(), [&](const seed& each) { return each.where == where; }))
      seeds_.push_back({where, nullptr, {}, false, {}});
  review_seeds(loop_.now());
}

void store_links::sessions::send(const cluster::node_id& to, std::uint64_t session, std::string_view message) {
  const auto found = nodes_.find(to);
  if (found != nodes_.end() && found->second.active != nullptr && found->second.session == session)
    found->second.active->send(message);
}

void store_links::sessions::adopt(accepted_link link) {
  if (user_ == nullptr || link.peer.node == config_.self)
    return;
  const auto accepted =
      std::count_if(nodes_.begin(), nodes_.end(), [](const auto& each) { return each.second.theirs; });
  if (static_cast<std::size_t>(accepted) >= config_.max_accepted)
    return log_event(
        log_level::warning, "store_link_refused",
        {{"peer", link.peer.node_name}, {"reason", "this node has all the links for its store that it may"}});
  std::make_shared<accepted_connection>(loop_, static_cast<store_connection_user&>(*this), std::move(link),
                                        config_.limits)
      ->begin();
}

void store_links::sessions::on_connection_open(store_connection& connection) {
  const auto id = connection.peer().node;
  const auto kept = connection.shared_from_this();
  auto& node = nodes_[id];
  take_from_seed(connection);
  if (keeps(id, node, connection)) {
    connection.close();
    if (node.own == kept)
      node.own.reset();
    return;
  }
  end_session(id, node);
  adopt_into(node, connection);
  node.active = &connection;
  node.session = ++next_session_;
  node.used_at = loop_.now();
  node.said.clear();
  user_->link_up(id, node.session);
  connection.say_wanted(node.wanted);
}

/// A seed has told who it is.
void store_links::sessions::take_from_seed(store_connection& connection) {
  for (auto& each : seeds_)
    if (each.dial.get() == &connection) {
      each.dial.reset();
      each.said.clear();
      each.node = connection.peer().node;
      nodes_[each.node].from_seed = true;
    }
}

/// Whether the present session stays, and not the newcomer.
bool store_links::sessions::keeps(const cluster::node_id& id, const known_node& node,
                                  const store_connection& newcomer) const {
  const auto* present = node.active;
  if (present == nullptr || present->peer().incarnation != newcomer.peer().incarnation ||
      present->dialed() == newcomer.dialed() || loop_.now() - present->opened_at() > race_time)
    return false;
  return present->dialed() == (config_.self < id);
}

void store_links::sessions::adopt_into(known_node& node, store_connection& connection) {
  const auto kept = connection.shared_from_this();
  if (node.theirs && node.theirs != kept) {
    node.theirs->close();
    node.theirs.reset();
  }
  const bool may_still_win =
      !connection.dialed() && node.own && node.own->dialing() && config_.self < connection.peer().node;
  if (node.own && node.own != kept && !may_still_win) {
    node.own->close();
    node.own.reset();
  }
  if (connection.dialed())
    node.own = std::static_pointer_cast<dialed_connection>(kept);
  else
    node.theirs = std::static_pointer_cast<accepted_connection>(kept);
}

void store_links::sessions::end_session(const cluster::node_id& id, known_node& node) {
  if (std::exchange(node.active, nullptr) == nullptr)
    return;
  node.wanted_there = false;
  user_->link_down(id, node.session);
}

void store_links::sessions::on_connection_end(store_connection& connection, comes_back again, std::string_view why) {
  for (auto& each : seeds_) {
    if (each.dial.get() != &connection)
      continue;
    if (!each.self && each.said != why)
      log_event(log_level::warning, "seed_not_reached", {{"seed", to_string(each.where)}, {"reason", each.said = why}});
    if (again == comes_back::no)
      each.dial.reset();
  }
  for (auto& [id, node] : nodes_) {
    if (node.own.get() != &connection && node.theirs.get() != &connection)
      continue;
    if (node.active == &connection)
      end_session(id, node);
    else if (node.active == nullptr && node.said != why) {
      log_event(log_level::info, "store_link_failed", {{"node", to_string(id)}, {"reason", node.said = why}});
      user_->link_failed(id, node.said);
    }
    if (node.theirs.get() == &connection)
      node.theirs.reset();
    if (node.own.get() == &connection && again == comes_back::no) {
      node.own.reset();
      node.retry_at = loop_.now() + broken_pause;
    } else if (node.own.get() == &connection && node.active != nullptr) {
      node.own->close();
      node.own.reset();
    }
    return review(id, node, loop_.now());
  }
}

bool store_links::sessions::on_connection_message(store_connection& connection, std::string_view message) {
  const auto& id = connection.peer().node;
  const auto& node = nodes_[id];
  // What comes on a connection that is not used belongs to a session that the other side is about to end.
  return node.active != &connection || user_->received(id, node.session, message);
}

void store_links::sessions::on_connection_wanted(store_connection& connection, bool wanted) {
  auto& node = nodes_[connection.peer().node];
  if (node.active == &connection)
    node.wanted_there = wanted;
}

void store_links::sessions::review(const cluster::node_id& id, known_node& node, time_point now) {
  if (node.wanted || node.wanted_there || (node.from_seed && !seeds_.empty()))
    node.used_at = now;
  const bool idle = now - node.used_at > config_.idle_timeout;
  if (node.own && (node.active == node.own.get() ? idle : !node.wanted)) {
    end_session(id, node);
    node.own->close();
    node.own.reset();
  }
  if (node.wanted && node.active == nullptr && !node.own && !node.addresses.empty() && now >= node.retry_at) {
    node.own = dial(node.addresses, id);
    const auto begun = node.own;  // which may end at once
    begun->begin();
  }
}

void store_links::sessions::review_seeds(time_point now) {
  for (auto& each : seeds_) {
    const auto known = nodes_.find(each.node);
    if (each.self || each.dial || (known != nodes_.end() && (known->second.active != nullptr || known->second.own)))
      continue;
    each.dial = dial({each.where}, {});
    const auto begun = each.dial;
    begun->begin();
  }
  const bool alone = std::none_of(nodes_.begin(), nodes_.end(), [](const auto& each) { return each.second.active; });
  if (seeds_.empty() || !alone || now - said_waiting_at_ < seconds{10})
    return;
  said_waiting_at_ = now;
  std::string waited_for;
  for (const auto& each : seeds_)
    waited_for += (waited_for.empty() ? "" : ", ") + to_string(each.where);
  log_event(log_level::warning, "waiting_for_seed", {{"seeds", waited_for}});
}

void store_links::sessions::on_tick(time_point now) {
  for (auto& [id, node] : nodes_)
    review(id, node, now);
  std::erase_if(nodes_, [](const auto& each) {
    return !each.second.wanted && each.second.active == nullptr && !each.second.own && !each.second.theirs;
  });
  review_seeds(now);
  review_probes(now);
}

}  // namespace troupe::actors
