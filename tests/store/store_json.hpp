// What the suites and a store member say to each other, as JSON: calls of the store's interface and their answers.
// Values of records are hexadecimal, since those of the store's own are no text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "cluster/cluster_store.hpp"
#include "config/errc.hpp"

namespace troupe::tests {

using json = nlohmann::json;

/// All throw `json::exception` for what does not have that form.
std::vector<cluster::guard> guards_in(const json& request);
std::vector<cluster::write> writes_in(const json& request);
/// `nil` when the request has none of that name.
uuid id_in(const json& request, const char* name);

json to_json(const cluster::record& stored);
json to_json(const cluster::applied& commit);
json to_json(const std::vector<cluster::record>& records);

// Each answer is an object whose `is` says which one it is.
json answer_of(const cluster::committed& answer);
json answer_of(const cluster::conflicted& answer);
json answer_of(const cluster::voided& answer);
json answer_of(const cluster::refused& answer);
json answer_of(const cluster::session_granted& answer);
json answer_of(const cluster::incarnation_alive& answer);
json answer_of(const cluster::no_session& answer);
json answer_of(const cluster::owned& answer);
json answer_of(const cluster::held& answer);
json answer_of(const cluster::spread& answer);
json answer_of(const cluster::outcome_of_commit& answer);
json answer_of(const cluster::store_identity& answer);
json answer_of(const cluster::cursor& answer);
json answer_of(const cluster::loaded& answer);
json answer_of(const cluster::batch& answer);
json answer_of(const cluster::gap& answer);
json answer_of(const cluster::store_health& answer);

template <class... Answers>
json answer_of(const std::variant<Answers...>& answer) {
  return std::visit([](const auto& each) { return answer_of(each); }, answer);
}
template <class Answer>
json answer_of(const expected<Answer>& answer) {
  return answer ? answer_of(*answer) : answer_of(cluster::refused{answer.error()});
}

}  // namespace troupe::tests
