#include "node.hpp"

#include <algorithm>
#include <utility>

#include "cluster/store_record_codec.hpp"
#include "process.hpp"
#include "violation.hpp"
#include "world.hpp"

namespace troupe::sim {

using namespace cluster;

node::node(world& everything, std::size_t number)
    : all{everything}, index{number}, time{everything.random, everything.how.max_drift_ppm} {
  record.id = all.random.id();
  record.name = "n" + std::to_string(number);
  record.addresses = {"10.0.0." + std::to_string(number) + ":7000"};
}

node::~node() = default;

store_now node::now() const {
  return {time.steady(all.time.now()), time.boot(all.time.now())};
}

void node::deliver(std::function<void()> what) {
  if (!running)
    return;
  if (paused)
    backlog_.push_back(std::move(what));
  else
    what();
}

void node::stop(pause how) {
  if (!running || paused)
    return;
  paused = true;
  if (how == pause::suspended)
    time.suspend(all.time.now());
  ++pauses;
  all.note(*this, how == pause::suspended ? "is suspended" : "is stopped");
  all.net.falls_silent(index);
}

void node::go_on() {
  if (!std::exchange(paused, false))
    return;
  time.resume(all.time.now());
  all.note(*this, "goes on");
  // Whether a process reads its sockets first or its timers is not in its hands.
  if (all.random.one_in(2))
    running->tick();
  auto waiting = std::exchange(backlog_, {});
  for (auto& each : waiting)
    each();
}

std::optional<persist_failure> node::trouble() {
  if (all.time.now() < full_until)
    return persist_failure::full;
  if (all.how.failing_writes && all.troubled && all.random.one_in(400))
    return all.random.one_in(2) ? persist_failure::refused : persist_failure::unknown;
  return std::nullopt;
}

void node::put_on_disk(const disk_request& request) {
  if (request.whole) {
    all.seen.durable(*request.whole, disk.empty() ? store_identity{} : disk.identity());
    disk.apply(request);
    return;
  }
  if (!request.rows.empty() && request.rows.front().head.at.value != disk.tip() + 1)
    broken("total_order", record.name + " writes commit " + std::to_string(request.rows.front().head.at.value) +
                              " behind commit " + std::to_string(disk.tip()));
  all.seen.durable(disk.identity(), request.rows);
  disk.apply(request);
}

void node::write(disk_request request, written done) {
  const auto number = ++writes_;
  const auto limit = all.how.disk_time.count();
  const auto slow = all.random.one_in(50) ? 10 : 1;
  disk_free_ = std::max(disk_free_, all.time.now()) + instant{all.random.between<std::int64_t>(100, limit) * slow};
  writing_.push_back({number, std::move(request)});
  all.time.after(disk_free_ - all.time.now(), [this, of = life, number, done = std::move(done)] {
    // A process that ended has taken its writes with it, or finished them (`die`).
    if (life != of || writing_.empty() || writing_.front().number != number)
      return;
    const auto fails = trouble();
    if (!fails || (*fails == persist_failure::unknown && all.random.one_in(2)))
      put_on_disk(writing_.front().request);
    writing_.pop_front();
    all.time.after(instant{all.random.between(1, 500)}, [this, of, fails, done] {
      if (life == of)
        deliver([done, fails] { done(fails); });
    });
  });
}

void node::die(death how) {
  if (!running)
    return;
  all.note(*this, how == death::killed ? "is killed" : "loses power");
  if (how == death::killed && !writing_.empty() && all.random.one_in(2))
    put_on_disk(writing_.front().request);
  writing_.clear();
  backlog_.clear();
  running->leave();
  paused = false;
  time.resume(all.time.now());
  all.net.ended(index, how == death::killed ? network::farewell::said : network::farewell::unsaid);
  ++life;
  running.reset();
}

bool node::registered_on_disk() const {
  return disk.records().contains(node_key(record.id));
}

void node::start() {
  if (running || gone)
    return;
  ++life;
  disk_free_ = all.time.now();
  all.check_disk(*this);
  disk.node_starts();
  running = std::make_unique<process>(all, *this, disk.read());
  running->start();
}

}  // namespace troupe::sim
