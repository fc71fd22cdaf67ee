// A node of a test's cluster as far as its store goes: a loop, a port, links and a data directory that survive a stop.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/link_listener.hpp"
#include "actors/link_server.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/stores/store_links.hpp"
#include "tests/support/store_client.hpp"
#include "tests/support/temp_folder.hpp"

namespace troupe::tests {

class store_peer {
public:
  store_peer(std::string shown_name, std::vector<std::string> seeds = {})
      : name{std::move(shown_name)}, id{make_uuid()}, seeds_{std::move(seeds)} {
    options.data_dir = folder.path();
  }
  ~store_peer() { stop(); }
  store_peer(const store_peer&) = delete;
  store_peer& operator=(const store_peer&) = delete;

  /// At the port that it had before.
  void start() {
    const auto descriptor = actors::open_link_socket(where, where);
    ASSERT_TRUE(descriptor) << descriptor.error().what;
    incarnation = make_uuid();
    loop_ = std::make_unique<actors::event_loop>(0, name);
    loop_->start();
    actors::store_links_config config;
    config.self = id;
    config.hello = [this] { return hello(); };
    links_ = std::make_shared<actors::store_links>(*loop_, std::move(config));
    auto wanted = options;
    wanted.network = links_;
    wanted.seeds = seeds_;
    wanted.node.self.id = id;
    wanted.node.self.name = name;
    wanted.node.self.addresses = {address()};
    wanted.node.incarnation = incarnation;
    auto opened = actors::open_cluster_store(std::move(wanted));
    if (!opened)
      stop_links();
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
    seen_store_ = store_.get();
    on_loop([&] { listen(*descriptor); });
  }
  /// To the others as if it had been killed: connections break, nothing more is said.
  void stop() {
    if (!loop_)
      return;
    on_loop([this] {
      listener_.reset();
      server_.reset();
    });
    if (store_)
      store_->close();
    seen_store_ = nullptr;
    store_.reset();
    stop_links();
  }
  bool runs() const { return store_ != nullptr; }

  actors::built_in_store& store() { return *store_; }
  store_client client() { return store_client{*store_}; }
  std::string address() const { return to_string(where); }

  cluster::store_answer call(cluster::store_call what, duration timeout = seconds{20}) {
    std::promise<cluster::store_answer> answered;
    store_->call(std::move(what), clock::now() + timeout,
                 [&](cluster::store_answer answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }
  cluster::store_status status() {
    std::promise<expected<cluster::store_status>> answered;
    store_->status(clock::now() + seconds{20}, [&](auto answer) { answered.set_value(std::move(answer)); });
    return *answered.get_future().get();
  }
  /// Waits until everything up to `at` is here.
  void reach(std::uint64_t at) {
    const auto until = clock::now() + seconds{30};
    auto loaded = client().load();
    ASSERT_TRUE(loaded) << loaded.error().what;
    auto now = loaded->cursor;
    while (now.value < at) {
      ASSERT_LT(clock::now(), until) << name << " is at " << now.value << ", not at " << at;
      const auto next = client().follow(now, seconds{5});
      if (const auto* commits = std::get_if<cluster::batch>(&next); commits != nullptr && !commits->commits.empty())
        now = commits->commits.back().cursor;
      else if (std::holds_alternative<cluster::gap>(next))
        now = client().load()->cursor;
    }
  }
  /// The records that are no records of the store's own.
  std::string contents() {
    std::string text;
    const auto all = client().load();
    if (!all)
      return "not loaded: " + all.error().what;
    for (const auto& each : all->records)
      if (!each.key.starts_with("node/") && !each.key.starts_with("meta/"))
        text += each.key + "=" + each.value + " ";
    return text;
  }
  /// Commits again and again, under ids of its own, until it succeeds. @returns its cursor.
  std::uint64_t put_patiently(const std::string& key, const std::string& value) {
    const auto until = clock::now() + seconds{30};
    cluster::commit_result result;
    do
      result = client().put(key, value);
    while (cursor_of(result) == 0 && clock::now() < until);
    EXPECT_NE(cursor_of(result), 0u) << (why_refused(result) != nullptr ? why_refused(result)->what : "no refusal");
    return cursor_of(result);
  }

  temp_folder folder;
  const std::string name;
  const cluster::node_id id;
  uuid incarnation;
  endpoint where{"127.0.0.1", 0};
  actors::cluster_store_options options;  ///< for the next start

private:
  cluster::link_hello hello() const {
    cluster::link_hello own;
    own.cluster = "test";
    own.node = id;
    own.node_name = name;
    own.incarnation = incarnation;
    own.address = address();
    if (auto* store = seen_store_.load()) {
      const auto point = store->point();
      own.store_id = point->identity.store_id;
      own.generation = point->identity.generation;
      own.cursor = point->at;
      own.history_hash = point->hash;
      own.primary = point->primary;
    }
    return own;
  }
  void listen(int descriptor) {
    actors::link_listener_config config;
    config.hello = [this] { return hello(); };
    config.accept = [this](const cluster::link_hello& peer) {
      const auto own = hello();
      return actors::may_dial_store(own, peer).map([&] { return own; });
    };
    server_ = std::make_unique<actors::link_server>(*loop_, services_, actors::link_server_config{});
    config.deliver = actors::deliver_to_store(*links_, actors::deliver_to({}, {loop_.get(), server_.get()}));
    listener_ = std::make_unique<actors::link_listener>(*loop_, descriptor, std::move(config));
    listener_->start();
  }
  void on_loop(const std::function<void()>& job) {
    std::promise<void> done;
    loop_->post([&] {
      job();
      done.set_value();
    });
    done.get_future().wait();
  }
  void stop_links() {
    links_.reset();
    loop_->stop();
    loop_.reset();
  }

  std::vector<std::string> seeds_;
  std::unique_ptr<actors::event_loop> loop_;
  std::shared_ptr<actors::store_links> links_;
  const actors::link_services services_;  ///< none
  std::unique_ptr<actors::link_server> server_;
  std::unique_ptr<actors::link_listener> listener_;
  std::unique_ptr<actors::built_in_store> store_;
  std::atomic<actors::built_in_store*> seen_store_ = nullptr;
};

}  // namespace troupe::tests
