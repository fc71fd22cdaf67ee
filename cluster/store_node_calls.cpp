// What a node is asked: decided here when it is the primary, sent there when it is not.
#include <algorithm>

#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

/// Whether asking twice does no more than asking once, without an id of its own.
bool repeatable(const store_call& call) {
  return std::holds_alternative<outcome_call>(call) || std::holds_alternative<barrier_call>(call) ||
         std::holds_alternative<renew_call>(call) || std::holds_alternative<spread_call>(call);
}

refused late_refusal() {
  return {{errc::unavailable, "the deadline passed before the store came to the call; it did nothing"}};
}

refused unknown_refusal(const std::string& primary) {
  return {{errc::unknown_outcome, "the primary " + primary +
                                      " was asked and did not answer: the call may or may not "
                                      "have been applied"}};
}

}  // namespace

void store_node::state::accept(waiting_call call) {
  if (waiting_count() >= options_.max_waiting || waiting_bytes_ + call.bytes > options_.max_waiting_bytes)
    return answer(call.from, refused{{errc::unavailable, "too many calls wait for the store already"}});
  if (role_ != store_role::primary)
    return forward(std::move(call));
  waiting_bytes_ += call.bytes;
  queue_.push_back(std::move(call));
}

std::size_t store_node::state::waiting_count() const {
  auto count = queue_.size() + forwarded_.size() + spreads_.size();
  for (const auto& each : probes_)
    count += each.calls.size();
  return count;
}

void store_node::state::forward(waiting_call call) {
  if (call.from.node != node_id{}) {
    out_.push_back(send_message{call.from.node, not_primary_message{call.from.number}});
    return;
  }
  waiting_bytes_ += call.bytes;
  forwarded_.emplace(++next_forward_, forwarded_call{std::move(call), std::nullopt});
  send_forwarded();
}

/// Who is there, and has a history that this node's does not go together with: the primary, or whoever replaced it.
const store_node::state::linked_node* store_node::state::refused_history() const {
  const auto refused = [](const linked_node& each) {
    switch (each.view.verdict) {
      case history_verdict::other_cluster:
      case history_verdict::generations_clash:
      case history_verdict::generation_replaced:
      case history_verdict::forked: return true;
      default: return false;
    }
  };
  if (const auto leader = peers_.find(leader_); leader != peers_.end() && refused(leader->second))
    return &leader->second;
  for (const auto& [node, known] : peers_)
    if (known.view.verdict == history_verdict::generation_replaced)
      return &known;
  return nullptr;
}

/// Why nothing can be asked of the primary, in words for whoever wanted to.
std::string store_node::state::why_out_of_reach() const {
  if (role_ == store_role::empty && leader_ == node_id{})
    return "this node has not found a cluster to join yet";
  const auto peer = peers_.find(leader_);
  if (peer != peers_.end() && peer->second.hello && !peer->second.hello->halted.empty())
    return peer->second.hello->halted;
  if (replaced_by_ && leader_serves())
    return "the store was restored, and this node has not loaded it yet";
  if (const auto* refused = refused_history())
    return refused->view.sentence;
  const auto away = away_since_ ? std::chrono::duration_cast<seconds>(now_.steady - *away_since_) : seconds{0};
  const bool told = unlinked_.node == leader_ && !unlinked_.why.empty();
  return "the store's primary, " + name_of(leader_) + ", has been out of reach for " + std::to_string(away.count()) +
         " s" + (told ? ": " + unlinked_.why : "");
}

/// Sends what waits, or refuses it when the primary has been away for long.
void store_node::state::send_forwarded() {
  if (role_ == store_role::primary)
    return;
  if (leader_serves()) {
    if (std::exchange(away_since_, std::nullopt))
      event(store_event::kind::in_reach, "the store's primary, " + name_of(leader_) + ", is in reach");
    register_self();
    // Cursors and revisions of a history that is not here yet would be taken for those of the one that is.
    const bool loads_another = role_ == store_role::copy && replaced_by_;
    for (auto& [number, each] : forwarded_) {
      if (each.sent_to || loads_another)
        continue;
      each.sent_to = leader_;
      const auto remaining = std::chrono::ceil<milliseconds>(each.call.deadline - now_.steady);
      out_.push_back(send_message{leader_, call_message{number, remaining, each.call.call}});
    }
    return;
  }
  if (!away_since_) {
    away_since_ = now_.steady;
    const auto* refused = refused_history();
    event(store_event::kind::out_of_reach, refused != nullptr
                                               ? refused->view.sentence
                                               : "the store's primary, " + name_of(leader_) + ", is out of reach");
  }
  const auto peer = peers_.find(leader_);
  const bool told = peer != peers_.end() && peer->second.hello && !peer->second.hello->halted.empty();
  if (!told && now_.steady - *away_since_ < options_.reach_wait)
    return;
  std::vector<caller> refusals;
  std::erase_if(forwarded_, [&](const auto& each) {
    if (each.second.sent_to)
      return false;
    waiting_bytes_ -= each.second.call.bytes;
    refusals.push_back(each.second.call.from);
    return true;
  });
  for (const auto& each : refusals)
    answer(each, refused{{errc::unavailable, why_out_of_reach()}});
}

