#include "cluster/store_node.hpp"

#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr milliseconds level_interval{500};

template <class... Handlers>
struct overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

expected<store_node> store_node::make(store_node_options options, std::optional<stored_store> found, store_now now) {
  const auto limits = options.limits;
  auto role = store_role::empty;
  stored_store start;
  if (found) {
    start = std::move(*found);
    role = store_role::copy;
  }
  auto store = primary::make(std::move(start.state), limits, start.identity.generation.counter);
  if (!store)
    return tl::unexpected{std::move(store.error())};
  const auto leader = primary_of(*store);
  // A store that names nobody was made by a node alone, which leads it.
  if (found && (leader == options.self.id || leader == node_id{}))
    role = store_role::primary;
  auto inside = std::make_unique<state>(std::move(options), start.identity, std::move(*store), role);
  inside->now_ = now;
  return store_node{std::move(inside)};
}

store_node::store_node(std::unique_ptr<state> inside) noexcept : state_{std::move(inside)} {}
store_node::store_node(store_node&&) noexcept = default;
store_node& store_node::operator=(store_node&&) noexcept = default;
store_node::~store_node() = default;

store_actions store_node::start(store_now now) {
  state_->now_ = now;
  state_->start();
  return std::exchange(state_->out_, {});
}

store_actions store_node::call(std::uint64_t number, store_call call, time_point deadline, store_now now) {
  state_->now_ = now;
  state_->call(number, std::move(call), deadline);
  return std::exchange(state_->out_, {});
}

store_actions store_node::link_up(node_id node, store_now now) {
  state_->now_ = now;
  state_->link_up(node);
  return std::exchange(state_->out_, {});
}

store_actions store_node::link_down(node_id node, store_now now) {
  state_->now_ = now;
  state_->link_down(node);
  return std::exchange(state_->out_, {});
}

void store_node::link_failed(node_id node, std::string why) {
  state_->link_failed(node, std::move(why));
}

store_actions store_node::received(node_id from, store_message message, store_now now) {
  state_->now_ = now;
  state_->received(from, std::move(message));
  return std::exchange(state_->out_, {});
}

store_actions store_node::persisted(std::uint64_t number, store_now now) {
  state_->now_ = now;
  state_->persisted(number);
  return std::exchange(state_->out_, {});
}

store_actions store_node::persist_failed(std::uint64_t number, persist_failure failure, std::string why,
                                         store_now now) {
  state_->now_ = now;
  state_->persist_failed(number, failure, why);
  return std::exchange(state_->out_, {});
}

store_actions store_node::probed(node_id node, uuid incarnation, bool alive, store_now now) {
  state_->now_ = now;
  state_->probed(node, incarnation, alive);
  return std::exchange(state_->out_, {});
}

store_actions store_node::tick(store_now now) {
  state_->now_ = now;
  state_->tick();
  return std::exchange(state_->out_, {});
}

const history& store_node::records() const noexcept {
  return state_->records();
}

store_status store_node::status(store_now now) const {
  return state_->status(now);
}

std::vector<wanted_link> store_node::wanted_links() const {
  return state_->wanted_links();
}

void store_node::state::start() {
  if (role_ == store_role::primary) {
    leader_ = options_.self.id;
    lead();
    for (const auto& other : others())
      if (!asked_.contains(other.id))
        starting_until_ = now_.steady + options_.start_wait;
    look_for_rival();
  } else {
    leader_ = primary_of(store_);
    wants_whole_ = role_ == store_role::empty;
    away_since_ = now_.steady;
  }
  out_.push_back(role_changed{role_, leader_});
  pump();
}

void store_node::state::call(std::uint64_t number, store_call asked, time_point deadline) {
  const auto bytes = size_of(asked);
  accept({{{}, 0, number}, std::move(asked), deadline, bytes});
  pump();
}

void store_node::state::link_up(const node_id& node) {
  if (peers_.contains(node))
    link_down(node);
  peers_[node].link = ++next_link_;
  if (unlinked_.node == node)
    unlinked_ = {};
  out_.push_back(send_message{node, hello()});
}

void store_node::state::link_failed(const node_id& node, std::string why) {
  if (node == leader_)
    unlinked_ = {node, std::move(why)};
}

void store_node::state::link_down(const node_id& node) {
  if (peers_.erase(node) == 0)
    return;
  feed_.drop(node);
  const auto from_there = [&](const waiting_call& each) {
    if (each.from.node != node)
      return false;
    waiting_bytes_ -= each.bytes;
    return true;
  };
  std::erase_if(queue_, from_there);
  for (auto& each : probes_)
    std::erase_if(each.calls, from_there);
  if (upstream_ == node) {
    upstream_.reset();
    sync_.reset();
  }
  lose_forwarded(node);
  choose_upstream();
  send_forwarded();
  check_spreads();
}

void store_node::state::received(const node_id& from, store_message message) {
  if (!peers_.contains(from))
    return;
  std::visit(overloaded{[&](hello_message& each) { on_hello(from, std::move(each)); },
                        [&](subscribe_message& each) { on_subscribe(from, each); },
                        [&](unsubscribe_message&) { feed_.drop(from); },
                        [&](rows_message& each) { on_rows(from, std::move(each)); },
                        [&](load_message& each) { on_load(from, std::move(each)); },
                        [&](load_next_message& each) {
                          feed_.load_next(from, each.number);
                          pump_feed();
                        },
                        [&](level_message& each) {
                          feed_.said(from, each, now_.steady);
                          if (!feed_.follows(from))
                            out_.push_back(send_message{from, not_fed_message{}});
                          pump_feed();
                        },
                        [&](call_message& each) { on_call(from, std::move(each)); },
                        [&](answer_message& each) { on_answer(from, std::move(each)); },
                        [&](not_primary_message& each) { on_not_primary(from, each); },
                        [&](not_fed_message&) { on_not_fed(from); }},
             message);
  advance_move();
  check_spreads();
  pump();
}

void store_node::state::tick() {
  // A pause delays the renewals of others as well: nobody may lose a session for it.
  const bool late = last_tick_ && now_.boot - *last_tick_ > options_.tick_interval + seconds{1};
  last_tick_ = now_.boot;
  if (late)
    sessions_.refresh(now_.boot);
  else
    expire_now_ = role_ == store_role::primary && !starting_until_ && !move_;
  own_due_ = true;
  check_rival();
  check_start();
  check_claims_closed();
  advance_move();
  check_probes();
  expire_calls();
  if (retry_at_ && now_.steady >= *retry_at_) {
    retry_at_.reset();
    unfollow();
  }
  check_upstream();
  choose_upstream();
  send_forwarded();
  check_spreads();
  if (now_.steady - said_level_at_ >= level_interval)
    say_level();
  pump();
  pump_copy();
}

}  // namespace troupe::cluster
