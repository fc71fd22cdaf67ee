// What the actor behind the admin port needs of its node.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/deployer.hpp"
#include "actors/event_journal.hpp"
#include "actors/first_starts.hpp"
#include "actors/function_logs.hpp"
#include "actors/level_reads.hpp"
#include "cluster/catalog_store.hpp"
#include "http/admin_answers.hpp"
#include "http/cluster_view.hpp"
#include "http/control_api/lambda_body.hpp"
#include "http/settings_view.hpp"

namespace troupe::http {

/// `joining`: it waits for a node that can give it the store.
enum class node_state : std::uint8_t { starting, ready, draining, joining };
/// As the admin port calls it.
std::string_view to_string(node_state state) noexcept;

/// What the admin port asks of the cluster side of a node; empty functions for a node alone. On the control loop.
struct cluster_questions {
  /// Fills in what concerns the store of this node.
  std::function<void(node_view& own)> describe_own;
  /// The other registered nodes as this one sees them.
  std::function<std::vector<node_view>()> peers;
  /// What the other nodes' journals have behind `from`, and who did not answer; once, within about a second.
  using journals = std::function<void(std::vector<journal_part>, std::vector<std::string> silent)>;
  std::function<void(const event_position& from, journals)> events;
  /// The same of their lines of a function's log, about `room` bytes of each.
  std::function<void(const uuid& function, const event_position& from, std::size_t room, journals)> logs;
  /// Instances of a function at the other nodes, as they told last.
  std::function<instance_counts(const uuid& function)> instances;
  /// `done` comes once, on the control loop.
  using done = std::function<void(expected<void>)>;
  std::function<void(const std::string& name, done)> remove_node;
  std::function<void(const std::string& to, done)> move_store;
};

/// What the admin port asks about the node's settings; empty functions for a program that embeds a node and sets its
/// options itself. On the control loop.
struct settings_questions {
  std::function<settings_view()> view;
  /// `done` comes once, on the control loop, when what changed counts everywhere.
  using done = std::function<void(tl::expected<reload_view, reload_refusal>)>;
  std::function<void(done)> reload;
};

struct control_surroundings {
  actors::deployer_actor deployer;
  actors::catalog_follower* follower = nullptr;
  actors::level_reads* reads = nullptr;
  actors::function_registry* registry = nullptr;
  actors::function_logs* logs = nullptr;
  actors::work_thread* files = nullptr;
  functions::code_store* code = nullptr;  ///< on the files thread only
  std::shared_ptr<const std::vector<actors::router_actor>> routers;
  std::shared_ptr<const actors::first_starts> starts;
  std::vector<std::string> allowed_hosts;
  actors::event_journal* journal = nullptr;
  cluster::catalog_store* store = nullptr;
  uuid node_id;
  uuid incarnation;  ///< of this start
  std::string node_name;
  std::vector<std::string> http_addresses;
  std::string admin_address;
  std::shared_ptr<const std::atomic<node_state>> state;
  std::shared_ptr<const std::atomic<bool>> stalled;  ///< null: nobody looks

  lambda_surroundings lambda;
  /// Of the store's history as of now; on the control loop. Revision ids are made of it.
  std::function<cluster::store_identity()> identity = [] { return cluster::store_identity{}; };
  cluster_questions cluster;
  settings_questions settings;
  /// What `/metrics` answers; on the control loop.
  std::function<std::string()> metrics;
  std::uint64_t max_code_bytes = 0;  ///< what the disk of the data directory can hold
  milliseconds start_allowance{};    ///< how long an invoke waits beside the function's own timeout
};

}  // namespace troupe::http
