// The store of a node: `cluster::store_node` decides, a SQLite file keeps, one thread runs both, and a network reaches
// the stores of other nodes. A node alone has the same engine without a network.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/stores/store_cells.hpp"
#include "actors/stores/store_network.hpp"
#include "cluster/catalog_source.hpp"
#include "cluster/cluster_store.hpp"
#include "cluster/store_node.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

/// What others are told of a store, in the hello of their links.
struct store_point {
  cluster::store_role role = cluster::store_role::empty;
  cluster::store_identity identity;
  cluster::cursor at;  ///< durable
  digest hash;
  cluster::node_id primary;
};

/// Told on the store's thread; must neither block nor close the store. All may be empty.
struct store_notices {
  std::function<void(const cluster::store_event&)> on_event;
  std::function<void(cluster::store_role role, const cluster::node_id& primary)> on_role;
  /// Sessions and claims of this node are gone. Followers get a `gap` once the new history is here.
  std::function<void(const cluster::store_identity&)> on_history_replaced;
  std::function<void(const std::vector<cluster::session_id>&)> on_sessions_ended;
};

/// Writes the commits of `records` after `cut` to a new file in the data directory, durably. On the store's thread.
/// @returns the file's path. On an error nothing is replaced; it is tried again.
using commit_keeper = std::function<expected<std::string>(const cluster::store_identity& replaced,
                                                          const cluster::history& records, cluster::cursor cut)>;

struct cluster_store_options {
  std::string data_dir;             ///< must exist; the file is `<data_dir>/store.db`, mode 0600
  std::string vfs{};                ///< name of a registered SQLite VFS; empty: the operating system's files
  std::size_t max_waiting = 1'024;  ///< calls of this node that are not answered; more are refused with `unavailable`
  std::size_t max_waiting_bytes = std::size_t{64} << 20;   ///< keys and values in them
  std::size_t max_followers = 128;                         ///< that wait for the next commit; more are refused
  std::size_t max_arrived_bytes = std::size_t{128} << 20;  ///< of messages that wait for the store; more end a session
  cluster::store_node_options node{};                      ///< `self.id` and, with a network, addresses must be there
  std::shared_ptr<store_network> network{};                ///< null: a node alone
  /// `HOST:PORT` of nodes that may know the cluster. With them an empty directory joins and never founds.
  std::vector<std::string> seeds{};
  store_notices notices{};
  /// For commits that a restore elsewhere cut off. Empty: they stay in the file that is set aside.
  commit_keeper keep_commits{};
};

/// The built-in engine, with what only it can be asked.
class built_in_store : public cluster::cluster_store, public cluster::catalog_source {
public:
  template <class T>
  using callback = cluster::catalog_store::callback<T>;

  /// Any call that the built-in engine knows (registrations and moves among them); bounds and deadlines as for
  /// `commit`.
  virtual void call(cluster::store_call what, time_point deadline, callback<cluster::store_answer> done) = 0;
  virtual void status(time_point deadline, callback<expected<cluster::store_status>> done) = 0;
  /// A backup of this node's copy was written: `health` tells how long ago. From any thread.
  virtual void backed_up(time_point at) = 0;
  /// From any thread, never null.
  virtual std::shared_ptr<const store_point> point() const = 0;
  /// What was counted since it was opened. From any thread, as long as the store lives.
  virtual const store_cells& cells() const = 0;
};

/// Opens the store of a data directory. Where there is none: makes one with a new identity, or, with seeds, waits to
/// join. A copy that is damaged is set aside, and one that is missing or set aside is loaded anew. Reads and checks the
/// whole file, so it blocks: call it at the start of a node, not on a loop.
///
/// Of the store it returns:
/// - callbacks run on the store's thread and must not block or call `close`; refusals of a full queue or a closed store
///   run on the calling thread, before the call returns.
/// - a commit whose deadline passed before it was begun is answered `unavailable` and certainly not applied; one that
///   was begun at this node is answered when the disk has answered, which may be later than its deadline; one that was
///   sent to another node and not answered is `unknown_outcome` at its deadline.
/// - after a failed write (not: a full disk) a primary refuses commits with the reason until the store is opened anew;
///   reads go on.
/// - `open` and `load` of a node that has not joined yet wait until it has, or for their deadline.
///
/// @returns `errc::corrupt` when the file is damaged, naming it and both ways out; `errc::io` when the operating system
/// refuses; `errc::refused` when another process has it open or a newer troupe wrote it; `errc::full` without space;
/// `errc::bad_usage` without `node.self.id`.
expected<std::unique_ptr<built_in_store>> open_cluster_store(cluster_store_options options);

}  // namespace troupe::actors
