#include "cluster/primary.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace troupe::cluster {

namespace {

commit_result answer_of(cursor at, row_kind kind) {
  if (kind == row_kind::voided)
    return voided{};
  return committed{at};
}

}  // namespace

commit_result primary::decide(const commit_request& request, milliseconds now) {
  forget_ids(now);
  if (const auto* first = find_id(request.id))
    return answer_of(first->at, first->kind);
  if (auto good = check(request); !good)
    return refused{std::move(good.error())};
  if (auto full = no_room())
    return std::move(*full);
  if (!std::all_of(request.guards.begin(), request.guards.end(), [&](const guard& each) { return holds(each); }))
    return standing_at(request.guards);

  applied commit;
  commit.cursor.value = staged_tip().value + 1;
  for (const auto& change : request.writes) {
    if (!change.erase)
      commit.puts.push_back({change.key, change.value, commit.cursor.value});
    else if (find_record(change.key) != nullptr)
      commit.erased.push_back(change.key);
  }
  const auto at = commit.cursor;
  stage(std::move(commit), request.id, row_kind::commit, now);
  return committed{at};
}

commit_result primary::settle(const commit_id& id, milliseconds now) {
  forget_ids(now);
  if (const auto* first = find_id(id))
    return answer_of(first->at, first->kind);
  if (auto good = check({{}, {}, id}); !good)
    return refused{std::move(good.error())};
  if (auto full = no_room())
    return std::move(*full);
  applied nothing;
  nothing.cursor.value = staged_tip().value + 1;
  stage(std::move(nothing), id, row_kind::voided, now);
  return voided{};
}

std::optional<refused> primary::no_room() const {
  if (ids_.size() + staged_ids_.size() < limits_.max_ids)
    return std::nullopt;
  return refused{{errc::full, "the ids of " + std::to_string(limits_.max_ids) +
                                  " commits are kept already: commits are allowed again when the oldest expire"}};
}

void primary::stage(applied commit, const commit_id& id, row_kind kind, milliseconds now) {
  history_row row;
  row.body = encode_body(commit);
  row.head.at = commit.cursor;
  row.head.id = id;
  row.head.kind = kind;
  row.head.time = std::max(now, staged_rows_.empty() ? time_ : staged_rows_.back().head.time);
  row.head.body = sha256(row.body);
  row.head.hash = chain_hash(staged_rows_.empty() ? hash_ : staged_rows_.back().head.hash, row.head);
  staged_ids_.emplace(id, known_id{row.head.at, kind, row.head.time});
  staged_rows_.push_back(std::move(row));
  for (auto& put : commit.puts) {
    auto key = put.key;
    staged_records_.insert_or_assign(std::move(key), std::move(put));
  }
  for (auto& key : commit.erased)
    staged_records_.insert_or_assign(std::move(key), std::nullopt);
}

std::optional<commit_result> primary::known(const commit_id& id) const {
  const auto found = ids_.find(id);
  if (found == ids_.end())
    return std::nullopt;
  return answer_of(found->second.at, found->second.kind);
}

staged_changes primary::staged() const {
  staged_changes changes;
  changes.rows = staged_rows_;
  for (const auto& [key, value] : staged_records_) {
    if (value)
      changes.puts.push_back(&*value);
    else
      changes.erased.push_back(key);
  }
  changes.bodies_were_from = bodies_from();
  changes.bodies_from = next_bodies_from();
  changes.heads_from = next_heads_from(changes.bodies_from);
  return changes;
}

void primary::made_durable() {
  const auto from = next_bodies_from();
  for (auto& row : staged_rows_) {
    remember(row.head);
    log_bytes_ += row.body.size();
    log_.push_back({row.head.at, std::move(row.body)});
  }
  for (; !log_.empty() && log_.front().at < from; log_.pop_front())
    log_bytes_ -= log_.front().body.size();
  for (auto& [key, value] : staged_records_) {
    if (value)
      records_.insert_or_assign(key, std::move(*value));
    else
      records_.erase(key);
  }
  drop_staged();
}

