#include "machine.hpp"

#include <algorithm>
#include <utility>

#include "world.hpp"

namespace troupe::sim::calls {

process::process(world& everything, machine& where)
    : all{everything}, on{where}, incarnation{everything.random.id()}, control{*this, where.loops}, loops{[this] {
        std::vector<std::unique_ptr<loop>> made;
        for (std::size_t i = 0; i < on.loops; ++i)
          made.push_back(std::make_unique<loop>(*this, i));
        return made;
      }()},
      door{*this}, calls{*this, everything.functions.size()}, members{*this} {
  for (const auto& each : loops) {
    peers.push_back(std::make_unique<peer_links>(*this, *each));
    servers.push_back(std::make_unique<server>(*this, *each));
  }
}

process::~process() = default;

void process::start() {
  control.add_tick([this](time_point now) {
    door.on_tick(now);
    members.on_tick(now);
  });
  for (std::size_t i = 0; i < loops.size(); ++i)
    loops[i]->add_tick([this, i](time_point now) {
      peers[i]->on_tick(now);
      servers[i]->on_tick(now);
      if (i == 0)
        calls.on_tick(*loops[0], now);
    });
  control.start();
  for (const auto& each : loops)
    each->start();
  for (std::size_t function = 0; function < all.functions.size(); ++function)
    if (all.random.one_in(2))
      calls.add_instances(function, all.random.between<std::uint32_t>(1, 2));
  control.post([this] { members.set_nodes(on.copy); });
  follow();
  later(instant{all.random.between(10'000, 600'000)}, [this] { keep_session(); });
}

void process::later(instant wait, std::function<void()> what) {
  all.time.after(wait, [&where = on, life = on.life, what = std::move(what)] {
    if (where.life == life)
      what();
  });
}

/// The copy of the store follows.
void process::follow() {
  if (!on.paused && all.store.in_reach(on.index)) {
    on.copy = all.store.nodes();
    control.post([this] { members.set_nodes(on.copy); });
  }
  later(instant{all.random.between(50'000, 200'000)}, [this] { follow(); });
}

void process::keep_session() {
  if (!on.paused && !draining)
    all.store.renew(on.index);
  later(instant{300'000}, [this] { keep_session(); });
}

cluster::link_hello process::hello(std::size_t loop) const {
  cluster::link_hello hello;
  hello.node = on.id;
  hello.node_name = on.name;
  hello.incarnation = incarnation;
  hello.loop = loop;
  return hello;
}

void process::serve(loop& at, incoming_call_ptr call) {
  const auto made = all.seen.received(*call);
  made->by_link = true;
  call->when_abandoned = [flag = made->abandoned] { *flag = true; };
  if (all.tracing)
    all.note(on, "gets request " + std::to_string(made->what->number));
  all.seen.takes(*made->what, made->attempt, reads_what_is_old);
  call->head.release();
  call->body.release();
  made->answer = [call](outcome result) {
    if (result.code != errc{} && cluster::means_not_run(result.code))
      return call->refuse(result.code, result.text);
    buffer head;
    if (result.code != errc{})
      head.push_back(static_cast<char>(result.code));
    call->answer(std::move(head), std::move(result.body));
  };
  calls.route(at, made);
}

void process::drain() {
  draining = true;
  members.announce_drain();
  for (std::size_t i = 0; i < loops.size(); ++i)
    loops[i]->post([this, i] { servers[i]->drain(); });
}

bool process::busy() const {
  return std::any_of(servers.begin(), servers.end(), [](const auto& each) { return each->calls() > 0; });
}

bool process::all_links_stand(std::size_t peer) const {
  return std::all_of(peers.begin(), peers.end(), [&](const auto& each) {
    const auto* link = each->to(all.machines[peer]->id);
    return link != nullptr && link->open_session() != nullptr;
  });
}

bool process::is_empty() const {
  return calls.is_empty() &&
         std::all_of(peers.begin(), peers.end(), [](const auto& each) { return each->is_empty(); }) &&
         std::all_of(servers.begin(), servers.end(), [](const auto& each) { return each->is_empty(); });
}

machine::machine(world& everything, std::size_t number)
    : all{everything}, index{number}, id{everything.random.id()}, name{"n" + std::to_string(number)},
      loops{everything.random.between<std::size_t>(1, everything.how.max_loops)}, clock{everything.random,
                                                                                        everything.how.max_drift_ppm} {}

machine::~machine() = default;

time_point machine::now() const {
  return clock.steady(all.time.now());
}

milliseconds machine::boot_now() const {
  return clock.boot(all.time.now());
}

void machine::stop(pause how) {
  if (!running || paused)
    return;
  paused = true;
  paused_at = all.time.now();
  ++pauses;
  if (how == pause::suspended)
    clock.suspend(all.time.now());
  all.heard.troubles(index);
  all.note(*this, how == pause::suspended ? "is suspended" : "is stopped");
}

void machine::go_on() {
  if (!std::exchange(paused, false))
    return;
  // The clock of a machine that slept did not go on: no time passed for the process.
  all.heard.wakes(index, clock.suspended() ? instant{0} : all.time.now() - paused_at);
  clock.resume(all.time.now());
  all.note(*this, "goes on");
  running->control.resume();
  for (const auto& each : running->loops)
    each->resume();
}

void machine::die(death how) {
  if (!running)
    return;
  all.note(*this, how == death::killed ? "is killed" : "loses power");
  paused = false;
  clock.resume(all.time.now());
  off = how == death::power_lost;
  ++life;
  all.net.ended(index, off);
  all.heard.dies(index);
  all.seen.dies(index);
  running.reset();
}

void machine::start() {
  if (running)
    return;
  off = false;
  ++life;
  running = std::make_unique<process>(all, *this);
  all.heard.starts(index);
  all.note(*this, "starts");
  running->start();
}

}  // namespace troupe::sim::calls
