#include "network.hpp"

#include <algorithm>

#include "cluster/store_codec.hpp"
#include "process.hpp"
#include "violation.hpp"
#include "world.hpp"

namespace troupe::sim {

namespace {

constexpr instant between_dials{500'000};

}  // namespace

network::network(world& all, std::size_t nodes) : all_{all} {
  for (std::size_t i = 0; i < nodes; ++i)
    add_node();
}

void network::add_node() {
  slow_.push_back(all_.random.next());
}

instant network::delay(std::size_t from, std::size_t to) {
  const bool slow = (slow_[from] ^ slow_[to]) % 100 < all_.how.slow_links;
  return instant{slow ? all_.random.between(20'000, 200'000) : all_.random.between(50, 2'000)};
}

instant network::patience() {
  return instant{all_.random.between(600'000, 3'000'000)};
}

void network::dial(std::size_t from, std::size_t to) {
  auto& caller = *all_.nodes[from];
  auto& next = next_dial_[{from, to}];
  if (caller.running->links().contains(to) || all_.time.now() < next)
    return;
  next = all_.time.now() + between_dials;
  all_.time.after(delay(from, to) + delay(to, from), [this, from, to, life = caller.life] { connect(from, to, life); });
}

void network::connect(std::size_t from, std::size_t to, std::uint64_t life) {
  auto& caller = *all_.nodes[from];
  auto& called = *all_.nodes[to];
  if (!caller.running || caller.life != life || caller.paused || caller.running->links().contains(to))
    return;
  if (!called.running || called.paused || is_cut(from, to) || is_cut(to, from))
    return;
  if (const auto old = called.running->links().find(from); old != called.running->links().end()) {
    // Half open: the called node learns only now that the old link is dead, and sometimes only by the new one.
    old->second->open[old->second->side_of(to)] = false;
    called.running->drop_link(from, all_.random.one_in(2));
  }
  auto made = std::make_shared<link>();
  made->ends = {from, to};
  made->lives = {caller.life, called.life};
  all_.note(caller, "link to " + called.record.name);
  post(made, 1, {letter::kind::up, {}, nullptr, {}});
  called.running->link_up(from, made);
}

void network::send(std::size_t from, std::size_t to, cluster::store_message message, const history_model* history) {
  const auto& links = all_.nodes[from]->running->links();
  const auto found = links.find(to);
  if (found == links.end())
    return;
  if (all_.how.on_the_wire) {
    const auto bytes = encode(message);
    auto read = cluster::decode_store_message(bytes);
    if (!read)
      broken("answers_fit", "a message cannot be read back: " + read.error().what);
    message = std::move(*read);
  }
  post(found->second, found->second->side_of(from), {letter::kind::message, std::move(message), history, {}});
}

void network::post(const std::shared_ptr<link>& which, std::size_t side, letter what) {
  auto& queue = which->flying[side];
  what.ready = all_.time.now() + delay(which->ends[side], which->ends[1 - side]);
  if (!queue.empty())
    what.ready = std::max(what.ready, queue.back().ready);
  queue.push_back(std::move(what));
  plan_arrival(which, side);
}

void network::plan_arrival(const std::shared_ptr<link>& which, std::size_t side) {
  if (which->moving[side] || which->flying[side].empty() || is_cut(which->ends[side], which->ends[1 - side]))
    return;
  which->moving[side] = true;
  const auto wait = std::max(instant{0}, which->flying[side].front().ready - all_.time.now());
  all_.time.after(wait, [this, which, side] { arrive(which, side); });
}

void network::arrive(const std::shared_ptr<link>& which, std::size_t side) {
  which->moving[side] = false;
  const auto from = which->ends[side];
  const auto to = which->ends[1 - side];
  if (which->flying[side].empty() || is_cut(from, to))
    return;
  auto next = std::make_shared<letter>(std::move(which->flying[side].front()));
  which->flying[side].pop_front();
  auto& receiver = *all_.nodes[to];
  if (receiver.life == which->lives[1 - side])
    receiver.deliver([this, which, next, from, to] {
      auto& now = *all_.nodes[to];
      if (!which->open[which->side_of(to)])
        return;
      if (next->what == letter::kind::up) {
        now.running->link_up(from, which);
        // The other end may have gone before this one knew of the link, even with its whole process: `ended` finds
        // only links that both know of.
        give_up_later(which, which->side_of(to), [this, which, from, to] {
          const auto there = which->side_of(from);
          return !which->open[there] || all_.nodes[from]->life != which->lives[there] || is_cut(from, to);
        });
      } else if (next->what == letter::kind::message) {
        now.running->received(from, std::move(next->message), next->history);
      } else {
        close(which, to);
      }
    });
  plan_arrival(which, side);
}

void network::close(const std::shared_ptr<link>& which, std::size_t by) {
  const auto side = which->side_of(by);
  if (!which->open[side])
    return;
  which->open[side] = false;
  auto& node = *all_.nodes[by];
  if (node.running && node.life == which->lives[side])
    node.running->link_lost(which->ends[1 - side], which);
  if (!which->open[1 - side])
    return;
  if (all_.random.one_in(2))
    which->flying[side].clear();
  post(which, side, {letter::kind::down, {}, nullptr, {}});
}

void network::ended(std::size_t node, farewell how) {
  for (const auto& other : all_.nodes)
    if (other->running && other->index != node)
      if (const auto found = other->running->links().find(node); found != other->running->links().end()) {
        const auto which = found->second;
        const auto side = which->side_of(node);
        if (!which->open[side])
          continue;
        which->open[side] = false;
        if (how == farewell::said)
          post(which, side, {letter::kind::down, {}, nullptr, {}});
        else
          give_up_later(which, 1 - side, [] { return true; });
      }
}

void network::falls_silent(std::size_t node) {
  auto& silent = *all_.nodes[node];
  for (const auto& [other, which] : silent.running->links())
    give_up_later(which, 1 - which->side_of(node), [&silent, number = silent.pauses, life = silent.life] {
      return silent.paused && silent.pauses == number && silent.life == life;
    });
}

void network::give_up_later(const std::shared_ptr<link>& which, std::size_t side, std::function<bool()> still) {
  all_.time.after(patience(), [this, which, side, still = std::move(still)] {
    const auto node = which->ends[side];
    if (still() && which->open[side])
      all_.nodes[node]->deliver([this, which, node] { close(which, node); });
  });
}

void network::cut(std::size_t from, std::size_t to) {
  const auto number = cuts_.cut({from, to});
  if (number == 0)
    return;
  auto& receiver = *all_.nodes[to];
  if (!receiver.running)
    return;
  const auto found = receiver.running->links().find(from);
  if (found != receiver.running->links().end())
    give_up_later(found->second, found->second->side_of(to), [this, from, to, number] {
      return cuts_.is_still_cut({from, to}, number);
    });
}

void network::heal(std::size_t from, std::size_t to) {
  if (!cuts_.heal({from, to}))
    return;
  // Both ends may hold different links; what is stuck in either moves on.
  for (const auto node : {from, to})
    if (auto& end = *all_.nodes[node]; end.running)
      if (const auto found = end.running->links().find(node == from ? to : from); found != end.running->links().end())
        plan_arrival(found->second, found->second->side_of(from));
}

void network::heal_all() {
  for (const auto& [from, to] : cuts_.all())
    heal(from, to);
}

}  // namespace troupe::sim
