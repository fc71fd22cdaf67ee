// The part of cluster_store that belongs to the store's thread: runs a store_node, carries out what it wants done,
// keeps who waits. For cluster_store only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "actors/stores/cluster_store.hpp"
#include "actors/stores/published_point.hpp"
#include "actors/stores/span_quantile.hpp"
#include "actors/stores/store_disk.hpp"
#include "actors/stores/store_place.hpp"

namespace troupe::actors {

class store_engine {
public:
  template <class T>
  using callback = cluster::catalog_store::callback<T>;

  store_engine(cluster_store_options options, store_disk disk, cluster::store_node node,
               std::shared_ptr<published_point> point);

  void start();
  /// Writes what has to be written, if anything. `feed` hands over what came while the disk was busy, so that it shares
  /// the next write.
  void write(const std::function<void()>& feed);
  bool wants_write() const noexcept { return write_.has_value(); }
  /// Answers everything that waits, as refused; nothing may follow.
  void close();

  void open(time_point deadline, callback<expected<cluster::store_identity>> done);
  void load(time_point deadline, callback<expected<cluster::loaded_history>> done);
  void barrier(time_point deadline, callback<expected<cluster::cursor>> done);
  /// @param of  the generation that `from` is of; nothing: the present one.
  void follow(const std::optional<cluster::generation>& of, cluster::cursor from, time_point deadline,
              callback<cluster::follow_result> done);
  void call(cluster::store_call what, time_point deadline, callback<cluster::store_answer> done);
  cluster::store_status status() const;

  void link_up(const cluster::node_id& node, std::uint64_t session);
  void link_down(const cluster::node_id& node, std::uint64_t session);
  void link_failed(const cluster::node_id& node, const std::string& why) { node_.link_failed(node, why); }
  void received(const cluster::node_id& node, std::uint64_t session, std::string_view message);
  void probed(const cluster::node_id& node, const uuid& incarnation, bool alive);

  /// When `on_alarm` wants to be called next.
  time_point alarm() const;
  void on_alarm();

private:
  struct asked {
    callback<cluster::store_answer> done;
    std::optional<cluster::commit_id> id;
    bool repeatable = false;  ///< asking again does no harm, so that it is never unknown
    bool commits = false;
    std::optional<cluster::session_id> session;  ///< of this node, opened or renewed
    time_point asked_at{};
  };
  struct follower {
    cluster::cursor from;
    time_point deadline;
    callback<cluster::follow_result> done;
  };
  /// Waits for a history.
  struct waiter {
    time_point deadline;
    std::function<void(const error* why_not)> done;
  };

  void act(cluster::store_actions actions);
  void carry_out(cluster::send_message& action);
  void carry_out(cluster::persist_rows& action) { write_ = action; }
  void carry_out(cluster::persist_whole& action) { write_ = std::move(action); }
  void carry_out(cluster::answer_call& action);
  void carry_out(cluster::store_event& action);
  void carry_out(cluster::role_changed& action);
  void carry_out(cluster::records_changed& action);
  void carry_out(cluster::history_replaced& action);
  void carry_out(cluster::sessions_ended& action);
  void carry_out(cluster::probe_incarnation& action);
  void persist(const cluster::persist_rows& action, const std::function<void()>& feed);
  expected<std::string> keep(const cluster::persist_whole& action);
  expected<void> replace(const cluster::persist_whole& action, const std::string& kept);

  void when_there(time_point deadline, std::function<void(const error* why_not)> done);
  void answer_followers(bool whole);
  void answer_waiters();
  void expire(time_point now);
  void publish();
  void publish_health();
  void note(const asked& call, const cluster::store_answer& answer);
  void lose_session();
  void review_links();
  void remember_place(time_point now);
  bool alone() const;
  cluster::store_now now() const;
  milliseconds tick_interval() const;

  const cluster_store_options options_;
  store_disk disk_;
  cluster::store_node node_;
  cluster::store_role role_ = cluster::store_role::empty;
  cluster::node_id primary_;
  cluster::store_identity identity_;
  std::optional<std::variant<cluster::persist_rows, cluster::persist_whole>> write_;
  std::uint64_t next_call_ = 0;
  std::unordered_map<std::uint64_t, asked> calls_;
  std::vector<follower> followers_;  ///< all of them at the tip
  std::vector<waiter> waiters_;
  cluster::cursor known_from_;                            ///< older cursors may be of another history
  std::unordered_set<cluster::commit_id> in_doubt_;       ///< their transaction may or may not be in the file
  std::map<cluster::node_id, std::uint64_t> sessions_;    ///< of the network
  std::vector<cluster::probe_incarnation> unanswerable_;  ///< nobody can be asked
  std::vector<cluster::wanted_link> wanted_;
  std::vector<std::string> sought_;
  bool links_due_ = true;
  std::optional<store_place> place_;
  time_point place_due_{};
  time_point ticked_at_{};
  cluster::cursor told_tip_;                    ///< the furthest that another node is known to be
  std::optional<cluster::session_id> session_;  ///< this node's, as far as calls here have shown
  std::uint64_t sessions_lost_ = 0;
  span_quantile commits_took_;
  span_quantile writes_took_;
  const std::shared_ptr<published_point> point_;
};

/// What a caller of a closed store is told.
error closed_store_error();
/// What is said when a call's time was over before anything was done about it.
error late_call_error();

}  // namespace troupe::actors
