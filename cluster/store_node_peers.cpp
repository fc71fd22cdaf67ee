// Other nodes' histories: what they say of theirs, whom to follow, what arrives from there.
#include <algorithm>

#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr seconds upstream_patience{1};

}  // namespace

hello_message store_node::state::hello() const {
  hello_message own;
  own.node = options_.self;
  own.incarnation = options_.incarnation;
  own.role = role_;
  own.primary = leader_;
  own.halted = halted_;
  if (role_ == store_role::empty)
    return own;
  own.identity = identity_;
  own.at = store_.barrier();
  own.hash = store_.hash();
  own.primary_name = name_of(leader_);
  if (const auto* stored = store_.find(node_key(leader_)); stored != nullptr)
    if (const auto known = decode_node(*stored); known && !known->addresses.empty())
      own.primary_address = known->addresses.front();
  if (leader_ == options_.self.id && !options_.self.addresses.empty())
    own.primary_address = options_.self.addresses.front();
  return own;
}

void store_node::state::hello_all() {
  for (const auto& [node, known] : peers_)
    out_.push_back(send_message{node, hello()});
}

void store_node::state::on_hello(const node_id& from, hello_message message) {
  auto& known = peers_[from];
  const auto said_before = known.view.sentence;
  known.view = compare({store_, identity_, role_, options_.self}, message);
  known.hello = std::move(message);
  asked_.insert(from);
  // Each of the others tells of it.
  const bool told = known.view.verdict == history_verdict::peer_replaced && replaced_by_ &&
                    replaced_by_->store_id == known.hello->identity.store_id;
  if (known.view.verdict == history_verdict::level || known.view.verdict == history_verdict::peer_behind)
    met_.insert(from);
  if (!known.view.sentence.empty() && known.view.sentence != said_before && !told &&
      known.view.verdict != history_verdict::went_back)
    event(known.view.verdict == history_verdict::peer_replaced ? store_event::kind::replaced
                                                               : store_event::kind::refused_peer,
          known.view.sentence);
  act_on(known);
  check_start();
  choose_upstream();
  send_forwarded();
}

void store_node::state::act_on(linked_node& known) {
  switch (known.view.verdict) {
    case history_verdict::went_back:
    case history_verdict::generations_clash:
      if (role_ == store_role::primary)
        halt(known.view.sentence);
      break;
    case history_verdict::peer_replaced: return replaced_by(*known.hello);
    case history_verdict::generation_replaced:
      if (!replaced_by_) {
        replaced_by_ = known.hello->identity;
        out_.push_back(history_replaced{known.hello->identity});
        if (role_ == store_role::primary)
          halt(known.view.sentence);
      }
      break;
    case history_verdict::own_empty: hear_of_primary(); break;
    case history_verdict::level:
    case history_verdict::peer_behind:
    case history_verdict::peer_ahead:
    case history_verdict::peer_empty:
    case history_verdict::other_cluster:
    case history_verdict::own_replaced:
    case history_verdict::generation_old:
    case history_verdict::forked: break;
  }
}

/// An empty node believes whoever has the newest history: others may still follow one that was replaced.
void store_node::state::hear_of_primary() {
  const std::pair<const node_id, linked_node>* best = nullptr;
  const auto order = [](const linked_node& each) {
    return std::pair{each.hello->identity.generation.counter, each.hello->at};
  };
  for (const auto& each : peers_)
    if (each.second.hello && each.second.hello->role != store_role::empty &&
        (best == nullptr || order(each.second) > order(best->second)))
      best = &each;
  if (best == nullptr)
    return;
  const auto& told = *best->second.hello;
  leader_ = told.primary;
  leader_told_ = best->first == leader_ ? told.node : node_record{};
  if (best->first != leader_) {
    leader_told_.id = leader_;
    leader_told_.name = told.primary_name;
    leader_told_.addresses = {told.primary_address};
  }
}

/// The history at the peer was made out of this node's: this one drops its own and follows.
void store_node::state::replaced_by(const hello_message& message) {
  if (replaced_by_ && replaced_by_->store_id == message.identity.store_id &&
      replaced_by_->generation == message.identity.generation) {
    // It has moved before it was loaded from where it was: the row that says so is in no history of this node.
    if (message.role == store_role::primary && message.primary != leader_) {
      leader_ = message.primary;
      out_.push_back(role_changed{role_, leader_});
    }
    return;
  }
  replaced_by_ = message.identity;
  wants_whole_ = true;
  const auto cut = message.identity.parent_cursor;
  cut_.reset();
  if (store_.barrier() > cut) {
    cut_ = cut;
    set_aside_ = "commits " + std::to_string(cut.value + 1) + " to " + std::to_string(store_.barrier().value) +
                 " are not in the restored history";
  }
  out_.push_back(history_replaced{message.identity});
  leader_ = message.primary;
  if (role_ == store_role::primary)
    step_back();
  registered_ = false;
  out_.push_back(role_changed{role_, leader_});
}

