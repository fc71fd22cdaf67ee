// What a history checks before it goes on where an earlier one stopped.
#include "cluster/history.hpp"

namespace troupe::cluster {

namespace {

tl::unexpected<error> broken(cursor at, std::string_view what) {
  return fail(errc::corrupt, "commit " + std::to_string(at.value) + " of the history " + std::string{what});
}

}  // namespace

expected<history> history::make(primary_state state, primary_limits limits) {
  history made{limits};
  if (auto good = made.take_heads(state); !good)
    return tl::unexpected{std::move(good.error())};
  if (auto good = made.take_bodies(state); !good)
    return tl::unexpected{std::move(good.error())};
  if (auto good = made.take_records(state); !good)
    return tl::unexpected{std::move(good.error())};
  return made;
}

expected<void> history::take_heads(const primary_state& state) {
  for (const auto& head : state.heads) {
    const bool oldest = &head == &state.heads.front();
    if (oldest ? head.at.value == 0 : head.at.value != tip_.value + 1)
      return broken(head.at, "does not follow commit " + std::to_string(tip_.value));
    if (head.kind != row_kind::commit && head.kind != row_kind::voided)
      return broken(head.at, "is of an unknown kind");
    // The hash before the oldest row is known only when that row began the history.
    if ((!oldest || head.at.value == 1) && chain_hash(hash_, head) != head.hash)
      return broken(head.at, "does not have the hash that it was written with");
    forget_ids(head.time);
    if (ids_.contains(head.id))
      return broken(head.at, "has the id of an earlier commit");
    remember(head);
  }
  return {};
}

expected<void> history::take_bodies(primary_state& state) {
  if (state.bodies.size() > state.heads.size() || (state.bodies.empty() && !state.heads.empty()))
    return broken(tip_, "has no body");
  auto head = state.heads.end() - static_cast<std::ptrdiff_t>(state.bodies.size());
  for (auto& [at, body] : state.bodies) {
    if (at != head->at)
      return broken(at, "is out of place");
    if (sha256(body) != head->body || !decode_body(at, body))
      return broken(at, "does not have the body that it was written with");
    log_bytes_ += body.size();
    log_.push_back({at, std::move(body)});
    ++head;
  }
  return {};
}

expected<void> history::take_records(primary_state& state) {
  for (auto& each : state.records) {
    if (each.revision == 0 || each.revision > tip_.value)
      return fail(errc::corrupt, "record '" + each.key + "' is of commit " + std::to_string(each.revision) +
                                     ", the history ends at " + std::to_string(tip_.value));
    auto key = each.key;
    if (!records_.emplace(std::move(key), std::move(each)).second)
      return fail(errc::corrupt, "a record is there twice");
  }
  return {};
}

}  // namespace troupe::cluster
