// The cluster side of a node, put together and taken apart: the sockets of links and control plane, the peers as each
// loop sees them, the node's session with the store. A node alone has none of it.
#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/call_receiver.hpp"
#include "actors/code_fetcher.hpp"
#include "actors/code_service.hpp"
#include "actors/code_spreader.hpp"
#include "actors/control_links.hpp"
#include "actors/control_plane.hpp"
#include "actors/event_journal.hpp"
#include "actors/event_loop.hpp"
#include "actors/function_logs.hpp"
#include "actors/instance_planner.hpp"
#include "actors/link_listener.hpp"
#include "actors/link_server.hpp"
#include "actors/live_session.hpp"
#include "actors/membership.hpp"
#include "actors/peer_calls.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/stores/store_links.hpp"
#include "actors/tls_session.hpp"
#include "actors/wake_gate.hpp"
#include "cluster/catalog.hpp"
#include "cluster/node_bands.hpp"
#include "config/settings.hpp"
#include "http/cluster_view.hpp"

namespace troupe::cli {

struct cluster_identity {
  uuid node;
  std::string name;
  uuid incarnation;
};

/// What the cluster side needs of the rest of the node; all of it outlives `stop`.
struct cluster_surroundings {
  std::vector<actors::event_loop*> loops;
  actors::event_loop* control = nullptr;
  /// Runs a job on every one of `loops`, given its index, or on `control`, and waits for it; a loop that is stuck for
  /// good ends the process. On the node's own thread.
  std::function<void(const std::function<void(std::size_t index)>&)> on_each_loop;
  std::function<void(const std::function<void()>&)> on_control;
  actors::event_journal* journal = nullptr;
  actors::function_logs* logs = nullptr;
  actors::work_thread* files = nullptr;
  functions::code_store* code = nullptr;
  /// The node's load as of now, and calls that an instance of a function takes at a time. On the control loop.
  std::function<cluster::node_load()> load;
  std::function<std::uint32_t(const uuid& function)> slots_per_instance;
  /// What the functions of this node do about bands; see `actors::function_registry`. On the control loop.
  std::function<void(const uuid& function, std::function<void(expected<void>)> kept)> apply_band;
  std::function<void()> refresh_bands;
  std::function<void(const uuid& function, std::uint64_t version,
                     std::function<void(const actors::start_report&)> done)>
      await_start;
  /// All of this code has come from another node. On the control loop.
  std::function<void(const digest& code)> code_arrived;
  /// Of the picture by which all loops answer; and runs `done` once that is at `at`. On the control loop.
  std::function<cluster::cursor()> installed;
  std::function<void(cluster::cursor at, time_point deadline, std::function<void(bool there)> done)> when_installed;
  /// The store's authority answered: its newest commit was at most `tip` when it was asked. On the control loop.
  std::function<void(cluster::cursor tip, time_point asked_at)> authority_heard;
  /// This node may not go on: another one has its id. On the control loop; `code` is the exit code, `why` one line.
  std::function<void(int code, const std::string& why)> must_end;
};

class node_cluster {
public:
  /// Before any thread: reads the certificates and opens the socket of the links.
  /// @returns `errc::bad_setting` or `errc::io` naming the address or file.
  static expected<std::unique_ptr<node_cluster>> open(const cluster_settings& settings, cluster_identity self);
  ~node_cluster();
  node_cluster(const node_cluster&) = delete;
  node_cluster& operator=(const node_cluster&) = delete;

  /// Before the actor system is made.
  expected<void> prepare(caf::actor_system_config& config) const;
  /// With the loops running, before the store is opened and before the routers are made.
  void attach(cluster_surroundings around);
  std::shared_ptr<actors::store_network> network() const { return store_links_; }
  const endpoint& address() const noexcept { return advertised_; }
  std::vector<std::string> seeds() const;
  /// One entry per loop, for the routers.
  std::vector<actors::remote_calls*> remote() const;
  /// Begins to listen: peers are answered from now on. `store` outlives `stop`.
  void listen(caf::actor_system& system, actors::built_in_store& store,
              const std::vector<actors::router_actor>& routers);
  /// Once the node has a store's history: meets its peers and opens its session.
  /// @returns what keeps the control plane from listening.
  expected<void> meet(caf::actor_system& system);

