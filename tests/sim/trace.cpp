#include "trace.hpp"

#include <array>

namespace troupe::sim {

using namespace cluster;

namespace {

std::string brief(const uuid& id) {
  return to_string(id).substr(0, 8);
}

}  // namespace

std::string name_of(const store_call& call) {
  constexpr std::array<const char*, 12> names{"commit",   "outcome", "barrier",  "open session", "renew", "claim",
                                              "transfer", "release", "register", "remove node",  "move",  "spread"};
  std::string text = names[call.index()];
  if (const auto* each = std::get_if<commit_call>(&call)) {
    text += " " + brief(each->request.id);
    for (const auto& write : each->request.writes)
      text += (write.erase ? " -" : " ") + write.key;
  } else if (const auto* last = std::get_if<outcome_call>(&call)) {
    text += " " + brief(last->id);
  } else if (const auto* claim = std::get_if<claim_call>(&call)) {
    text += " " + claim->resource + " for " + brief(claim->session);
  } else if (const auto* transfer = std::get_if<transfer_call>(&call)) {
    text += " " + transfer->resource + " to " + brief(transfer->to);
  } else if (const auto* release = std::get_if<release_call>(&call)) {
    text += " " + release->resource;
  } else if (const auto* open = std::get_if<open_session_call>(&call)) {
    text += " " + brief(open->session);
  }
  return text;
}

std::string name_of(const store_answer& answer) {
  constexpr std::array<const char*, 12> names{
      "committed",       "conflicted",        "voided",     "refused", "outcome", "reached",
      "session granted", "incarnation alive", "no session", "owned",   "held",    "spread"};
  std::string text = names[answer.index()];
  if (const auto* done = std::get_if<committed>(&answer))
    text += " at " + std::to_string(done->cursor.value);
  else if (const auto* no = std::get_if<refused>(&answer))
    text += ": " + std::string{to_string(no->why.code)} + ": " + no->why.what;
  else if (const auto* at = std::get_if<reached>(&answer))
    text += " " + std::to_string(at->at.value);
  else if (const auto* own = std::get_if<owned>(&answer))
    text += " under " + std::to_string(own->epoch);
  else if (const auto* last = std::get_if<outcome_of_commit>(&answer))
    text += last->state == settled::committed ? " committed" : " void";
  return text;
}

const char* name_of(store_role role) {
  switch (role) {
    case store_role::empty: return "empty";
    case store_role::copy: return "a copy";
    case store_role::primary: return "the primary";
  }
  return "?";
}

}  // namespace troupe::sim
