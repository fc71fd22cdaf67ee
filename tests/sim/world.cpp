#include "world.hpp"

#include <algorithm>
#include <cstdio>

#include "process.hpp"
#include "trace.hpp"
#include "troubles.hpp"

namespace troupe::sim {

using namespace cluster;

world::world(std::uint64_t seed, mutation wanted, bool trace)
    : random{seed}, defect{wanted}, tracing{trace}, how{make_plan(random, wanted)}, net{*this, 0} {
  seen.session_gone = [this](const session_id& session) {
    for (const auto& each : nodes)
      if (each->running && each->running->session_holder.relies_on(session))
        broken("session_freed_early", "the session of " + each->record.name + " ended while the node may rely on it");
  };
  for (std::size_t i = 0; i < how.nodes; ++i)
    add_node();
  const store_identity founded{random.id(), {1, random.next()}, {}, {}};
  nodes.front()->disk.replace({founded, {}});
  seen.founded(founded);
}

world::~world() = default;

std::size_t world::add_node() {
  const auto index = nodes.size();
  nodes.push_back(std::make_unique<node>(*this, index));
  by_id_.emplace(nodes.back()->record.id, index);
  net.add_node();
  if (seeds.size() < 3)
    seeds.push_back(index);
  time.after(instant{random.between(0, 300'000)}, [this, index] { nodes[index]->start(); });
  keep_operating(index);
  return index;
}

void world::keep_operating(std::size_t index) {
  const auto wait = how.operation_interval.count();
  time.after(instant{random.between(wait / 2, wait * 3 / 2)}, [this, index] {
    if (troubled)
      nodes[index]->deliver([this, index] { nodes[index]->running->operate(); });
    keep_operating(index);
  });
}

void world::keep_ticking(node& machine, std::uint64_t of_life) {
  if (machine.life != of_life)
    return;
  if (!machine.paused)
    machine.running->tick();
  time.after(how.tick_interval + instant{random.between(0, 2'000)},
             [this, &machine, of_life] { keep_ticking(machine, of_life); });
}

void world::close_unwanted(node& machine) {
  const auto links = machine.running->links();
  for (const auto& [peer, which] : links)
    if (const auto& other = nodes[peer]->running;
        other && !machine.running->wants(peer) && !other->wants(machine.index))
      net.close(which, machine.index);
}

std::size_t world::index_of(const node_id& id) const {
  if (const auto found = by_id_.find(id); found != by_id_.end())
    return found->second;
  broken("answers_fit", "a node is spoken of that does not exist: " + to_string(id));
}

std::vector<std::size_t> world::up() const {
  std::vector<std::size_t> found;
  for (const auto& each : nodes)
    if (each->running)
      found.push_back(each->index);
  return found;
}

std::optional<std::size_t> world::newest() const {
  std::optional<std::size_t> best;
  const auto order = [](const node& each) {
    return std::pair{each.disk.identity().generation.counter, each.disk.tip()};
  };
  for (const auto& each : nodes)
    if (!each->gone && !each->disk.empty() && (!best || order(*each) > order(*nodes[*best])))
      best = each->index;
  return best;
}

void world::check_disk(const node& machine) const {
  if (!machine.disk.empty())
    seen.found(machine.record.id, machine.disk.identity(), machine.disk.tip(), machine.disk.records());
}

void world::note(const node& machine, const std::string& text) const {
  if (tracing)
    note(machine.record.name + " " + text);
}

void world::note(const std::string& text) const {
  if (tracing)
    std::printf("%10.6f %s\n", static_cast<double>(time.now().count()) / 1e6, text.c_str());
}

void world::run() {
  troubles wrong{*this};
  troubled = true;
  wrong.go_on();
  time.run_until(how.duration);
  troubled = false;
  note("everything heals");
  net.heal_all();
  how.disk_time = instant{2'000};
  how.slow_links = 0;
  for (const auto& each : nodes) {
    each->full_until = instant{0};
    if (each->running)
      each->go_on();
  }
  wrong.repair();
  std::vector<std::size_t> with_store;
  for (const auto index : up())
    if (!nodes[index]->disk.empty())
      with_store.push_back(index);
  // A write that had begun before may still fail: the operator restarts a primary that halted for it.
  const auto equal = [&] {
    wrong.restart_halted();
    return all_equal(with_store);
  };
  if (!time.run_while_not(equal, seconds{5}))
    broken("heals", "copies differ 5 s after everything healed:" + where_all_are());
  // Links that died before may be noticed until now.
  time.run_until(time.now() + milliseconds{3'500});
  const auto well = [&] {
    wrong.restart_halted();
    return sick().empty();
  };
  if (!time.run_while_not(well, seconds{8}))
    broken("heals", sick() + " although nothing is wrong any more:" + where_all_are());
  check_everything();
}

/// What is not yet as it should be; empty when all is well.
std::string world::sick() const {
  for (const auto index : up()) {
    const auto& of = *nodes[index]->running;
    if (of.role() == store_role::empty)
      return nodes[index]->record.name + " has not joined";
    if (!of.session_holder.has_session())
      return nodes[index]->record.name + " has no session";
    if (!of.status().in_reach)
      return nodes[index]->record.name + " does not reach the primary";
  }
  return {};
}

bool world::all_equal(const std::vector<std::size_t>& which) const {
  const auto& first = nodes[which.front()]->running->records();
  return std::all_of(which.begin(), which.end(), [&](std::size_t index) {
    const auto& each = nodes[index]->running->records();
    return each.hash() == first.hash() && each.barrier() == first.barrier();
  });
}

std::string world::where_all_are() const {
  std::string text;
  for (const auto index : up()) {
    const auto is = nodes[index]->running->status();
    text += " " + nodes[index]->record.name + " " + name_of(is.role) + " at " + std::to_string(is.at.value) + " of " +
            to_string(is.identity.store_id).substr(0, 8) + (is.in_reach ? "," : ", out of reach " + is.halted + ",");
  }
  return text;
}

void world::check_everything() {
  const auto all = up();
  for (const auto index : all)
    nodes[index]->running->finish();
  time.run_until(time.now() + milliseconds{300});
  const auto everywhere = [&] {
    return all_equal(all) && std::none_of(all.begin(), all.end(), [this](std::size_t index) {
             return nodes[index]->running->users.must_wait();
           });
  };
  if (!time.run_while_not(everywhere, seconds{4}))
    broken("heals", "commits are not everywhere long after everything healed:" + where_all_are());
  const auto digest = nodes[all.front()]->running->records().records_digest();
  for (const auto index : all) {
    const auto& of = *nodes[index]->running;
    if (of.records().records_digest() != digest)
      broken("total_order", nodes[index]->record.name + " has other records");
    if (of.follower)
      of.follower->check();
  }
  const auto& some = *nodes[random.pick(all)]->running;
  seen.compare(*some.history(), some.records());
  seen.shows(*some.history(), some.records().barrier().value, seen.acknowledged());
}

}  // namespace troupe::sim