  // -- on the control loop
  /// Who is registered, who lives.
  void adopt(const cluster::catalog_snapshot& snapshot);
  void history_replaced();
  const actors::membership& members() const noexcept { return *membership_; }
  const cluster::known_load* load_of(const uuid& node) const;
  /// What there is to see of the cluster side beside its members.
  struct figures {
    std::map<cluster::member_change::kind, std::uint64_t> changes;
    actors::code_fetcher::figures code;
    std::size_t control_contacts = 0;
    std::size_t control_requests = 0;      ///< not answered yet
    std::uint64_t control_unanswered = 0;  ///< in time
    std::optional<duration> session_age;   ///< since the session was last opened or renewed; nothing: there was none yet
  };
  figures look() const;
  actors::code_fetcher& fetcher() noexcept { return *fetcher_; }
  actors::spread_code spreading();
  /// A loop slept: `go_on` runs on the control loop once clients may be answered from this node's copy again.
  void slept(std::function<void()> go_on) { gate_->slept(std::move(go_on)); }
  // node_cluster_instances.cpp
  /// What this node may run of a function now, and what the function's home gave it.
  cluster::instance_band band_of(const functions::function_spec& spec);
  cluster::instance_band given_band(const uuid& function) const { return bands_.held(function); }
  /// The instances of this node have changed: others hear of it soon.
  void load_moved();
  /// Whether a peer that may be asked has instances of the function, or will have.
  bool runs_elsewhere(const uuid& function) const;
  /// Has a version started where the function runs, if it may not start here; see `actors::deployer_surroundings`.
  bool start_elsewhere(const uuid& function, std::uint64_t version, time_point deadline,
                       std::function<void(const actors::start_report&)> done);
  using journals = std::function<void(std::vector<http::journal_part>, std::vector<std::string> silent)>;
  /// What the other registered nodes have in their journals behind `from`; `done` comes once, after a second at most,
  /// with the names of those that did not answer.
  void read_journals(const http::event_position& from, journals done);
  /// The same of what a function wrote there, up to about `room` bytes of each.
  void read_logs(const uuid& function, const http::event_position& from, std::size_t room, journals done);

  // -- from the node's own thread
  /// Takes no new calls of peers and tells them so.
  void drain();
  /// Whether calls of peers run or their answers are on their way.
  bool busy();
  /// Ends the session, the links and the control plane. The actors have ended when the system's count has gone down.
  void stop();
  /// After that, while the loops still run: lets go of everything that lives on them.
  void dissolve();

private:
  struct loop_side {
    actors::event_loop* loop = nullptr;
    actors::link_services services;
    std::unique_ptr<actors::link_server> server;
    std::unique_ptr<actors::peer_calls> calls;
    actors::call_receiver_actor receiver;
  };

  node_cluster(cluster_settings settings, cluster_identity self)
      : settings_{std::move(settings)}, self_{std::move(self)} {}
  cluster::link_hello hello() const;
  expected<cluster::link_hello> judge(const cluster::link_hello& peer, cluster::link_purpose purpose) const;
  actors::node_link_config link_to(const uuid& peer, cluster::link_purpose purpose, std::size_t index) const;
  actors::node_link_config calls_link_to(const uuid& peer, std::size_t index);
  std::function<std::unique_ptr<actors::stream_cipher>()> cipher_maker(actors::tls_role role) const;
  void on_each_loop(const std::function<void(loop_side&)>& job);
  void make_membership();
  void make_code_exchange();
  void make_gate();
  void make_planner();
  void plan_functions(const cluster::catalog_snapshot& snapshot);
  std::vector<cluster::plan_member> plan_view();
  void tell_order(const cluster::band_order& order, time_point deadline, std::function<void(expected<void>)> done);
  void take_order(const cluster::band_order& order, const uuid& from, const uuid& incarnation,
                  std::function<void(expected<void>)> kept);
  void on_spawn(const uuid& from, const uuid& incarnation, const actors::spawn_request& what,
                std::function<void(expected<void>)> reply);
  cluster::home_standing standing_of_home(const uuid& function) const;
  std::uint32_t running_at(const uuid& node, const uuid& function) const;
  std::vector<uuid> reachable() const;
  void learn(const cluster::link_hello& peer);
  void set_control_peers();
  void tell(const cluster::member_change& change, const std::string& name);
  struct journal_reading;
  void read_all(const uuid& function, const http::event_position& from, std::size_t room, journals done);
  void read_on(const std::shared_ptr<journal_reading>& reading, std::size_t index);
  static bool take_page(journal_reading& reading, std::size_t index, cluster::event_page&& page, std::uint64_t after);
  static cluster::event_page log_page_of(actors::function_logs& logs, const uuid& function, std::uint64_t after);
  static cluster::event_page page_of(const actors::event_journal& journal, std::uint64_t after, std::uint32_t limit);

  const cluster_settings settings_;
  const cluster_identity self_;
  std::shared_ptr<const actors::tls_context> tls_;
  int socket_ = -1;
  endpoint bound_;
  endpoint advertised_;
  endpoint control_;
  std::atomic<actors::built_in_store*> store_{nullptr};
  cluster_surroundings around_;

  std::map<cluster::member_change::kind, std::uint64_t> changes_;
  std::optional<time_point> session_granted_at_;
  std::vector<std::unique_ptr<loop_side>> loops_;
  std::unique_ptr<loop_side> control_side_;
  std::shared_ptr<actors::store_links> store_links_;
  std::unique_ptr<actors::link_listener> listener_;
  std::unique_ptr<actors::membership> membership_;
  std::unique_ptr<actors::control_plane> plane_;
  std::unique_ptr<actors::control_links> control_links_;
  std::unique_ptr<actors::code_service> code_service_;
  std::unique_ptr<actors::code_fetcher> fetcher_;
  std::unique_ptr<actors::code_spreader> spreader_;
  std::unique_ptr<actors::wake_gate> gate_;
  std::unique_ptr<actors::live_session> session_;
  std::unique_ptr<actors::instance_planner> planner_;
  cluster::node_bands bands_;
  std::map<uuid, cluster::split_limits> limited_;  ///< functions with a minimum or a maximum
  std::map<uuid, cluster::function_presence> own_instances_;
  std::unordered_map<uuid, std::uint16_t> control_ports_;  ///< as the peers' hellos say
};

}  // namespace troupe::cli
