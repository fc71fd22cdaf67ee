#include "actors/stores/history_writer.hpp"

#include <utility>
#include <variant>

namespace troupe::actors {

using namespace cluster;

history_writer::history_writer(history_store file, primary decisions)
    : file_{std::move(file)}, primary_{std::move(decisions)}, began_at_{primary_.last_time()} {}

std::vector<commit_result> history_writer::write(std::span<const write_request* const> group) {
  std::vector<decision> decisions;
  decisions.reserve(group.size());
  for (const auto* request : group)
    decisions.push_back(decide(*request));
  const auto failure = write_staged();
  std::vector<commit_result> answers;
  answers.reserve(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (failure && !decisions[i].holds_anyway)
      answers.push_back(refused{failure_of(group[i]->commit.id, *failure)});
    else
      answers.push_back(std::move(decisions[i].answer));
  }
  return answers;
}

history_writer::decision history_writer::decide(const write_request& request) {
  const bool known = primary_.known(request.commit.id).has_value();
  auto answer = request.kind == write_request::purpose::apply ? primary_.decide(request.commit, store_time())
                                                              : primary_.settle(request.commit.id, store_time());
  const bool final = known || std::holds_alternative<refused>(answer);
  return {std::move(answer), final};
}

/// Makes what is staged durable, or says why it was dropped.
std::optional<error> history_writer::write_staged() {
  if (!primary_.has_staged())
    return std::nullopt;
  if (broken_) {
    primary_.drop_staged();
    return broken_;
  }
  const auto changes = primary_.staged();
  auto written = file_.persist(changes);
  if (written) {
    primary_.made_durable();
    return std::nullopt;
  }
  auto why = std::move(written.error());
  if (why.code == errc::unknown_outcome)
    for (const auto& row : changes.rows)
      in_doubt_.insert(row.head.id);
  primary_.drop_staged();
  if (why.code != errc::full)
    broken_ = error{why.code == errc::corrupt ? errc::corrupt : errc::unavailable,
                    "commits are refused until the node is restarted, because a write failed: " + why.what};
  return why;
}

/// What a failed transaction means for one call in it.
error history_writer::failure_of(const commit_id& id, const error& why) const {
  auto failure = why;
  if (in_doubt_.contains(id))
    failure.code = errc::unknown_outcome;
  else if (failure.code == errc::unknown_outcome)
    failure.code = errc::unavailable;  // it wrote nothing of its own, but was judged by what is in doubt
  return failure;
}

/// Only time in which the store was open counts: a jump of the wall clock must forget no commit id.
milliseconds history_writer::store_time() const {
  return began_at_ + std::chrono::duration_cast<milliseconds>(clock::now() - opened_at_);
}

}  // namespace troupe::actors
