#include "witness.hpp"

#include <algorithm>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"
#include "violation.hpp"

namespace troupe::sim {

using namespace cluster;

namespace {

std::string place(const history_model& history, std::uint64_t at) {
  return "commit " + std::to_string(at) + " of store " + to_string(history.identity().store_id).substr(0, 8);
}

}  // namespace

history_model* witness::find(const store_identity& identity) {
  const auto found = histories_.find({identity.store_id, identity.generation});
  return found == histories_.end() ? nullptr : found->second.get();
}

void witness::founded(const store_identity& identity) {
  histories_.emplace(history_key{identity.store_id, identity.generation},
                     std::make_unique<history_model>(identity, nullptr));
}

const history_model* witness::parent_of(const store_identity& identity) const {
  for (const auto& [id, each] : histories_)
    if (id.first == identity.parent_store)
      return each.get();
  broken("history_thrown_away", "a restored history does not say which one it replaces");
}

void witness::restored(const stored_store& made) {
  const auto& identity = made.identity;
  const auto* parent = parent_of(identity);
  auto& history = *histories_
                       .emplace(history_key{identity.store_id, identity.generation},
                                std::make_unique<history_model>(identity, parent))
                       .first->second;
  first_seen(history, {made.state.heads.back(), made.state.bodies.back().second}, true);
  durable(made, parent->identity());
}

/// Members come from what is replaced, all else from the backup.
void witness::restored(const stored_store& made, const backed_up_store& from) {
  const auto& identity = made.identity;
  const auto* parent = parent_of(identity);
  auto records = from.contents.records;
  std::erase_if(records, [](const record& each) { return each.key.starts_with("node/"); });
  auto& history = *histories_
                       .emplace(history_key{identity.store_id, identity.generation},
                                std::make_unique<history_model>(identity, parent, made.state.heads.front(), records))
                       .first->second;
  ++backups_restored_;
  first_seen(history, {made.state.heads.back(), made.state.bodies.back().second}, true);
  durable(made, parent->identity());
}

void witness::decides(const node_id& node, const store_identity& identity, std::uint64_t first) {
  const auto* history = find(identity);
  if (history == nullptr)
    broken("total_order", "a node commits in a history that nobody founded");
  const auto named = history->at(primary_key, first - 1);
  if (!named.value)
    return;
  const auto leader = decode_primary({primary_key, *named.value, named.revision});
  if (!leader || *leader != node)
    broken("one_primary", place(*history, first) + " is decided by " + to_string(node).substr(0, 8) +
                              ", but the history names another primary");
}

void witness::durable(const store_identity& identity, const std::vector<history_row>& rows) {
  auto* history = find(identity);
  if (history == nullptr)
    broken("total_order", "rows of a history that nobody founded");
  for (const auto& row : rows) {
    const auto at = row.head.at.value;
    if (at > history->tip() + 1)
      broken("total_order", place(*history, at) + " is on a disk, but not the one before it");
    if (at == history->tip() + 1)
      first_seen(*history, row, false);
    else if (history->head_at(at)->hash != row.head.hash)
      broken("total_order", place(*history, at) + " is another one at another node");
  }
}

void witness::durable(const stored_store& whole, const store_identity& before) {
  const auto* history = find(whole.identity);
  if (history == nullptr)
    broken("total_order", "a node loaded a history that nobody founded");
  if (const auto* old = find(before); old != nullptr && !history->shared_with(*old))
    broken("history_thrown_away", "a node gave up its history for one that did not come from it");
  for (const auto& head : whole.state.heads) {
    const auto* known = history->head_at(head.at.value);
    if (known == nullptr || known->hash != head.hash)
      broken("total_order", place(*history, head.at.value) + " was loaded, but is another one");
  }
}

void witness::first_seen(history_model& history, const history_row& row, bool made_offline) {
  const auto at = row.head.at.value;
  const auto commit = decode_body(row.head.at, row.body);
  if (!commit)
    broken("total_order", place(history, at) + " cannot be read");
  if (row_of(history, row.head.id) != nullptr)
    broken("applied_once", place(history, at) + " has an id that was there before");
  check_try(history, row, *commit);
  for (const auto& put : commit->puts)
    if (put.key.starts_with("owner/")) {
      auto& newest = owners_[put.key.substr(6)];
      const auto epoch = epoch_of(history.identity().generation.counter, at);
      if (epoch <= newest.epoch)
        broken("epochs_rise", place(history, at) + " gives " + put.key + " an epoch that is not above the last one");
      const auto given = decode_owner(put);
      newest = {epoch, given ? given->session : session_id{}, given ? given->node : node_id{}};
    }
  history.append(row.head, *commit);
  rows_[row.head.id].emplace_back(&history, at);
  ++commits_;
  check_bonds(history, *commit);
  if (made_offline)
    return;
  for (const auto& erased : commit->erased)
    if (erased.starts_with("session/"))
      session_gone(parse_uuid(erased.substr(8)));
}

/// What is committed is what was asked for, under the conditions that were asked for.
void witness::check_try(const history_model& history, const history_row& row, const applied& commit) {
  const auto found = tries_.find(row.head.id);
  if (found == tries_.end())
    return;
  auto& tried = *found->second;
  const auto at = row.head.at.value;
  if (row.head.kind == row_kind::voided) {
    if (!tried.settling)
      broken("applied_once", place(history, at) + " voids an id that nobody wanted to settle");
    return;
  }
  if (tried.open == 0 && !tried.may_be_applied)
    broken("refused_means_not_applied", place(history, at) + " is a commit that was refused each time");
  tried.applied = true;
  for (const auto& each : tried.request.guards)
    if (each.epoch == 0) {
      const auto before = history.at(each.key, at - 1);
      if ((before.value ? before.revision : 0) != each.revision)
        broken("guards_hold", place(history, at) + " was applied although " + each.key + " is not at revision " +
                                  std::to_string(each.revision));
    }
  for (const auto& each : tried.request.writes) {
    const auto put = std::any_of(commit.puts.begin(), commit.puts.end(),
                                 [&](const record& is) { return is.key == each.key && is.value == each.value; });
    if (put == each.erase)
      broken("atomic", place(history, at) + " does not write " + each.key + " as asked");
  }
  shows(history, at, tried.seen_before);
}

/// What is bound to a session goes in the row that ends it.
void witness::check_bonds(const history_model& history, const applied& commit) {
  const auto at = commit.cursor.value;
  for (const auto& erased : commit.erased) {
    if (!erased.starts_with("session/"))
      continue;
    const auto session = parse_uuid(erased.substr(8));
    const std::string bytes{reinterpret_cast<const char*>(session.bytes.data()), session.bytes.size()};
    for (const auto& [key, bound_to] : history.bonds())
      if (bound_to == bytes)
        broken("bound_records_go", place(history, at) + " ends a session and leaves " + key.substr(6));
  }
}

const row_head* witness::row_of(const history_model& history, const commit_id& id) const {
  const auto found = rows_.find(id);
  if (found == rows_.end())
    return nullptr;
  for (const auto& [where, at] : found->second)
    if (const auto shared = history.shared_with(*where); shared && at <= *shared)
      return where->head_at(at);
  return nullptr;
}

const record* witness::read(const history_model& history, const cluster::history& records,
                            const std::string& key) const {
  const auto at = records.barrier().value;
  const auto is = history.at(key, at);
  const auto* found = records.find(key);
  if (found != nullptr && !is.value)
    broken("deleted_stays_deleted", "a node shows " + key + " at " + place(history, at) + ", where it does not exist");
  if (is.value && (found == nullptr || found->value != *is.value || found->revision != is.revision))
    broken("total_order", "a node does not show " + key + " as " + place(history, at) + " has it");
  return found;
}

void witness::found(const node_id& node, const store_identity& identity, std::uint64_t tip,
                    const std::map<std::string, record>& records) const {
  const auto history = histories_.find({identity.store_id, identity.generation});
  if (history == histories_.end())
    broken("total_order", "a disk has a history that nobody founded");
  for (const auto& [key, each] : records) {
    const auto is = history->second->at(key, tip);
    if (!is.value || *is.value != each.value || is.revision != each.revision)
      broken("disk_is_whole", key + " on a disk is not as " + place(*history->second, tip) + " has it");
  }
  const auto named = records.find(primary_key);
  const auto acknowledged = acknowledged_.find(history->second.get());
  if (named == records.end() || acknowledged == acknowledged_.end())
    return;
  if (const auto leader = decode_primary(named->second); leader && *leader == node && acknowledged->second > tip)
    broken("acknowledged_is_kept", place(*history->second, acknowledged->second) +
                                       " was acknowledged, and the primary's disk ends at " + std::to_string(tip));
}

void witness::compare(const history_model& history, const cluster::history& records) const {
  const auto at = records.barrier().value;
  const auto* head = history.head_at(at);
  if (at != 0 && (head == nullptr || head->hash != records.hash()))
    broken("total_order", "a node has another hash at " + place(history, at));
  for (const auto& each : records.load().records)
    read(history, records, each.key);
  for (const auto& key : history.keys_at(at))
    read(history, records, key);
}

}  // namespace troupe::sim
