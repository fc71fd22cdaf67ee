#include "cluster/claims.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe::cluster {

namespace {

constexpr milliseconds min_ttl{1'000};
constexpr milliseconds max_ttl{300'000};

store_answer refuse(errc code, std::string what) {
  return refused{{code, std::move(what)}};
}

std::string first_address(const node_record& node) {
  return node.addresses.empty() ? "no known address" : node.addresses.front();
}

}  // namespace

std::optional<session_record> claims::session(const session_id& id) const {
  const auto* stored = store_.standing(session_key(id));
  if (stored == nullptr)
    return std::nullopt;
  auto found = decode_session(*stored);
  return found ? std::optional{std::move(*found)} : std::nullopt;
}

std::optional<session_record> claims::session_of(const node_id& node) const {
  const auto* stored = store_.standing(live_key(node));
  if (stored == nullptr)
    return std::nullopt;
  auto found = decode_session(*stored);
  return found ? std::optional{std::move(*found)} : std::nullopt;
}

store_answer claims::open(const open_session_call& call) {
  if (call.session == session_id{} || call.ttl < min_ttl || call.ttl > max_ttl)
    return refuse(errc::bad_usage, "a session needs an id and 1 s to 5 min to live");
  if (const auto open = session(call.session))
    return session_granted{open->ttl, store_.barrier()};
  if (store_.standing(node_key(call.node)) == nullptr)
    return refuse(errc::refused, "node " + to_string(call.node) + " is not registered");
  commit_request request{{}, {}, call.session};
  if (const auto older = session_of(call.node)) {
    request.writes = store_.unbind(older->session);
    request.writes.push_back({session_key(older->session), {}, true});
  }
  const auto live = live_key(call.node);
  std::erase_if(request.writes, [&](const write& each) { return each.key == live; });
  const auto value = encode(session_record{call.session, call.node, call.incarnation, call.address, call.ttl});
  request.writes.push_back({session_key(call.session), value, false});
  request.writes.push_back({live, value, false, call.session});
  const auto* largest = store_.standing(max_ttl_key);
  if (largest == nullptr || decode_span(*largest).value_or(milliseconds{0}) < call.ttl)
    request.writes.push_back({max_ttl_key, encode_span(call.ttl), false});
  auto result = store_.apply(request, now_);
  if (const auto* done = std::get_if<committed>(&result)) {
    // The same call again, after its session has ended.
    if (!session(call.session))
      return no_session{session_end::expired};
    return session_granted{call.ttl, done->cursor};
  }
  return widen(std::move(result));
}

void claims::end(const session_id& ended) {
  if (store_.standing(session_key(ended)) == nullptr)
    return;
  commit_request request{{}, store_.unbind(ended), store_.own_id()};
  request.writes.push_back({session_key(ended), {}, true});
  store_.apply(request, now_);
}

no_session claims::ended(const renew_call& call) const {
  const auto newer = session_of(call.node);
  if (newer && newer->incarnation != call.incarnation)
    return {session_end::superseded};
  return {newer ? session_end::expired : session_end::unknown};
}

std::optional<owner_record> claims::owner_of(const std::string& resource, std::uint64_t& epoch) const {
  const auto* stored = store_.standing(owner_key(resource));
  if (stored == nullptr)
    return std::nullopt;
  epoch = epoch_of(store_.generation(), stored->revision);
  auto owner = decode_owner(*stored);
  return owner ? std::optional{*owner} : std::nullopt;
}

store_answer claims::held_by(const std::string& resource) const {
  held answer;
  if (const auto owner = owner_of(resource, answer.epoch))
    answer.owner = owner->node;
  return answer;
}

store_answer claims::hand(const std::string& resource, const session_id& to, const node_id& node,
                          const std::vector<guard>& guards, const std::vector<write>& writes, const commit_id& id) {
  commit_request request{guards, writes, id};
  if (auto good = check(request); !good)
    return refused{std::move(good.error())};
  for (const auto& each : writes)
    if (is_own_record(each.key))
      return refuse(errc::bad_usage, "record '" + each.key + "' is written by the store itself only");
  request.writes.push_back({owner_key(resource), encode(owner_record{to, node}), false, to});
  auto result = store_.apply(request, now_);
  if (const auto* done = std::get_if<committed>(&result))
    return owned{epoch_of(store_.generation(), done->cursor.value)};
  return widen(std::move(result));
}

store_answer claims::claim(const claim_call& call) {
  if (call.resource.empty())
    return refuse(errc::bad_usage, "a claim needs a resource");
  const auto claimer = session(call.session);
  if (!claimer)
    return no_session{};
  std::uint64_t epoch = 0;
  if (const auto owner = owner_of(call.resource, epoch)) {
    if (owner->session == call.session)
      return owned{epoch};
    return held{owner->node, epoch};
  }
  // An id that is known already was a claim whose ownership has ended since, or is void.
  if (auto first = store_.first_answer(call.id, now_); first && std::holds_alternative<committed>(*first))
    return held{};
  return hand(call.resource, call.session, claimer->node, call.guards, call.writes, call.id);
}

store_answer claims::transfer(const transfer_call& call) {
  std::uint64_t epoch = 0;
  const auto owner = owner_of(call.resource, epoch);
  if (auto first = store_.first_answer(call.id, now_)) {
    if (const auto* done = std::get_if<committed>(&*first)) {
      const auto handed = epoch_of(store_.generation(), done->cursor.value);
      return owner && epoch == handed ? store_answer{owned{handed}} : held_by(call.resource);
    }
    return widen(std::move(*first));
  }
  if (!owner || epoch != call.epoch)
    return held_by(call.resource);
  const auto target = session(call.to);
  if (!target)
    return no_session{};
  return hand(call.resource, call.to, target->node, call.guards, call.writes, call.id);
}

store_answer claims::release(const release_call& call) {
  if (auto first = store_.first_answer(call.id, now_))
    return widen(std::move(*first));
  std::uint64_t epoch = 0;
  if (!owner_of(call.resource, epoch) || epoch != call.epoch)
    return held_by(call.resource);
  return widen(store_.apply({{}, {{owner_key(call.resource), {}, true}}, call.id}, now_));
}

/// A live holder keeps its name; one that is gone may be removed, so that the newcomer is let in.
store_answer claims::name_taken(const node_record& holder, const node_record& newcomer) const {
  const auto place = first_address(newcomer);
  if (session_of(holder.id))
    return refuse(errc::conflict, "the name " + holder.name + " belongs to the live node at " + first_address(holder) +
                                      ": the one at " + place + " needs another (--name)");
  return refuse(errc::refused, "the name " + holder.name + " belongs to the node at " + first_address(holder) +
                                   ", which is gone; the one at " + place +
                                   " needs another (--name), or `troupe nodes remove " + holder.name + "` first");
}

store_answer claims::register_node(const register_call& call) {
  if (call.node.id == node_id{} || call.node.name.empty())
    return refuse(errc::bad_usage, "a node needs an id and a name");
  const auto key = node_key(call.node.id);
  for (const auto* stored : store_.all_standing("node/")) {
    const auto other = decode_node(*stored);
    if (!other)
      continue;
    if (other->id != call.node.id && other->name == call.node.name)
      return name_taken(*other, call.node);
    if (other->id == call.node.id && same_registration(*other, call.node))
      return committed{{stored->revision}};
  }
  // A process with a copy of its data directory must not turn others away from the one that lives. One that has moved
  // is let in once its own session has replaced the old one.
  if (const auto live = session_of(call.node.id); live && live->address != first_address(call.node))
    return refuse(errc::unavailable, "node " + call.node.name + " is live at " + live->address);
  auto node = call.node;
  if (const auto* stored = store_.standing(key); stored != nullptr)
    if (auto before = decode_node(*stored)) {
      node.unknown = std::move(before->unknown);
      node.schema = before->schema;
    }
  return widen(store_.apply({{}, {{key, encode(node), false}}, call.id}, now_));
}

store_answer claims::remove_node(const remove_node_call& call) {
  const auto* stored = store_.standing(node_key(call.node));
  if (stored == nullptr) {
    if (auto first = store_.first_answer(call.id, now_))
      return widen(std::move(*first));
    return refuse(errc::refused, "node " + to_string(call.node) + " is not registered");
  }
  const auto node = decode_node(*stored);
  const auto name = node ? node->name : to_string(call.node);
  if (session_of(call.node))
    return refuse(errc::refused, "node " + name + " is live; stop it first");
  const auto* primary = store_.standing(primary_key);
  if (primary != nullptr && decode_primary(*primary).value_or(node_id{}) == call.node)
    return refuse(errc::refused, "node " + name + " is the store's primary; `troupe store move` first");
  return widen(store_.apply({{}, {{node_key(call.node), {}, true}}, call.id}, now_));
}

}  // namespace troupe::cluster
