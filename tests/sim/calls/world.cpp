#include "world.hpp"

#include <algorithm>
#include <cstdio>

#include "cluster/call_routing.hpp"
#include "machine.hpp"
#include "tests/sim/violation.hpp"
#include "troubles.hpp"

namespace troupe::sim::calls {

namespace {

/// Sessions in the store, silence that ends a link, the longest wait to dial again.
constexpr seconds healing_time{10};
/// An accepted link whose dialer is gone without a word is given up after 15 s.
constexpr seconds forgetting_time{20};

}  // namespace

world::world(std::uint64_t seed, mutation wanted, bool trace)
    : random{seed}, defect{wanted}, tracing{trace}, how{make_plan(random, wanted)}, net{*this}, store{*this},
      seen{*this}, heard{*this}, users{*this} {
  for (std::size_t i = 0; i < how.functions; ++i) {
    functions.push_back(random.id());
    idempotent.push_back(random.one_in(4));
  }
  slots_per_instance = random.between<std::uint32_t>(1, 4);
  heard.prepare(how.nodes, how.max_loops);
  for (std::size_t i = 0; i < how.nodes; ++i) {
    machines.push_back(std::make_unique<machine>(*this, i));
    by_id_.emplace(machines.back()->id, i);
    net.add_node();
    store.add_node();
    time.after(instant{random.between(0, 300'000)}, [this, i] { machines[i]->start(); });
    users.keep_asking(i);
  }
  store.expire();
  keep_looking();
}

world::~world() {
  // Nothing is said on the wires any more.
  for (const auto& each : machines)
    net.ended(each->index, true);
}

void world::note(const machine& which, const std::string& text) const {
  if (tracing)
    note(which.name + " " + text);
}

void world::note(const std::string& text) const {
  if (tracing)
    std::printf("%10.6f %s\n", static_cast<double>(time.now().count()) / 1e6, text.c_str());
}

void world::keep_looking() {
  time.after(instant{200'000}, [this] {
    seen.look();
    keep_looking();
  });
}

void world::run() {
  troubles wrong{*this};
  troubled = true;
  wrong.go_on();
  time.run_until(how.duration);
  troubled = false;
  heal();
  // What a cut held up, and what is said of connections whose other end is gone, comes until now.
  time.run_until(time.now() + milliseconds{1'500});
  check_health("long after everything healed");
  if (std::exchange(without_primary_, false)) {
    note("the primary comes back");
    machines.front()->start();
    check_health("long after the primary came back");
  }
  check_calls();
  check_homes();
  check_remains();
}

void world::heal() {
  note("everything heals");
  const auto cut = net.cut_now().all();
  net.heal(cut);
  for (const auto& [from, to] : cut)
    heard.troubles(from, to);
  for (const auto& each : net.standing())
    if (each->out[0].mute || each->out[1].mute) {
      heard.troubles(each->ends[0], each->ends[1]);
      net.break_one(each);
    }
  store.add_all();
  without_primary_ = how.primary_last && all_know_each_other();
  for (const auto& each : machines) {
    if (each->running && each->running->draining)
      each->die(machine::death::killed);
    if (without_primary_ && each == machines.front()) {
      each->die(machine::death::killed);
      continue;
    }
    each->start();
    for (const auto& loop : each->running->loops)
      loop->stop_within_batch(nullptr);
    each->go_on();
    each->running->overloaded = false;
  }
}

/// Whether the copies of all nodes have all nodes: without the primary no other can be met.
bool world::all_know_each_other() const {
  return std::all_of(machines.begin(), machines.end(),
                     [this](const auto& each) { return each->copy.size() == machines.size(); });
}

void world::check_health(const std::string& when) {
  if (!time.run_while_not([this] { return sick().empty(); }, healing_time))
    broken("heals", sick() + " " + when);
}

/// What is not yet as it should be; empty when all is well.
std::string world::sick() const {
  for (const auto& observer : machines)
    for (const auto& peer : machines) {
      if (peer == observer || !observer->running || !peer->running)
        continue;
      const auto& of = *observer->running;
      if (of.members.table().state_of(peer->id) != cluster::member_state::alive)
        return observer->name + " does not trust " + peer->name;
      if (!of.all_links_stand(peer->index))
        return observer->name + " has no link to " + peer->name;
    }
  return {};
}

void world::check_calls() {
  // What was asked before may keep instances busy for a while.
  const auto idle = [this] {
    return seen.open() == 0 && std::all_of(machines.begin(), machines.end(),
                                           [](const auto& each) { return each->running->calls.is_empty(); });
  };
  time.run_while_not(idle, seconds{15});
  std::vector<request_ptr> asked;
  for (const auto& each : machines)
    for (std::size_t function = 0; function < functions.size(); ++function)
      if (machines.size() <= 10 || random.one_in(machines.size() / 5))
        asked.push_back(users.ask_for_sure(each->index, function));
  time.run_until(time.now() + seconds{5});
  for (const auto& each : asked)
    if (each->answers != 1 || each->answered_with != errc{})
      broken("heals", "request " + std::to_string(each->number) + " at n" + std::to_string(each->entry) +
                          " does not run although nothing is wrong any more: " +
                          (each->answers == 0 ? "no answer" : std::string{to_string(each->answered_with)}));
}

void world::check_homes() {
  for (const auto& function : functions) {
    const auto home = cluster::home_of(function, machines.front()->running->members.table().homes());
    for (const auto& each : machines)
      if (cluster::home_of(function, each->running->members.table().homes()) != home)
        broken("one_home", each->name + " names another home than n0 although all see the same nodes");
  }
}

/// Of calls that have ended nothing is left, and no link has kept more credit than it returns at once.
void world::check_remains() {
  const auto empty = [this] {
    return std::all_of(machines.begin(), machines.end(), [](const auto& each) { return each->running->is_empty(); });
  };
  if (!time.run_while_not(empty, forgetting_time))
    broken("calls_forgotten", "something is left of calls that have ended");
  if (seen.open() != 0)
    broken("calls_forgotten", "requests wait although nobody has them");
  const auto look = [this](const machine& at, const session& link) {
    if (link.outstanding_bytes() > how.limits.link_credit / 4)
      broken("within_credit", at.name + " has no credit back for " + std::to_string(link.outstanding_bytes()) +
                                  " bytes, long after they were taken");
  };
  for (const auto& each : machines) {
    for (const auto& links : each->running->peers)
      links->each([&](const uuid&, const dialer& link) {
        if (const auto* open = link.open_session())
          look(*each, *open);
      });
    for (const auto& accepted : each->running->servers)
      accepted->each([&](const session& link) { look(*each, link); });
  }
}

}  // namespace troupe::sim::calls