/// After this node's own history became another one.
void store_node::state::compare_all() {
  for (auto& [node, known] : peers_)
    if (known.hello)
      known.view = compare({store_, identity_, role_, options_.self}, *known.hello);
}

bool store_node::state::serves(const linked_node& known) const {
  if (!known.hello)
    return false;
  switch (known.view.verdict) {
    case history_verdict::level:
    case history_verdict::peer_behind:
    case history_verdict::peer_ahead: return !replaced_by_;
    case history_verdict::peer_replaced:
      return replaced_by_ && replaced_by_->store_id == known.hello->identity.store_id;
    case history_verdict::own_empty: return true;
    default: return false;
  }
}

/// Whether the primary is linked and takes calls.
bool store_node::state::leader_serves() const {
  const auto found = peers_.find(leader_);
  return found != peers_.end() && serves(found->second) && found->second.hello->role == store_role::primary &&
         found->second.hello->halted.empty();
}

/// The primary when it is there; otherwise anybody who has rows that this node lacks, since the last row of a move may
/// have reached others first.
void store_node::state::choose_upstream() {
  if (role_ == store_role::primary || retry_at_)
    return;
  if (leader_serves()) {
    if (role_ != store_role::empty || registered_)
      follow(leader_);
    return;
  }
  if (upstream_ && *upstream_ != leader_)
    if (const auto now = peers_.find(*upstream_); now != peers_.end() && now->second.hello->at > store_.barrier())
      return;
  const auto ahead = [&](const linked_node& known) {
    return serves(known) && known.view.verdict == history_verdict::peer_ahead && known.hello->at > store_.barrier();
  };
  // Not the silent one again, when there is another.
  const node_id* chosen = nullptr;
  for (const auto& [node, known] : peers_)
    if (ahead(known) && (chosen == nullptr || *chosen == silent_))
      chosen = &node;
  if (chosen != nullptr)
    follow(*chosen);
}

/// Whoever is followed may be unable to send: its own copy is damaged, or not what it said.
void store_node::state::check_upstream() {
  if (!upstream_ || writing_ || arrived_ || now_.steady - heard_at_ < upstream_patience)
    return;
  const auto peer = peers_.find(*upstream_);
  if (peer == peers_.end() || !peer->second.hello || (!wants_whole_ && peer->second.hello->at <= store_.barrier()))
    return;
  silent_ = *upstream_;
  unfollow();
}

void store_node::state::follow(const node_id& node) {
  if (upstream_ == node)
    return;
  unfollow();
  upstream_ = node;
  heard_at_ = now_.steady;
  feed_.drop(node);
  out_.push_back(send_message{
      node, subscribe_message{wants_whole_ ? store_identity{} : identity_, store_.barrier(), store_.hash()}});
}

void store_node::state::unfollow() {
  sync_.reset();
  if (upstream_ && peers_.contains(*upstream_))
    out_.push_back(send_message{*upstream_, unsubscribe_message{}});
  upstream_.reset();
}

/// What was sent is lost: it is asked for anew. Until then nothing more is taken, since each row would be one too many.
void store_node::state::follow_later(milliseconds wait) {
  unfollow();
  retry_at_ = now_.steady + wait;
}

void store_node::state::on_subscribe(const node_id& from, const subscribe_message& message) {
  feed_.drop(from);
  if (role_ != store_role::empty && !wants_whole_)
    feed_.subscribe(from, message, identity_, store_, now_.steady);
  if (!feed_.follows(from))
    out_.push_back(send_message{from, not_fed_message{}});
  pump_feed();
}

void store_node::state::on_not_fed(const node_id& from) {
  if (upstream_ != from)
    return;
  silent_ = from;
  follow_later(milliseconds{500});
}

void store_node::state::on_rows(const node_id& from, rows_message message) {
  if (upstream_ != from || role_ == store_role::primary)
    return;
  heard_at_ = now_.steady;
  if (!sync_.keep(std::move(message)))
    follow_later(seconds{1});
  pump_copy();
}

void store_node::state::on_load(const node_id& from, load_message message) {
  if (upstream_ != from || role_ == store_role::primary)
    return;
  heard_at_ = now_.steady;
  // The feed may load a copy that asked for rows: it is too far behind.
  const auto next = sync_.take(std::move(message));
  if (!next) {
    follow_later(seconds{1});
    return event(store_event::kind::refused_peer, "the store could not be loaded: " + next.error().what);
  }
  if (*next)
    out_.push_back(send_message{from, load_next_message{**next}});
  else
    arrived_ = sync_.loaded();
  pump_copy();
}

void store_node::state::say_level() {
  said_level_at_ = now_.steady;
  if (upstream_ && role_ == store_role::copy && !wants_whole_)
    out_.push_back(send_message{*upstream_, level_message{store_.barrier(), store_.hash()}});
}

void store_node::state::pump_feed() {
  if (role_ == store_role::empty || wants_whole_)
    return;
  for (auto& each : feed_.pump(identity_, store_))
    out_.push_back(std::move(each));
}

}  // namespace troupe::cluster
