#include "process.hpp"

#include <algorithm>
#include <utility>

#include "trace.hpp"
#include "violation.hpp"
#include "world.hpp"

namespace troupe::sim {

using namespace cluster;

namespace {

store_node make_engine(world& all, node& machine, const uuid& incarnation, std::optional<stored_store> found) {
  store_node_options options;
  options.self = machine.record;
  options.incarnation = incarnation;
  options.limits = all.how.limits;
  options.tick_interval = all.how.tick_interval;
  auto made = store_node::make(std::move(options), std::move(found), machine.now());
  if (!made)
    broken("disk_is_whole", machine.record.name + " does not start: " + made.error().what);
  return std::move(*made);
}

}  // namespace

process::process(world& all, node& machine, std::optional<stored_store> found)
    : all_{all}, machine_{machine}, incarnation_{all.random.id()},
      engine_{make_engine(all, machine, incarnation_, std::move(found))}, users{all, *this}, session_holder{all,
                                                                                                            *this} {
  if (!machine.disk.empty())
    history_ = all.seen.find(machine.disk.identity());
  if (all.how.followers)
    follower = std::make_unique<reader>(*this);
}

void process::start() {
  all_.note(machine_, "starts");
  all_.time.after(instant{all_.random.between(0, 100'000)},
                  [&all = all_, &machine = machine_, of = machine_.life] { all.keep_ticking(machine, of); });
  take(engine_.start(machine_.now()));
}

void process::leave() {
  // Callers of a process that ended do not know what became of their calls.
  for (auto& [number, call] : std::exchange(waiting_, {}))
    call.done(refused{{errc::unknown_outcome, "the process ended"}}, nullptr);
}

void process::ask(store_call call, milliseconds wait, answered done) {
  const auto number = ++next_call_;
  const auto now = machine_.now();
  if (all_.tracing)
    all_.note(machine_, "asks: " + name_of(call));
  waiting_.emplace(number, pending_call{now.steady + wait, std::move(done), all_.tracing ? name_of(call) : ""});
  take(engine_.call(number, std::move(call), now.steady + wait, now));
}

void process::answer(const answer_call& given) {
  const auto found = waiting_.find(given.number);
  if (found == waiting_.end())
    broken("answered_once", machine_.record.name + " answers a call that does not wait");
  const auto* decided_by = deciding_ == nullptr ? history_ : deciding_;
  if (all_.tracing)
    all_.note(machine_, found->second.what + " -> " + name_of(given.answer));
  later_.push_back(
      [done = std::move(found->second.done), answer = given.answer, decided_by] { done(answer, decided_by); });
  waiting_.erase(found);
}

void process::link_up(std::size_t peer, const std::shared_ptr<link>& which) {
  links_.insert_or_assign(peer, which);
  take(engine_.link_up(all_.nodes[peer]->record.id, machine_.now()));
}

void process::link_lost(std::size_t peer, const std::shared_ptr<link>& which) {
  const auto found = links_.find(peer);
  if (found == links_.end() || found->second != which)
    return;
  drop_link(peer, true);
}

void process::drop_link(std::size_t peer, bool told) {
  all_.note(machine_, "link to " + all_.nodes[peer]->record.name + " is down");
  links_.erase(peer);
  if (moving_to_)
    std::erase_if(held_back_, [&](const auto& each) { return each.first == peer; });
  if (told)
    take(engine_.link_down(all_.nodes[peer]->record.id, machine_.now()));
}

void process::received(std::size_t peer, store_message message, const history_model* history) {
  if (renews_although_moving(peer, message))
    return;
  const auto copy = all_.defect == mutation::apply_batch_twice ? std::optional{message} : std::nullopt;
  deciding_ = std::holds_alternative<answer_message>(message) ? history : nullptr;
  take(engine_.received(all_.nodes[peer]->record.id, std::move(message), machine_.now()));
  if (copy)
    take_rows_twice(peer, *copy);
}

void process::tick() {
  take(engine_.tick(machine_.now()));
  check_deadlines();
  later_.push_back([this] { session_holder.tick(); });
  take({});
  if (ticks_++ % (all_.nodes.size() > 20 ? 4 : 1) == 0)
    connect();
}

void process::operate() {
  later_.push_back([this] { users.step(); });
  take({});
}

void process::finish() {
  later_.push_back([this] { users.must_commit(); });
  take({});
}

void process::take(store_actions actions) {
  watch_move(actions);
  for (auto& each : actions)
    carry_out(each);
  if (working_)
    return;
  working_ = true;
  deciding_ = nullptr;
  while (!later_.empty()) {
    const auto next = std::move(later_.front());
    later_.pop_front();
    next();
  }
  working_ = false;
}

void process::carry_out(store_action& action) {
  if (auto* message = std::get_if<send_message>(&action)) {
    send(all_.index_of(message->to), std::move(message->message));
  } else if (auto* rows = std::get_if<persist_rows>(&action)) {
    persist(rows->number, copy_of(*rows), role_ == store_role::primary);
  } else if (auto* whole = std::get_if<persist_whole>(&action)) {
    persist(whole->number, copy_of(*whole), false);
  } else if (auto* given = std::get_if<answer_call>(&action)) {
    answer(*given);
  } else if (auto* news = std::get_if<store_event>(&action)) {
    all_.note(machine_, news->text);
  } else if (auto* role = std::get_if<role_changed>(&action)) {
    role_ = role->role;
    if (all_.tracing)
      all_.note(machine_, std::string{"is "} + name_of(role_));
  } else if (std::holds_alternative<records_changed>(action)) {
    const bool anew = std::get<records_changed>(action).whole;
    later_.push_back([this, anew] {
      if (follower)
        follower->changed(anew);
      users.records_changed();
      session_holder.records_changed();
    });
  } else if (std::holds_alternative<history_replaced>(action)) {
    session_holder.history_replaced();
  } else if (auto* ended = std::get_if<sessions_ended>(&action)) {
    session_holder.ended(ended->sessions);
  } else if (auto* wanted = std::get_if<probe_incarnation>(&action)) {
    probe(*wanted);
  }
}

void process::persist(std::uint64_t number, disk_request request, bool decided_here) {
  if (decided_here && !request.rows.empty())
    all_.seen.decides(machine_.record.id, machine_.disk.identity(), request.rows.front().head.at.value);
  const auto identity = request.whole ? request.whole->identity : machine_.disk.identity();
  const bool early = all_.defect == mutation::acknowledge_before_fsync && decided_here;
  // The mutant's rows count as decided, so that what is found is their loss.
  if (early)
    all_.seen.durable(identity, request.rows);
  ++on_disk_;
  machine_.write(std::move(request), [this, number, identity, early](std::optional<persist_failure> failure) {
    --on_disk_;
    if (!early)
      written(number, failure, identity);
  });
  if (early)
    later_.push_back([this, number, identity] { written(number, std::nullopt, identity); });
}

void process::written(std::uint64_t number, std::optional<persist_failure> failure, const store_identity& identity) {
  if (failure) {
    all_.note(machine_, "a write fails");
    return take(engine_.persist_failed(number, *failure, "as planned", machine_.now()));
  }
  history_ = all_.seen.find(identity);
  take(engine_.persisted(number, machine_.now()));
}

void process::probe(const probe_incarnation& wanted) {
  const auto to = all_.index_of(wanted.node);
  all_.time.after(instant{all_.random.between(500, 1'500'000)}, [&asker = machine_, wanted, to, of = machine_.life] {
    if (asker.life != of)
      return;
    const auto& all = asker.all;
    const auto& asked = *all.nodes[to];
    const bool alive = asked.running && !asked.paused && asked.running->incarnation() == wanted.incarnation &&
                       !all.net.is_cut(asker.index, to) && !all.net.is_cut(to, asker.index);
    asker.deliver([&asker, wanted, alive] {
      auto& here = *asker.running;
      here.take(here.engine_.probed(wanted.node, wanted.incarnation, alive, asker.now()));
    });
  });
}

void process::connect() {
  wanted_.clear();
  for (const auto& each : engine_.wanted_links())
    wanted_.insert(all_.index_of(each.node));
  const bool in_reach = role_ == store_role::copy && wanted_.size() == 1 && links_.contains(*wanted_.begin());
  if (role_ != store_role::primary && !in_reach)
    for (const auto seed : all_.seeds)
      if (seed != machine_.index)
        wanted_.insert(seed);
  for (const auto peer : wanted_)
    all_.net.dial(machine_.index, peer);
  if (ticks_ % 16 == 0)
    all_.close_unwanted(machine_);
}

void process::check_deadlines() {
  if (on_disk_ > 0)
    return;
  const auto now = machine_.now().steady;
  for (const auto& [number, call] : waiting_)
    if (call.deadline + milliseconds{1} < now)
      broken("answered_once", machine_.record.name + " has not answered a call by its deadline: " + call.what);
}

}  // namespace troupe::sim