void primary::drop_staged() {
  staged_rows_.clear();
  staged_records_.clear();
  staged_ids_.clear();
}

loaded primary::load() const {
  loaded all;
  all.cursor = tip_;
  all.records.reserve(records_.size());
  for (const auto& [key, value] : records_)
    all.records.push_back(value);
  return all;
}

follow_result primary::follow(cursor from) const {
  // A follower ahead of the tip has a copy of another history; loading again is right for it too.
  const auto oldest = bodies_from().value;
  if (from > tip_ || from.value + 1 < oldest)
    return gap{};
  batch found;
  std::size_t bytes = 0;
  for (auto i = static_cast<std::size_t>(from.value + 1 - oldest); i < log_.size(); ++i) {
    if (found.commits.size() >= limits_.batch_commits || bytes > limits_.batch_bytes)
      break;
    auto commit = decode_body(log_[i].at, log_[i].body);
    if (!commit)
      return refused{std::move(commit.error())};
    bytes += log_[i].body.size();
    found.commits.push_back(std::move(*commit));
  }
  return found;
}

const primary::known_id* primary::find_id(const commit_id& id) const {
  if (const auto found = staged_ids_.find(id); found != staged_ids_.end())
    return &found->second;
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : &found->second;
}

const record* primary::find_record(const std::string& key) const {
  if (const auto found = staged_records_.find(key); found != staged_records_.end())
    return found->second ? &*found->second : nullptr;
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

bool primary::holds(const guard& condition) const {
  const auto* standing = find_record(condition.key);
  return condition.revision == (standing == nullptr ? 0 : standing->revision);
}

conflicted primary::standing_at(const std::vector<guard>& guards) const {
  std::set<std::string_view> keys;
  conflicted answer;
  for (const auto& each : guards)
    if (const auto* standing = find_record(each.key); standing != nullptr && keys.insert(each.key).second)
      answer.records.push_back(*standing);
  return answer;
}

void primary::forget_ids(milliseconds now) {
  for (; !ids_by_age_.empty(); ids_by_age_.pop_front()) {
    const auto oldest = ids_.find(ids_by_age_.front().second);
    if (oldest->second.time + limits_.id_lifetime >= now)
      return;
    ids_.erase(oldest);
  }
}

void primary::remember(const row_head& head) {
  tip_ = head.at;
  hash_ = head.hash;
  time_ = head.time;
  ids_.emplace(head.id, known_id{head.at, head.kind, head.time});
  ids_by_age_.emplace_back(head.at, head.id);
}

cursor primary::staged_tip() const noexcept {
  return staged_rows_.empty() ? tip_ : staged_rows_.back().head.at;
}

cursor primary::bodies_from() const noexcept {
  return log_.empty() ? cursor{tip_.value + 1} : log_.front().at;
}

cursor primary::next_bodies_from() const {
  auto count = log_.size() + staged_rows_.size();
  auto bytes = log_bytes_;
  for (const auto& row : staged_rows_)
    bytes += row.body.size();
  auto from = bodies_from();
  for (std::size_t i = 0; count > 1 && (count > limits_.log_commits || bytes > limits_.log_bytes); ++i, --count) {
    bytes -= i < log_.size() ? log_[i].body.size() : staged_rows_[i - log_.size()].body.size();
    ++from.value;
  }
  return from;
}

cursor primary::next_heads_from(cursor kept_bodies) const {
  auto from = kept_bodies;
  const auto tip = staged_tip().value;
  from.value = std::min(from.value, tip >= limits_.history_rows ? tip + 1 - limits_.history_rows : 1);
  if (!ids_by_age_.empty())
    from = std::min(from, ids_by_age_.front().first);
  return from;
}

}  // namespace troupe::cluster
