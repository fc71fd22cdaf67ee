// The store of one node with all that it stands on, and no more of a node than that: a loop, a port, links. In a test's
// own process (store_peer) or in one of its own (tests/store).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_listener.hpp"
#include "actors/link_server.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/stores/store_links.hpp"
#include "config/errc.hpp"

namespace troupe::tests {

class store_host {
public:
  store_host(std::string shown_name, cluster::node_id shown_id, std::vector<std::string> seeds);
  ~store_host() { stop(); }
  store_host(const store_host&) = delete;
  store_host& operator=(const store_host&) = delete;

  /// At the port that it had before.
  expected<void> start();
  /// To the others as if it had been killed: connections break, nothing more is said.
  void stop();
  bool runs() const noexcept { return store_ != nullptr; }

  actors::built_in_store& store() { return *store_; }
  actors::event_loop& loop() { return *loop_; }
  /// Where others dial it.
  std::string address() const { return advertised.empty() ? to_string(where) : advertised; }
  /// Runs `job` on the loop and waits for its end.
  void on_loop(const std::function<void()>& job);

  const std::string name;
  const cluster::node_id id;
  uuid incarnation;
  endpoint where{"127.0.0.1", 0};
  // For the next start:
  actors::cluster_store_options options;
  std::string advertised;  ///< `HOST:PORT`; empty: `where`
  std::string from_host;   ///< own address to dial from; empty: the system's choice
  bool linked = true;      ///< otherwise it is a node alone

private:
  cluster::link_hello hello() const;
  void listen(int descriptor);
  void stop_links();

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
