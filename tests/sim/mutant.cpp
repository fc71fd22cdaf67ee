// Defects that are put in on purpose, around an engine that does not have them: each test with one passes only when a
// run finds it.
#include <utility>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"
#include "process.hpp"
#include "world.hpp"

namespace troupe::sim {

using namespace cluster;

/// A primary that has written the last row of a move does not say so to the others until it hears of the next one.
void process::watch_move(const store_actions& actions) {
  if (all_.defect != mutation::renew_while_moving || role_ != store_role::primary)
    return;
  for (const auto& each : actions)
    if (const auto* role = std::get_if<role_changed>(&each); role != nullptr && role->role == store_role::copy)
      moving_to_ = all_.index_of(role->primary);
}

void process::send(std::size_t to, store_message message) {
  if (moving_to_ && to != *moving_to_)
    held_back_.emplace_back(to, std::move(message));
  else
    all_.net.send(machine_.index, to, std::move(message), history_);
}

bool process::renews_although_moving(std::size_t peer, const store_message& message) {
  if (!moving_to_)
    return false;
  if (const auto* hello = std::get_if<hello_message>(&message);
      hello != nullptr && peer == *moving_to_ && hello->role == store_role::primary) {
    moving_to_.reset();
    for (auto& [to, held] : std::exchange(held_back_, {}))
      send(to, std::move(held));
    return false;
  }
  const auto* call = std::get_if<call_message>(&message);
  const auto* renew = call == nullptr ? nullptr : std::get_if<renew_call>(&call->call);
  const auto* stored = renew == nullptr ? nullptr : records().find(session_key(renew->session));
  if (stored == nullptr)
    return false;
  const auto session = decode_session(*stored);
  all_.net.send(machine_.index, peer, answer_message{call->number, session_granted{session->ttl, records().barrier()}},
                history_);
  return true;
}

void process::take_rows_twice(std::size_t peer, const store_message& message) {
  const auto* first = std::get_if<rows_message>(&message);
  if (first == nullptr || role_ != store_role::copy || !all_.random.one_in(50))
    return;
  rows_message again = *first;
  auto hash = first->rows.back().head.hash;
  auto at = first->rows.back().head.at.value;
  for (auto& row : again.rows) {
    row.head.at.value = ++at;
    row.head.id = all_.random.id();
    row.head.hash = hash = chain_hash(hash, row.head);
  }
  take(engine_.received(all_.nodes[peer]->record.id, std::move(again), machine_.now()));
}

}  // namespace troupe::sim
