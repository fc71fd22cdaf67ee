// How a node goes down: waiting for the signal, draining, taking apart (RULES: Edge, "Going down").
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <caf/logger.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "cli/node_state.hpp"
#include "config/log.hpp"

namespace troupe::cli {

namespace {

/// Without a new connection for so long, clients and balancers have noticed `/readyz`.
constexpr milliseconds quiet_announce{500};
/// Between the last handshake that the kernel lets through and the close of the listeners.
constexpr milliseconds handshake_grace{100};
constexpr milliseconds answer_grace{2'000};
constexpr milliseconds busy_interval{20};
constexpr seconds actors_timeout{10};
/// Beyond drain.timeout, for a loop to do what it is asked.
constexpr milliseconds loop_grace{5'000};

}  // namespace

void node::state::notify() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool node::state::wait_for_signal(int timeout_ms) {
  pollfd watched[2] = {{signals, POLLIN, 0}, {wake, POLLIN, 0}};
  ::poll(watched, 2, timeout_ms);
  std::uint64_t ignored;
  while (::read(wake, &ignored, sizeof ignored) > 0) {
  }
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == sizeof info) {
    // When the terminal that the node wrote to is gone, nobody means a reload.
    if (info.ssi_signo == SIGHUP && !(has_terminal && ::isatty(STDERR_FILENO) != 1))
      on_hangup();
    else if (info.ssi_signo != SIGHUP || stop_requests.load() == 0)
      // A window that is closed hangs up twice, its shell and the kernel: that is one wish to end.
      stop_requests.fetch_add(1);
  }
  const int requested = stop_requests.load();
  const bool news = requested > stops_seen;
  if (requested >= 2) {
    // The user insists.
    log_event(log_level::warning, "stopped_at_once");
    end_at_once(1);
  }
  stops_seen = requested;
  return news;
}

bool node::state::wait(const std::function<bool()>& done, time_point deadline) {
  const bool until_signal = deadline == time_point::max();
  for (;;) {
    if (done())
      return true;
    if (until_signal && stops_seen > 0)
      return false;
    const auto now = clock::now();
    if (now >= deadline)
      return false;
    const auto left = until_signal ? milliseconds{1000} : std::chrono::ceil<milliseconds>(deadline - now);
    wait_for_signal(static_cast<int>(std::min<std::int64_t>(left.count(), 1000)));
  }
}

void node::state::on_each(std::list<serving_loop>& which, const std::function<void(serving_loop&)>& job) {
  auto left = std::make_shared<std::atomic<std::size_t>>(which.size());
  for (auto& each : which)
    each.loop->post([this, &each, job, left] {
      job(each);
      left->fetch_sub(1);
      notify();
    });
  if (wait([&] { return left->load() == 0; }, clock::now() + drain_timeout.load() + loop_grace))
    return;
  // A native handler holds a loop for good; nothing orderly is possible any more.
  log_event(log_level::error, "loop_stuck", {{"waited_ms", (drain_timeout.load() + loop_grace).count()}});
  end_at_once(1);
}

void node::state::stop_accepting(std::list<serving_loop>& which) {
  on_each(which, [](serving_loop& each) {
    for (auto& listener : each.listeners)
      listener.refuse_handshakes();
  });
  wait([] { return false; }, clock::now() + handshake_grace);
  on_each(which, [](serving_loop& each) {
    for (auto& listener : each.listeners)
      listener.stop();
  });
}

void node::state::end_connections(std::list<serving_loop>& which, milliseconds limit) {
  auto left = std::make_shared<std::atomic<std::size_t>>(which.size());
  for (auto& each : which)
    each.loop->post([this, &each, left] {
      each.edge->when_empty([this, left] {
        left->fetch_sub(1);
        notify();
      });
    });
  const auto empty = [left] { return left->load() == 0; };
  if (wait(empty, clock::now() + limit))
    return;
  on_each(which, [](serving_loop& each) { each.edge->end_drain(); });
  wait(empty, clock::now() + answer_grace);
  on_each(which, [](serving_loop& each) { each.edge->close_all(); });
  wait(empty, clock::now() + answer_grace);
}

void node::state::drain() {
  log_event(log_level::info, "node_draining");
  journal.add("node_draining", options.name + " goes down");
  node_state->store(http::node_state::draining);
  on_each(gateways, [](serving_loop& each) { each.edge->begin_drain(); });
  if (cluster)
    cluster->drain();
  const auto begun = clock::now();
  const auto announced_until = begun + drain_announce.load();
  const auto quiet = [this, begun] {
    std::mutex guard;
    std::int64_t latest = 0;
    on_each(gateways, [&](serving_loop& each) {
      const std::lock_guard lock{guard};
      for (auto& listener : each.listeners)
        latest = std::max(latest, listener.last_accepted().time_since_epoch().count());
    });
    return clock::now() - std::max(begun, time_point{duration{latest}}) > quiet_announce;
  };
  while (clock::now() < announced_until && !quiet())
    wait([] { return false; }, std::min(announced_until, clock::now() + quiet_announce / 5));
  stop_accepting(gateways);
  end_connections(gateways, drain_timeout.load());
  while (cluster && cluster->busy() && clock::now() < begun + drain_timeout.load())
    wait([] { return false; }, clock::now() + busy_interval);
  // Until now the admin port has told how it stands; invokes and deployments that run there have what is left.
  on_each(control, [](serving_loop& each) {
    each.edge->begin_drain();
    for (auto& listener : each.listeners)
      listener.stop();
  });
  const auto left = std::chrono::ceil<milliseconds>(begun + drain_timeout.load() - clock::now());
  end_connections(control, std::max(left, milliseconds{0}));
}

void node::state::take_apart() {
  node_state->store(http::node_state::draining);  // nothing is adjusted any more
  on_each(control, [](serving_loop& each) {
    each.edge->begin_drain();
    for (auto& listener : each.listeners)
      listener.stop();
  });
  on_each(gateways, [](serving_loop& each) {
    for (auto& listener : each.listeners)
      listener.stop();
  });
  end_connections(gateways, milliseconds{0});
  end_connections(control, milliseconds{0});
  watchdog.reset();
  if (cluster)
    cluster->stop();
  on_each(control, [this](serving_loop&) {
    if (backups)
      backups->stop();
    reads->stop();
    if (copies)
      copies->stop();
    follower->stop();
    registry->stop();
    stems->stop();
  });
  store->close();
  stop_compute();
  for (const auto& router : *routers)
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(deployer, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(admin, caf::exit_reason::user_shutdown);
  // Instances leave by themselves: their supervisors have told them to stop.
  files->stop();
  deployer = nullptr;
  admin = nullptr;
  controls.reset();
  on_each(gateways, [](serving_loop& each) {
    each.edge->router_here = nullptr;
    each.edge->router = nullptr;
  });
  on_each(control, [](serving_loop& each) { each.edge->admin = nullptr; });
  const auto gone = [this] { return system->registry().running() == 0; };
  const auto give_up = clock::now() + actors_timeout;
  while (!gone() && clock::now() < give_up)
    wait(gone, std::min(give_up, clock::now() + milliseconds{20}));
  if (!gone()) {
    log_event(log_level::error, "actors_left", {{"count", system->registry().running()}});
    end_at_once(1);
  }
  on_each(control, [this](serving_loop&) { spawner_link->stop(); });
  stems.reset();
  end_threads();
}

/// Of a node whose actors have ended, or that never had any.
void node::state::end_threads() {
  for (auto* set : {&gateways, &control})
    on_each(*set, [](serving_loop& each) {
      if (each.edge)
        each.edge->stop();
      caf::logger::set_current_actor_system(nullptr);
    });
  if (compute)
    compute->stop();
  backups.reset();
  registry.reset();
  reads.reset();
  copies.reset();
  follower.reset();
  store.reset();
  if (cluster)
    cluster->dissolve();
  cluster.reset();
  if (routers)
    routers->clear();
  routing.clear();
  program_functions.clear();
  factories.clear();
  system.reset();
  for (auto* set : {&gateways, &control})
    for (auto& each : *set)
      each.loop->stop();
  gateways.clear();
  control.clear();
  functions::stop_spawner(spawner);
  log_event(log_level::info, "node_stopped");
}

}  // namespace troupe::cli
