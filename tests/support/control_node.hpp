// A node reduced to its control plane: an actor system, a control loop and notes of what the callbacks said.
#pragma once

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/logger.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/control_plane.hpp"
#include "tests/support/on_loop.hpp"

namespace troupe::tests {

inline constexpr seconds patience{20};

/// An id whose order follows `number`.
inline uuid ordered_id(std::uint8_t number) {
  auto id = make_uuid();
  id.bytes[0] = number;
  return id;
}

/// What callbacks of several threads left, and a way to wait for it.
class notes {
public:
  void change(const std::function<void()>& job) {
    {
      const std::lock_guard lock{mutex_};
      job();
    }
    changed_.notify_all();
  }
  bool wait(const std::function<bool()>& condition) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, condition);
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class control_node {
public:
  explicit control_node(actors::node_identity who, actors::control_plane_options with = quick())
      : self{std::move(who)} {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    auto prepared = actors::prepare_control_plane(config, with);
    if (!prepared)
      ADD_FAILURE() << prepared.error().what;
    system = std::make_unique<caf::actor_system>(config);
    loop.attach(*system);
    loop.start();
    plane = std::make_unique<actors::control_plane>(*system, loop, self, with, callbacks());
    if (auto started = plane->start())
      address = *started;
    else
      ADD_FAILURE() << started.error().what;
  }
  ~control_node() { end(); }

  /// Takes the node down as a program does; again does nothing.
  void end() {
    if (!system)
      return;
    on_loop([this] { plane->stop(); });
    const auto give_up = clock::now() + patience;
    while (system->registry().running() != 0 && clock::now() < give_up)
      std::this_thread::yield();
    EXPECT_EQ(system->registry().running(), 0u);
    on_loop([] { caf::logger::set_current_actor_system(nullptr); });
    plane.reset();
    system.reset();
    loop.stop();
  }

  static actors::control_plane_options quick() {
    actors::control_plane_options options;
    options.status_interval = milliseconds{100};
    options.redial = {milliseconds{20}, milliseconds{200}};
    return options;
  }

  void on_loop(const std::function<void()>& job) { tests::run_on_loop(loop, job); }

  cluster::peer_address as_peer() const { return {self.node, self.name, address, self.incarnation}; }
  void know(const std::vector<cluster::peer_address>& peers) {
    on_loop([&] { plane->set_peers(peers); });
  }

  bool sees(const uuid& node) {
    return said.wait([&] { return connected[node] > lost[node]; });
  }
  bool has_lost(const uuid& node, int times = 1) {
    return said.wait([&] { return lost[node] >= times; });
  }
  /// Waits until it knows of so many calls in flight there.
  bool knows_load(const uuid& node, std::uint32_t calls) {
    return said.wait([&] { return loads[node] == calls; });
  }
  bool was_refused(const std::string& part) {
    return said.wait([&] {
      for (const auto& each : refusals)
        if (each.find(part) != std::string::npos)
          return true;
      return false;
    });
  }

  actors::node_identity self;
  notes said;
  std::map<uuid, int> connected, lost;
  std::map<uuid, std::uint32_t> loads;
  std::map<uuid, int> load_reports;  ///< parts that came
  std::map<uuid, std::size_t> known_functions;
  std::map<uuid, cluster::serving_state> states;
  std::vector<std::string> refusals;
  std::vector<actors::function_report> reports;
  std::atomic<std::uint32_t> in_flight{0};
  std::atomic<std::size_t> functions{0};
  std::function<void(const uuid&, const actors::spawn_request&, std::function<void(expected<void>)>)> spawner;
  std::vector<cluster::node_event> events;
  uuid asked_function;  ///< by the last question for events

  caf::actor_system_config config;
  actors::event_loop loop{0, "control"};
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<actors::control_plane> plane;
  endpoint address;

private:
  actors::control_plane_surroundings callbacks() {
    actors::control_plane_surroundings around;
    around.load = [this] {
      cluster::node_load load;
      load.in_flight = in_flight;
      load.functions.resize(functions);
      for (auto& each : load.functions)
        each = {make_fast_uuid(), 1};
      return load;
    };
    around.peer_connected = [this](const uuid& node) { said.change([&] { ++connected[node]; }); };
    around.peer_lost = [this](const uuid& node) { said.change([&] { ++lost[node]; }); };
    around.load_changed = [this](const uuid& node) {
      const auto* known = plane->peers().find(node, clock::now());
      said.change([&] {
        ++load_reports[node];
        loads[node] = known == nullptr ? 0 : known->numbers.in_flight;
        known_functions[node] = known == nullptr ? 0 : known->functions.size();
      });
    };
    around.drain_noticed = [this](const uuid& node, cluster::serving_state state) {
      said.change([&] { states[node] = state; });
    };
    around.spawn = [this](const uuid& from, const uuid&, const actors::spawn_request& what, auto reply) {
      if (spawner)
        spawner(from, what, std::move(reply));
      else
        reply(fail(errc::refused, "no spawner"));
    };
    around.function_reported = [this](const uuid&, const actors::function_report& report) {
      said.change([&] { reports.push_back(report); });
    };
    around.events = [this](const uuid& function, std::uint64_t after, std::uint32_t limit) {
      asked_function = function;
      cluster::event_page page;
      for (const auto& each : events) {
        page.last = each.sequence;
        if (each.sequence > after && page.events.size() < limit)
          page.events.push_back(each);
      }
      page.more = !page.events.empty() && page.events.back().sequence < page.last;
      return page;
    };
    around.refused = [this](const error& why) { said.change([&] { refusals.push_back(why.what); }); };
    return around;
  }
};

}  // namespace troupe::tests