void store_node::state::lose_forwarded(const node_id& to) {
  std::vector<caller> unknown;
  for (auto i = forwarded_.begin(); i != forwarded_.end();) {
    auto& lost = i->second;
    if (lost.sent_to != to) {
      ++i;
      continue;
    }
    lost.sent_to.reset();
    if (repeatable(lost.call.call)) {
      ++i;
      continue;
    }
    waiting_bytes_ -= lost.call.bytes;
    unknown.push_back(lost.call.from);
    i = forwarded_.erase(i);
  }
  for (const auto& each : unknown)
    answer(each, unknown_refusal(name_of(to)));
}

void store_node::state::answer(const caller& to, store_answer answer) {
  if (to.node != node_id{}) {
    // Another link is another asker, even of the same node.
    const auto peer = peers_.find(to.node);
    if (peer != peers_.end() && peer->second.link == to.link)
      out_.push_back(send_message{to.node, answer_message{to.number, std::move(answer)}});
  } else if (to.number == own_call) {
    answer_own(answer);
  } else {
    out_.push_back(answer_call{to.number, std::move(answer)});
  }
}

/// Tells the primary who this node is, when the records say nothing or something else.
void store_node::state::register_self() {
  if (registered_ || registering_ || (register_at_ && now_.steady < *register_at_))
    return;
  const auto* stored = store_.find(node_key(options_.self.id));
  if (stored != nullptr)
    if (const auto known = decode_node(*stored); known && same_registration(*known, options_.self)) {
      registered_ = true;
      return;
    }
  registering_ = true;
  // Asking twice changes nothing, so that the id needs to be new only for another incarnation or another try.
  std::string seed = to_string(options_.incarnation) + std::to_string(++next_forward_);
  const auto sum = sha256(seed);
  commit_id id;
  std::copy_n(sum.bytes.begin(), id.bytes.size(), id.bytes.begin());
  waiting_call call{{{}, 0, own_call}, register_call{options_.self, id}, now_.steady + seconds{5}};
  if (role_ == store_role::primary) {
    queue_.push_back(std::move(call));
  } else {
    forwarded_.emplace(++next_forward_, forwarded_call{std::move(call), std::nullopt});
  }
}

void store_node::state::answer_own(const store_answer& answer) {
  registering_ = false;
  if (std::holds_alternative<committed>(answer)) {
    registered_ = true;
    choose_upstream();
    return;
  }
  const auto* refusal = std::get_if<refused>(&answer);
  const bool taken = refusal != nullptr && refusal->why.code == errc::conflict;
  const bool unwanted = taken || (refusal != nullptr && refusal->why.code == errc::refused);
  if (taken)
    event(store_event::kind::name_taken, refusal->why.what);
  else if (unwanted)
    event(store_event::kind::refused_peer, "the cluster does not take this node: " + refusal->why.what);
  register_at_ = now_.steady + (unwanted ? seconds{5} : seconds{1});
}

void store_node::state::on_call(const node_id& from, call_message message) {
  const auto bytes = size_of(message.call);
  accept({{from, peers_[from].link, message.number},
          std::move(message.call),
          now_.steady + std::clamp(message.remaining, milliseconds{-1}, milliseconds{300'000}),  // below zero: too late
          bytes});
}

void store_node::state::on_answer(const node_id& from, answer_message message) {
  const auto found = forwarded_.find(message.number);
  if (found == forwarded_.end() || found->second.sent_to != from)
    return;
  const auto asker = found->second.call.from;
  waiting_bytes_ -= found->second.call.bytes;
  forwarded_.erase(found);
  answer(asker, std::move(message.answer));
}

void store_node::state::on_not_primary(const node_id& from, const not_primary_message& message) {
  const auto found = forwarded_.find(message.number);
  if (found == forwarded_.end() || found->second.sent_to != from)
    return;
  auto call = std::move(found->second.call);
  waiting_bytes_ -= call.bytes;
  forwarded_.erase(found);
  accept(std::move(call));
}

void store_node::state::expire_calls() {
  std::vector<std::pair<caller, store_answer>> late;
  const auto is_late = [&](const waiting_call& each) {
    if (each.deadline > now_.steady)
      return false;
    waiting_bytes_ -= each.bytes;
    late.emplace_back(each.from, late_refusal());
    return true;
  };
  std::erase_if(queue_, is_late);
  for (auto& each : probes_)
    std::erase_if(each.calls, is_late);
  std::erase_if(forwarded_, [&](const auto& each) {
    const auto& [number, waits] = each;
    if (waits.call.deadline > now_.steady)
      return false;
    waiting_bytes_ -= waits.call.bytes;
    if (waits.sent_to && !repeatable(waits.call.call))
      late.emplace_back(waits.call.from, unknown_refusal(name_of(*waits.sent_to)));
    else
      late.emplace_back(waits.call.from, refused{{errc::unavailable, why_out_of_reach()}});
    return true;
  });
  for (auto& [asker, why] : late)
    answer(asker, std::move(why));
}

}  // namespace troupe::cluster
