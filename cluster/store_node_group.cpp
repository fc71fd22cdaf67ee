// What the primary does with the calls that wait: one group at a time is decided, made durable and answered.
#include <algorithm>

#include "cluster/session.hpp"
#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr seconds probe_wait{1};
constexpr seconds probe_memory{5};
constexpr seconds spread_time{1};

store_answer outcome_of(commit_result result) {
  if (const auto* done = std::get_if<committed>(&result))
    return outcome_of_commit{settled::committed, done->cursor};
  if (auto* refusal = std::get_if<refused>(&result))
    return std::move(*refusal);
  return outcome_of_commit{settled::voided, {}};
}

}  // namespace

void store_node::state::pump() {
  while (role_ == store_role::primary && !writing_ && !starting_until_ && !move_) {
    if (!halted_.empty())
      return refuse_queue({errc::unavailable, halted_});
    std::vector<decided_call> group;
    stage_own();
    std::size_t bytes = 0;
    while (!queue_.empty() && !move_ && group.size() < options_.max_group && bytes < options_.max_group_bytes) {
      auto call = std::move(queue_.front());
      queue_.pop_front();
      waiting_bytes_ -= call.bytes;
      bytes += call.bytes;
      const auto id = id_of(call.call);
      if (call.deadline < now_.steady && !(id && store_.known(*id))) {
        answer(call.from,
               refused{{errc::unavailable, "the deadline passed before the store came to the call; it did nothing"}});
        continue;
      }
      const auto before = store_.staged().rows.size();
      if (auto decided = decide(call)) {
        const auto after = store_.staged().rows.size();
        const bool final = after == 0 || std::holds_alternative<refused>(*decided);
        group.push_back({call.from, std::move(*decided), after != before, final});
      }
    }
    const bool more = !queue_.empty();
    finish_group(std::move(group));
    if (!more)
      break;
  }
  check_spreads();
  advance_move();
}

void store_node::state::finish_group(std::vector<decided_call> group) {
  if (!store_.has_staged()) {
    for (auto& each : group)
      answer(each.from, std::move(each.answer));
    return;
  }
  disk_write write;
  write.calls = std::move(group);
  persist_staged(std::move(write));
}

/// What the primary changes by itself: its own first row or registration, sessions that ended, claims that open again.
void store_node::state::stage_own() {
  if (std::exchange(expire_now_, false)) {
    for (const auto& session : sessions_.expire(now_.boot))
      claims{store_, store_time()}.end(session);
    // Without room for the id of a commit nothing was staged.
    if (!store_.has_staged())
      sessions_.retry();
  }
  if (!std::exchange(own_due_, false))
    return;
  if (primary_of(store_) == node_id{})
    store_.apply({{},
                  {{primary_key, encode_primary(options_.self.id), false},
                   {node_key(options_.self.id), encode(options_.self), false}},
                  store_.own_id()},
                 store_time());
  else
    register_self();
  if (claims_closed_until_ && now_.boot >= *claims_closed_until_ && store_.standing(claims_closed_key) != nullptr)
    store_.apply({{}, {{claims_closed_key, {}, true}}, store_.own_id()}, store_time());
}

/// @returns nothing when the answer comes later.
std::optional<store_answer> store_node::state::decide(waiting_call& call) {
  claims rules{store_, store_time()};
  const auto closed = [&]() -> std::optional<store_answer> {
    if (!claims_closed_until_ || now_.boot >= *claims_closed_until_)
      return std::nullopt;
    return refused{{errc::unavailable, "the store was restored: claims stay closed for another " +
                                           std::to_string((*claims_closed_until_ - now_.boot).count()) + " ms"}};
  };
  struct visitor {
    state& self;
    waiting_call& call;
    claims& rules;
    decltype(closed)& closed_now;
    using result = std::optional<store_answer>;

    result operator()(const commit_call& each) { return widen(self.store_.decide(each.request, self.store_time())); }
    result operator()(const outcome_call& each) { return outcome_of(self.store_.settle(each.id, self.store_time())); }
    result operator()(const barrier_call&) { return reached{self.store_.barrier()}; }
    result operator()(const open_session_call&) { return self.open_session(call); }
    result operator()(const renew_call& each) {
      if (const auto ttl = self.sessions_.renew(each.session, self.now_.boot))
        return session_granted{*ttl, self.store_.barrier()};
      return rules.ended(each);
    }
    result operator()(const claim_call& each) {
      auto refusal = closed_now();
      return refusal ? std::move(refusal) : rules.claim(each);
    }
    result operator()(const transfer_call& each) { return rules.transfer(each); }
    result operator()(const release_call& each) { return rules.release(each); }
    result operator()(const register_call& each) {
      const auto& own = self.options_.self;
      if (each.node.protocol_min > own.protocol_max || each.node.protocol_max < own.protocol_min)
        return refused{{errc::refused, each.node.name + " speaks versions " + std::to_string(each.node.protocol_min) +
                                           " to " + std::to_string(each.node.protocol_max) + " of the protocol, " +
                                           own.name + " speaks " + std::to_string(own.protocol_min) + " to " +
                                           std::to_string(own.protocol_max) + ": install matching versions"}};
      return rules.register_node(each);
    }
    result operator()(const remove_node_call& each) { return rules.remove_node(each); }
    result operator()(const move_call& each) {
      self.begin_move(call, each);
      return std::nullopt;
    }
    result operator()(const spread_call& each) {
      const auto until = std::min(call.deadline, self.now_.steady + spread_time);
      self.spreads_.push_back({call.from, each.at, until});
      return std::nullopt;
    }
  };
  return std::visit(visitor{*this, call, rules, closed}, call.call);
}

