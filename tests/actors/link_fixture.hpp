// Two loops in one process: one dials, the other listens, hears strangers and serves.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/link_listener.hpp"
#include "actors/link_server.hpp"
#include "actors/node_link.hpp"
#include "tests/support/on_loop.hpp"

namespace troupe::actors {

inline constexpr seconds patience{20};

/// Values that one thread leaves and another waits for.
template <class T>
class mailbox {
public:
  void put(T value) {
    const std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    filled_.notify_all();
  }
  T take() {
    std::unique_lock lock{mutex_};
    if (!filled_.wait_for(lock, patience, [this] { return !values_.empty(); })) {
      ADD_FAILURE() << "nothing came in time";
      return T{};
    }
    auto value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  /// Takes values until one fits.
  T take_until(const std::function<bool(const T&)>& fits) {
    for (;;) {
      auto value = take();
      if (fits(value) || ::testing::Test::HasFailure())
        return value;
    }
  }
  std::size_t size() {
    const std::lock_guard lock{mutex_};
    return values_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<T> values_;
};

/// Answers each call with its own head and body.
struct echo_service final : link_service {
  void serve(incoming_call_ptr call) override { call->answer(std::move(call->head), std::move(call->body)); }
};

/// Keeps calls until the test does something with them.
struct holding_service final : link_service {
  void serve(incoming_call_ptr call) override { calls.put(std::move(call)); }
  mailbox<incoming_call_ptr> calls;
};

inline cluster::link_hello hello_of(std::string name) {
  cluster::link_hello hello;
  hello.node_name = std::move(name);
  hello.cluster = "test";
  return hello;
}

class LinkTest : public ::testing::Test {
protected:
  LinkTest() {
    here.start();
    there.start();
    services.offer(cluster::link_topic::invoke, echo);
    services.offer(cluster::link_topic::store, held);
  }
  ~LinkTest() override {
    on(here, [this] { links.clear(); });
    stop_peer();
    here.stop();
    there.stop();
  }

  static void on(event_loop& loop, std::function<void()> job) { tests::run_on_loop(loop, job); }

  /// Starts what listens and serves; at the same port again when it did before.
  void start_peer() {
    const auto descriptor = open_link_socket(address, address);
    ASSERT_TRUE(descriptor) << descriptor.error().what;
    on(there, [&] {
      server = std::make_unique<link_server>(there, services, server_config);
      listener_config.hello = [] { return hello_of("there"); };
      if (!listener_config.accept)
        listener_config.accept = [](const cluster::link_hello&) { return hello_of("there"); };
      if (!listener_config.deliver)
        listener_config.deliver = deliver_to({{&there, server.get()}}, {&there, server.get()});
      listener = std::make_unique<link_listener>(there, *descriptor, listener_config);
      listener->start();
    });
  }
  void stop_peer() {
    on(there, [this] {
      listener.reset();
      server.reset();
      listener_config.deliver = nullptr;
    });
  }

  node_link_config config() {
    node_link_config out;
    out.peer = address;
    out.hello = [] { return hello_of("here"); };
    out.on_change = [this](const link_change& change) { changes.put(change); };
    return out;
  }
  /// Starts a link from `here`.
  node_link& dial(node_link_config with) {
    node_link* made = nullptr;
    on(here, [&] {
      links.push_back(std::make_unique<node_link>(here, std::move(with)));
      made = links.back().get();
      made->start();
    });
    return *made;
  }
  link_change wait_for(link_phase phase) {
    return changes.take_until([phase](const link_change& change) { return change.phase == phase; });
  }
  node_link& connect() {
    start_peer();
    auto& link = dial(config());
    wait_for(link_phase::up);
    return link;
  }

  /// Makes a call on the loop; its result comes to `results`.
  std::uint64_t call(node_link& link, cluster::link_topic topic, std::string_view head, std::string_view body,
                     milliseconds budget = seconds{20}) {
    std::uint64_t id = 0;
    on(here, [&] {
      const auto made = link.call(topic, buffer{head}, buffer{body}, here.now() + budget,
                                  [this](call_result result) { results.put(std::move(result)); });
      EXPECT_TRUE(made) << made.error().what;
      id = made.value_or(0);
    });
    return id;
  }

  event_loop here{0, "here"};
  event_loop there{1, "there"};
  echo_service echo;
  holding_service held;
  link_services services;
  endpoint address{"127.0.0.1", 0};
  link_server_config server_config;
  link_listener_config listener_config;
  std::unique_ptr<link_server> server;
  std::unique_ptr<link_listener> listener;
  std::vector<std::unique_ptr<node_link>> links;
  mailbox<link_change> changes;
  mailbox<call_result> results;
};

}  // namespace troupe::actors
