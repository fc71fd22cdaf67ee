#include "cluster/history.hpp"

#include <algorithm>
#include <string_view>

namespace troupe::cluster {

void history::stage(applied commit, const commit_id& id, row_kind kind, milliseconds now) {
  history_row row;
  row.body = encode_body(commit);
  row.head.at = commit.cursor;
  row.head.id = id;
  row.head.kind = kind;
  row.head.time = std::max(now, staged_rows_.empty() ? time_ : staged_rows_.back().head.time);
  row.head.body = sha256(row.body);
  row.head.hash = chain_hash(staged_hash(), row.head);
  stage_row(std::move(row), std::move(commit));
}

expected<void> history::stage(history_row row) {
  const auto& head = row.head;
  const auto at = "commit " + std::to_string(head.at.value) + " of another node ";
  if (head.at.value != staged_tip().value + 1)
    return fail(errc::conflict, at + "does not follow commit " + std::to_string(staged_tip().value));
  if (head.kind != row_kind::commit && head.kind != row_kind::voided)
    return fail(errc::corrupt, at + "is of an unknown kind");
  if (chain_hash(staged_hash(), head) != head.hash)
    return fail(errc::conflict, at + "belongs to another history");
  auto commit = decode_body(head.at, row.body);
  if (!commit || sha256(row.body) != head.body)
    return fail(errc::corrupt, at + "does not have the body that it was written with");
  forget_ids(head.time);
  if (find_id(head.id) != nullptr)
    return fail(errc::corrupt, at + "has the id of an earlier commit");
  stage_row(std::move(row), std::move(*commit));
  return {};
}

void history::stage_row(history_row row, applied commit) {
  staged_ids_.emplace(row.head.id, known_id{row.head.at, row.head.kind, row.head.time});
  staged_rows_.push_back(std::move(row));
  for (auto& put : commit.puts) {
    auto key = put.key;
    staged_records_.insert_or_assign(std::move(key), std::move(put));
  }
  for (auto& key : commit.erased)
    staged_records_.insert_or_assign(std::move(key), std::nullopt);
}

std::optional<commit_result> history::known(const commit_id& id) const {
  const auto found = ids_.find(id);
  if (found == ids_.end())
    return std::nullopt;
  return answer_of(found->second.at, found->second.kind);
}

staged_changes history::staged() const {
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

void history::made_durable() {
  const auto from = next_bodies_from();
  const auto heads_from = next_heads_from(from);
  for (auto& row : staged_rows_) {
    remember(row.head);
    log_bytes_ += row.body.size();
    log_.push_back({row.head.at, std::move(row.body)});
  }
  for (; !log_.empty() && log_.front().at < from; log_.pop_front())
    log_bytes_ -= log_.front().body.size();
  while (!heads_.empty() && heads_.front().at < heads_from)
    heads_.pop_front();
  for (auto& [key, value] : staged_records_) {
    if (value)
      records_.insert_or_assign(key, std::move(*value));
    else
      records_.erase(key);
  }
  drop_staged();
}

void history::drop_staged() {
  staged_rows_.clear();
  staged_records_.clear();
  staged_ids_.clear();
}

loaded history::load() const {
  loaded all;
  all.cursor = tip_;
  all.records.reserve(records_.size());
  for (const auto& [key, value] : records_)
    all.records.push_back(value);
  return all;
}

follow_result history::follow(cursor from) const {
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

const history::known_id* history::find_id(const commit_id& id) const {
  if (const auto found = staged_ids_.find(id); found != staged_ids_.end())
    return &found->second;
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : &found->second;
}

const record* history::standing(const std::string& key) const {
  if (const auto found = staged_records_.find(key); found != staged_records_.end())
    return found->second ? &*found->second : nullptr;
  return find(key);
}

std::vector<const record*> history::all_standing(std::string_view prefix) const {
  std::vector<const record*> found;
  for (const auto* each : find_all(prefix))
    if (!staged_records_.contains(each->key))
      found.push_back(each);
  for (auto i = staged_records_.lower_bound(std::string{prefix});
       i != staged_records_.end() && i->first.starts_with(prefix); ++i)
    if (i->second)
      found.push_back(&*i->second);
  return found;
}

void history::forget_ids(milliseconds now) {
  for (; !ids_by_age_.empty(); ids_by_age_.pop_front()) {
    const auto oldest = ids_.find(ids_by_age_.front().second);
    if (oldest->second.time + limits_.id_lifetime >= now)
      return;
    ids_.erase(oldest);
  }
}

void history::remember(const row_head& head) {
  tip_ = head.at;
  hash_ = head.hash;
  time_ = head.time;
  ids_.emplace(head.id, known_id{head.at, head.kind, head.time});
  ids_by_age_.emplace_back(head.at, head.id);
  heads_.push_back(head);
}

cursor history::staged_tip() const noexcept {
  return staged_rows_.empty() ? tip_ : staged_rows_.back().head.at;
}

const digest& history::staged_hash() const noexcept {
  return staged_rows_.empty() ? hash_ : staged_rows_.back().head.hash;
}

cursor history::bodies_from() const noexcept {
  return log_.empty() ? cursor{tip_.value + 1} : log_.front().at;
}

cursor history::next_bodies_from() const {
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

cursor history::next_heads_from(cursor kept_bodies) const {
  auto from = kept_bodies;
  const auto tip = staged_tip().value;
  from.value = std::min(from.value, tip >= limits_.history_rows ? tip + 1 - limits_.history_rows : 1);
  if (!ids_by_age_.empty())
    from = std::min(from, ids_by_age_.front().first);
  return from;
}

}  // namespace troupe::cluster
