// What clients are answered, against what is on the disks.
#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"
#include "violation.hpp"
#include "witness.hpp"

namespace troupe::sim {

using namespace cluster;

std::shared_ptr<commit_try> witness::begin(commit_request request, instant now) {
  auto made = std::make_shared<commit_try>();
  made->request = std::move(request);
  made->first_at = now;
  made->backups_restored = backups_restored_;
  made->seen_before = acknowledged();
  tries_.emplace(made->request.id, made);
  return made;
}

void witness::answered(const std::shared_ptr<commit_try>& tried, const store_answer& answer,
                       const history_model* history) {
  --tried->open;
  const auto& id = tried->request.id;
  if (const auto* done = std::get_if<committed>(&answer)) {
    if (history == nullptr)
      broken("acknowledged_is_durable", "a commit was acknowledged by a node without a history");
    acknowledge(*history, done->cursor.value, id);
  } else if (const auto* other = std::get_if<conflicted>(&answer)) {
    bool holds = true;
    for (const auto& each : tried->request.guards) {
      std::uint64_t revision = 0;
      for (const auto& stands : other->records)
        if (stands.key == each.key)
          revision = stands.revision;
      holds = holds && revision == each.revision;
    }
    if (holds)
      broken("guards_hold", "a commit conflicted although everything that was shown agrees with its guards");
  } else if (std::holds_alternative<voided>(answer)) {
    outcome(tried, {settled::voided, {}}, history);
  } else if (const auto* refusal = std::get_if<refused>(&answer)) {
    if (refusal->why.code == errc::unknown_outcome)
      tried->may_be_applied = true;
    else if (refusal->why.code == errc::bug || refusal->why.code == errc::bad_usage)
      broken("answers_fit", "a commit was answered: " + refusal->why.what);
  } else {
    broken("answers_fit", "a commit was answered with something else");
  }
}

void witness::outcome(const std::shared_ptr<commit_try>& tried, const outcome_of_commit& answer,
                      const history_model* history) {
  const auto& id = tried->request.id;
  if (history == nullptr)
    broken("acknowledged_is_durable", "a commit was settled by a node without a history");
  if (answer.state == settled::committed)
    return acknowledge(*history, answer.cursor.value, id);
  if (answer.state == settled::too_old)
    broken("answers_fit", "the store called a young commit too old");
  const auto* row = row_of(*history, id);
  if (row == nullptr || row->kind != row_kind::voided)
    broken("void_never_applies", "a commit was settled as void, and its history does not say so");
  tried->voided = true;
}

void witness::acknowledge(const history_model& history, std::uint64_t at, const commit_id& id) {
  const auto* row = history.head_at(at);
  if (row == nullptr || row->id != id || row->kind != row_kind::commit)
    broken("acknowledged_is_durable",
           "commit " + std::to_string(at) + " was acknowledged, and no disk has it under that id");
  auto& highest = acknowledged_[&history];
  highest = std::max(highest, at);
}

void witness::shows(const history_model& history, std::uint64_t at, const moment& before) const {
  for (const auto& [where, acknowledged] : before) {
    const auto shared = history.shared_with(*where);
    if (shared && at < std::min(acknowledged, *shared))
      broken("reads_see_acknowledged", "cursor " + std::to_string(at) + " was reached after commit " +
                                           std::to_string(acknowledged) + " had been acknowledged");
  }
}

void witness::owns(const history_model& history, const std::string& resource, std::uint64_t epoch,
                   const session_id& session) const {
  const auto at = epoch & ((std::uint64_t{1} << 40) - 1);
  const auto record = history.at(owner_key(resource), at);
  if (epoch >> 40 != history.identity().generation.counter || record.revision != at || !record.value ||
      decode_owner({owner_key(resource), *record.value, at})->session != session)
    broken("acknowledged_is_durable", "a claim of " + resource + " was acknowledged, and no disk has it");
}

void witness::acts(const node_id& node, const std::string& resource, std::uint64_t epoch) const {
  ++acts_;
  const auto found = owners_.find(resource);
  if (found == owners_.end() || found->second.epoch < epoch)
    broken("acknowledged_is_durable", "somebody acts for " + resource + " under an epoch that no disk has");
  if (found->second.epoch != epoch || found->second.node != node)
    broken("one_acting_owner", to_string(node).substr(0, 8) + " acts for " + resource + ", which belongs to " +
                                   to_string(found->second.node).substr(0, 8) + " since epoch " +
                                   std::to_string(found->second.epoch));
}

}  // namespace troupe::sim
