// Keeps this node's session with the store: opens it, renews it, opens another when it was lost. On the control loop;
// when what is due is decided by cluster::session.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/event_loop.hpp"
#include "actors/stores/cluster_store.hpp"
#include "cluster/session.hpp"

namespace troupe::actors {

class live_session final : private tick_listener {
public:
  /// `now` is `superseded` or `rejected`: the process must end (exit code 1 or 2). `why`: one line for people.
  using end_callback = std::function<void(cluster::session::state now, const std::string& why)>;
  /// The store granted or renewed the session: when it was asked, its newest commit was at most `tip`.
  using granted_callback = std::function<void(cluster::cursor tip, time_point asked_at)>;

  live_session(event_loop& control, built_in_store& store, cluster::session_options options, end_callback on_end,
               granted_callback on_granted);
  ~live_session();
  live_session(const live_session&) = delete;
  live_session& operator=(const live_session&) = delete;

  // -- on the control loop only
  void start();
  void stop();
  /// The store has another history: what was granted is void.
  void history_replaced();
  const cluster::session& session() const noexcept { return session_; }

private:
  void on_tick(time_point now) override;
  void answered(const cluster::store_answer& answer, time_point asked_at);

  event_loop& loop_;
  built_in_store& store_;
  const std::string address_;  ///< of this node, for messages
  cluster::session session_;
  end_callback on_end_;
  granted_callback on_granted_;
  bool started_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::actors
