#include "cluster/primary.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

namespace troupe::cluster {

namespace {

constexpr std::string_view bound_prefix = "bound/";

std::string bound_key(std::string_view key) {
  return std::string{bound_prefix}.append(key);
}

std::string_view bytes_of(const session_id& session) {
  return {reinterpret_cast<const char*>(session.bytes.data()), session.bytes.size()};
}

std::string guarded_key(const guard& condition) {
  return condition.epoch == 0 ? condition.key : owner_key(condition.key);
}

}  // namespace

std::string session_key(const session_id& session) {
  return "session/" + to_string(session);
}

std::string owner_key(std::string_view resource) {
  return std::string{"owner/"}.append(resource);
}

bool is_own_record(std::string_view key) {
  constexpr std::array<std::string_view, 6> prefixes{"session/", bound_prefix, "owner/", "live/", "node/", "meta/"};
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto each) { return key.starts_with(each); });
}

expected<primary> primary::make(primary_state state, primary_limits limits, std::uint64_t generation) {
  return history::make(std::move(state), limits).map([&](history&& base) {
    return primary{std::move(base), generation};
  });
}

commit_result primary::decide(const commit_request& request, milliseconds now) {
  if (auto first = first_answer(request.id, now))
    return std::move(*first);
  if (auto good = check(request); !good)
    return refused{std::move(good.error())};
  for (const auto& change : request.writes)
    if (is_own_record(change.key))
      return refused{{errc::bad_usage, "record '" + change.key + "' is written by the store itself only"}};
  return apply(request, now);
}

commit_result primary::apply(const commit_request& request, milliseconds now) {
  if (auto first = first_answer(request.id, now))
    return std::move(*first);
  if (auto full = no_room())
    return std::move(*full);
  if (!std::all_of(request.guards.begin(), request.guards.end(), [&](const guard& each) { return holds(each); }))
    return standing_at(request.guards);
  const auto opens = [&](const session_id& session) {
    const auto key = session_key(session);
    return std::any_of(request.writes.begin(), request.writes.end(),
                       [&](const write& each) { return each.key == key && !each.erase; });
  };
  applied commit;
  commit.cursor.value = staged_tip().value + 1;
  for (const auto& change : request.writes) {
    if (change.bound != session_id{} && standing(session_key(change.bound)) == nullptr && !opens(change.bound))
      return refused{{errc::refused, "record '" + change.key + "' is bound to a session that has ended"}};
    put(change, commit);
  }
  const auto at = commit.cursor;
  stage(std::move(commit), request.id, row_kind::commit, now);
  return committed{at};
}

/// Adds one write and what becomes of its bond.
void primary::put(const write& change, applied& commit) const {
  auto bond = bound_key(change.key);
  const bool is_bound = standing(bond) != nullptr;
  if (change.erase) {
    if (standing(change.key) != nullptr)
      commit.erased.push_back(change.key);
  } else {
    commit.puts.push_back({change.key, change.value, commit.cursor.value});
    if (change.bound != session_id{}) {
      commit.puts.push_back({std::move(bond), std::string{bytes_of(change.bound)}, commit.cursor.value});
      return;
    }
  }
  if (is_bound)
    commit.erased.push_back(std::move(bond));
}

std::vector<write> primary::unbind(const session_id& session) const {
  std::vector<write> erasures;
  for (const auto* bond : all_standing(bound_prefix))
    if (bond->value == bytes_of(session))
      erasures.push_back({bond->key.substr(bound_prefix.size()), {}, true});
  return erasures;
}

commit_result primary::settle(const commit_id& id, milliseconds now) {
  if (auto first = first_answer(id, now))
    return std::move(*first);
  if (auto good = check({{}, {}, id}); !good)
    return refused{std::move(good.error())};
  if (auto full = no_room())
    return std::move(*full);
  applied nothing;
  nothing.cursor.value = staged_tip().value + 1;
  stage(std::move(nothing), id, row_kind::voided, now);
  return voided{};
}

std::optional<commit_result> primary::first_answer(const commit_id& id, milliseconds now) {
  forget_ids(now);
  if (const auto* first = find_id(id))
    return answer_of(first->at, first->kind);
  return std::nullopt;
}

commit_id primary::own_id() const {
  std::string bytes{"own commit"};
  const auto& before = staged_hash();
  bytes.append(reinterpret_cast<const char*>(before.bytes.data()), before.bytes.size());
  const auto sum = sha256(bytes);
  commit_id id;
  std::memcpy(id.bytes.data(), sum.bytes.data(), id.bytes.size());
  return id;
}

std::optional<refused> primary::no_room() const {
  if (id_count() < limits().max_ids)
    return std::nullopt;
  return refused{{errc::full, "the ids of " + std::to_string(limits().max_ids) +
                                  " commits are kept already: commits are allowed again when the oldest expire"}};
}

bool primary::holds(const guard& condition) const {
  const auto* found = standing(guarded_key(condition));
  const auto revision = found == nullptr ? 0 : found->revision;
  if (condition.epoch != 0)
    return revision != 0 && epoch_of(generation_, revision) == condition.epoch;
  return condition.revision == revision;
}

conflicted primary::standing_at(const std::vector<guard>& guards) const {
  std::set<std::string> keys;
  conflicted answer;
  for (const auto& each : guards)
    if (const auto* found = standing(guarded_key(each)); found != nullptr && keys.insert(found->key).second)
      answer.records.push_back(*found);
  return answer;
}

}  // namespace troupe::cluster