std::optional<store_answer> store_node::state::open_session(waiting_call& call) {
  const auto& wanted = std::get<open_session_call>(call.call);
  claims rules{store_, store_time()};
  // Granted once more, because the answer was lost: the asker counts from its last try, so the time runs anew here too.
  if (store_.find(session_key(wanted.session)) != nullptr) {
    if (const auto ttl = sessions_.renew(wanted.session, now_.boot))
      return session_granted{*ttl, store_.barrier()};
    return no_session{session_end::expired};
  }
  const auto older = rules.session_of(wanted.node);
  if (!older || older->incarnation == wanted.incarnation)
    return rules.open(wanted);
  const auto found = std::find_if(probes_.begin(), probes_.end(), [&](const incarnation_probe& each) {
    return each.node == wanted.node && each.incarnation == older->incarnation;
  });
  if (found != probes_.end() && found->silent)
    return rules.open(wanted);
  waiting_bytes_ += call.bytes;
  if (found != probes_.end()) {
    found->calls.push_back(std::move(call));
    return std::nullopt;
  }
  out_.push_back(probe_incarnation{wanted.node, older->incarnation, older->address});
  probes_.push_back({wanted.node, older->incarnation, older->address, now_.steady + probe_wait, false, {}});
  probes_.back().calls.push_back(std::move(call));
  return std::nullopt;
}

void store_node::state::probed(const node_id& node, const uuid& incarnation, bool alive) {
  if (rival_ && node == options_.self.id && incarnation == rival_->incarnation) {
    if (alive) {
      // It stays as it is until the process ends.
      rival_->until = rival_->ask_at = time_point::max();
      return event(store_event::kind::id_taken, same_id_sentence(rival_->address, options_.self.addresses.front()));
    }
    rival_.reset();
    return check_start();
  }
  const auto found = std::find_if(probes_.begin(), probes_.end(), [&](const incarnation_probe& each) {
    return each.node == node && each.incarnation == incarnation && !each.silent;
  });
  if (found == probes_.end())
    return;
  if (!alive) {
    no_sign_of(*found);
  } else {
    for (const auto& each : found->calls) {
      waiting_bytes_ -= each.bytes;
      answer(each.from, incarnation_alive{found->address});
    }
    probes_.erase(found);
  }
  pump();
}

/// The older incarnation is gone. Remembered for a while: who asked may have given up waiting, and asks again.
void store_node::state::no_sign_of(incarnation_probe& probe) {
  probe.silent = true;
  probe.until = now_.steady + probe_memory;
  for (auto& each : std::exchange(probe.calls, {})) {
    waiting_bytes_ -= each.bytes;
    accept(std::move(each));
  }
}

void store_node::state::check_probes() {
  std::erase_if(probes_, [&](const incarnation_probe& each) { return each.silent && each.until <= now_.steady; });
  for (auto& each : probes_)
    if (!each.silent && each.until <= now_.steady)
      no_sign_of(each);
}

void store_node::state::check_spreads() {
  std::vector<spread_wait> done;
  std::erase_if(spreads_, [&](const spread_wait& each) {
    if (store_.barrier() < each.at || !feed_.behind(each.at).empty())
      if (each.until > now_.steady)
        return false;
    done.push_back(each);
    return true;
  });
  for (const auto& each : done)
    answer(each.from, spread{laggards_of(each.at)});
}

/// Members that have not said to be there, in the order of their ids: also those that do not follow now.
std::vector<std::string> store_node::state::laggards_of(cursor at) const {
  auto late = feed_.behind(at);
  for (const auto* stored : store_.find_all("live/"))
    if (const auto live = decode_session(*stored); live && live->node != options_.self.id && !feed_.follows(live->node))
      late.push_back(live->node);
  std::sort(late.begin(), late.end());
  std::vector<std::string> names;
  for (const auto& node : late)
    names.push_back(name_of(node));
  return names;
}

void store_node::state::refuse_queue(const error& why) {
  const auto waiting = std::exchange(queue_, {});
  for (const auto& each : waiting) {
    waiting_bytes_ -= each.bytes;
    answer(each.from, refused{why});
  }
}

}  // namespace troupe::cluster
