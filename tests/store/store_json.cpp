#include "tests/store/store_json.hpp"

#include <string_view>

#include "cluster/store_record_codec.hpp"

namespace troupe::tests {

using namespace cluster;

namespace {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const auto each : bytes) {
    text += digits[static_cast<unsigned char>(each) >> 4];
    text += digits[static_cast<unsigned char>(each) & 15];
  }
  return text;
}

std::string_view to_text(session_end why) {
  switch (why) {
    case session_end::unknown: return "unknown";
    case session_end::expired: return "expired";
    case session_end::superseded: return "superseded";
  }
  return "?";
}

std::string_view to_text(store_health::role role) {
  switch (role) {
    case store_health::role::waiting: return "waiting";
    case store_health::role::copy: return "copy";
    case store_health::role::authority: return "authority";
    case store_health::role::client: return "client";
  }
  return "?";
}

}  // namespace

uuid id_in(const json& request, const char* name) {
  return parse_uuid(request.value(name, std::string{}));
}

std::vector<guard> guards_in(const json& request) {
  std::vector<guard> guards;
  for (const auto& each : request.value("guards", json::array()))
    guards.push_back({each.at("key"), each.value("revision", std::uint64_t{0}), each.value("epoch", std::uint64_t{0})});
  return guards;
}

std::vector<write> writes_in(const json& request) {
  std::vector<write> writes;
  for (const auto& each : request.value("writes", json::array()))
    writes.push_back(
        {each.at("key"), each.value("value", std::string{}), each.value("erase", false), id_in(each, "bound")});
  return writes;
}

/// Of an owner it also says who that is: the suites know no codec of an engine.
json to_json(const record& stored) {
  json text{{"key", stored.key}, {"value", to_hex(stored.value)}, {"revision", stored.revision}};
  if (stored.key.starts_with("owner/"))
    if (const auto owner = decode_owner(stored))
      text.update({{"session", to_string(owner->session)}, {"node", to_string(owner->node)}});
  if (stored.key.starts_with("live/"))
    if (const auto live = decode_session(stored))
      text.update({{"session", to_string(live->session)}, {"node", to_string(live->node)}});
  return text;
}

json to_json(const std::vector<record>& records) {
  auto all = json::array();
  for (const auto& each : records)
    all.push_back(to_json(each));
  return all;
}

json to_json(const applied& commit) {
  return {{"cursor", commit.cursor.value}, {"puts", to_json(commit.puts)}, {"erased", commit.erased}};
}

json answer_of(const committed& answer) {
  return {{"is", "committed"}, {"cursor", answer.cursor.value}};
}
json answer_of(const conflicted& answer) {
  return {{"is", "conflict"}, {"records", to_json(answer.records)}};
}
json answer_of(const voided&) {
  return {{"is", "void"}};
}
json answer_of(const refused& answer) {
  return {{"is", "refused"}, {"code", to_string(answer.why.code)}, {"why", answer.why.what}};
}
json answer_of(const session_granted& answer) {
  return {{"is", "granted"}, {"ttl_ms", answer.ttl.count()}, {"cursor", answer.at.value}};
}
json answer_of(const incarnation_alive& answer) {
  return {{"is", "incarnation_alive"}, {"address", answer.address}};
}
json answer_of(const no_session& answer) {
  return {{"is", "no_session"}, {"why", to_text(answer.why)}};
}
json answer_of(const owned& answer) {
  return {{"is", "owned"}, {"epoch", answer.epoch}};
}
json answer_of(const held& answer) {
  return {{"is", "held"}, {"owner", to_string(answer.owner)}, {"epoch", answer.epoch}};
}
json answer_of(const spread& answer) {
  return {{"is", "spread"}, {"laggards", answer.laggards}};
}
json answer_of(const outcome_of_commit& answer) {
  if (answer.state == settled::committed)
    return answer_of(committed{answer.cursor});
  return {{"is", answer.state == settled::voided ? "void" : "too_old"}};
}
json answer_of(const store_identity& answer) {
  return {{"is", "open"},
          {"store_id", to_string(answer.store_id)},
          {"generation", answer.generation.counter},
          {"salt", answer.generation.salt},
          {"parent_store", to_string(answer.parent_store)},
          {"parent_cursor", answer.parent_cursor.value}};
}
json answer_of(const cursor& answer) {
  return {{"is", "reached"}, {"cursor", answer.value}};
}
json answer_of(const loaded& answer) {
  return {{"is", "loaded"}, {"cursor", answer.cursor.value}, {"records", to_json(answer.records)}};
}
json answer_of(const batch& answer) {
  auto commits = json::array();
  for (const auto& each : answer.commits)
    commits.push_back(to_json(each));
  return {{"is", "batch"}, {"commits", std::move(commits)}};
}
json answer_of(const gap&) {
  return {{"is", "gap"}};
}
json answer_of(const store_health& answer) {
  return {{"is", "health"},
          {"in_reach", answer.authority_in_reach},
          {"role", to_text(answer.here)},
          {"authority", answer.authority},
          {"halted", answer.halted},
          {"out_of_reach_ms", answer.out_of_reach.count()},
          {"lag", answer.lag_commits},
          {"size_bytes", answer.size_bytes},
          {"sessions_lost", answer.sessions_lost},
          {"commit_p99_ms", answer.commit_p99.count()},
          {"fsync_p99_ms", answer.fsync_p99.count()}};
}

}  // namespace troupe::tests
