// What an operator does about troubles: removes, restarts, restores.
#include <algorithm>
#include <vector>

#include "cluster/store_record_codec.hpp"
#include "cluster/store_restore.hpp"
#include "process.hpp"
#include "troubles.hpp"

namespace troupe::sim {

using namespace cluster;

void troubles::remove_gone() {
  const auto running = all_.up();
  for (const auto& each : all_.nodes)
    if (each->gone && !running.empty()) {
      const auto asker = all_.random.pick(running);
      all_.nodes[asker]->deliver([this, asker, id = each->record.id] {
        all_.nodes[asker]->running->ask(remove_node_call{id, all_.random.id()}, milliseconds{2'000},
                                        [](const store_answer&, const history_model*) {});
      });
    }
}

/// Seeds are members: among empty nodes alone nobody would ever hear of the store.
void troubles::name_seeds() {
  auto& seeds = all_.seeds;
  std::erase_if(seeds, [this](std::size_t index) { return all_.nodes[index]->gone; });
  const auto is_member = [this](std::size_t index) { return all_.nodes[index]->registered_on_disk(); };
  const auto add = [&](bool members) {
    for (const auto& each : all_.nodes)
      if (!each->gone && is_member(each->index) == members && seeds.size() < 3 &&
          std::find(seeds.begin(), seeds.end(), each->index) == seeds.end())
        seeds.push_back(each->index);
  };
  if (seeds.size() >= 3 && std::none_of(seeds.begin(), seeds.end(), is_member))
    seeds.pop_back();
  add(true);
  add(false);
}

void troubles::restart_halted() {
  for (const auto index : all_.up()) {
    auto& machine = *all_.nodes[index];
    if (!machine.paused && machine.running->role() == store_role::primary &&
        !machine.running->status().halted.empty()) {
      machine.die(node::death::killed);
      machine.start();
    }
  }
}

void troubles::restore_if_needed() {
  const auto best = all_.newest();
  if (!best)
    return;
  const auto& records = all_.nodes[*best]->disk.records();
  const auto named = records.find(primary_key);
  if (named == records.end() || !all_.nodes[all_.index_of(*decode_primary(named->second))]->gone)
    return;
  restore();
}

void troubles::restore() {
  const auto newest = all_.nodes[*all_.newest()]->disk.identity().generation;
  std::vector<node*> able;
  for (const auto& each : all_.nodes)
    if (!each->gone && each->registered_on_disk() && each->disk.identity().generation == newest)
      able.push_back(each.get());
  if (able.empty())
    return;
  // An operator takes the copy that knows most, if he looks.
  auto* chosen = *std::max_element(able.begin(), able.end(), [](const node* left, const node* right) {
    return left->disk.tip() < right->disk.tip();
  });
  if (all_.random.one_in(3))
    chosen = all_.random.pick(able);
  chosen->die(node::death::killed);
  restore(*chosen, newest.counter);
}

void troubles::restore(node& machine, std::uint64_t generation_known) {
  // An operator may do it again before the node starts.
  do {
    const auto known = std::max(generation_known, machine.disk.identity().generation.counter);
    const restore_request request{machine.record.id, all_.random.id(), all_.random.next(), known};
    const auto present = *machine.disk.restorable();
    const auto* backup = backups_.empty() || all_.random.one_in(2) ? nullptr : &all_.random.pick(backups_);
    const replaced_store old{present.identity, present.state.records};
    const auto made =
        backup == nullptr ? restore_from_copy(present, request) : restore_from_backup(*backup, &old, request);
    if (!made)
      broken("heals", machine.record.name + " cannot make a new history: " + made.error().what);
    all_.note(machine, backup == nullptr ? "makes a new history out of its copy" : "goes back to a backup");
    if (backup == nullptr)
      all_.seen.restored(*made);
    else
      all_.seen.restored(*made, *backup);
    machine.disk.restore(*made);
  } while (all_.random.one_in(4));
  if (all_.random.one_in(3))
    all_.time.after(between(1, 2'000), [&machine] { machine.start(); });
  else
    machine.start();
  // Those that were members find the new primary, or are found by it, without any seed.
  if (all_.random.one_in(2))
    name_seeds();
}

/// Some node writes down what its copy has.
void troubles::back_up() {
  const auto running = all_.up();
  if (running.empty())
    return;
  const auto& machine = *all_.nodes[all_.random.pick(running)];
  if (machine.paused || machine.running->role() == store_role::empty)
    return;
  if (backups_.size() >= 3)
    backups_.erase(backups_.begin() + static_cast<std::ptrdiff_t>(all_.random.below(backups_.size())));
  backups_.push_back({machine.running->status().identity, machine.running->records().load()});
  all_.note(machine, "writes a backup");
}

/// What was done since a backup is not wanted any more: the primary, which works, goes back to it.
void troubles::go_back() {
  const auto best = all_.newest();
  if (!best || backups_.empty() || times_back_ >= 2)
    return;
  const auto newest = all_.nodes[*best]->disk.identity().generation;
  for (const auto& each : all_.nodes) {
    const auto named = each->disk.records().find(primary_key);
    if (each->gone || each->disk.empty() || each->disk.identity().generation != newest ||
        named == each->disk.records().end() || *decode_primary(named->second) != each->record.id)
      continue;
    ++times_back_;
    each->die(node::death::killed);
    return restore(*each, newest.counter);
  }
}

void troubles::repair() {
  restart_halted();
  restore_if_needed();
  const auto newest = all_.nodes[*all_.newest()]->disk.identity();
  for (const auto& each : all_.nodes) {
    const auto& identity = each->disk.identity();
    // Whoever slept through two restores is told so, and its operator starts it empty.
    if (!each->gone && !each->disk.empty() && identity.store_id != newest.store_id &&
        identity.store_id != newest.parent_store) {
      each->die(node::death::killed);
      each->gone = true;
    }
    each->start();
  }
  const auto waits_to_join = [](const auto& each) { return !each->gone && each->disk.empty(); };
  if (std::any_of(all_.nodes.begin(), all_.nodes.end(), waits_to_join))
    name_seeds();
}

}  // namespace troupe::sim
