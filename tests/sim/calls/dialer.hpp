// The link of one loop to one peer, dialing side, as actors/node_link is: dials, says hello, carries calls, dials
// again.
#pragma once

#include <functional>
#include <memory>

#include "cluster/link_dialing.hpp"
#include "cluster/suspicion.hpp"
#include "session.hpp"

namespace troupe::sim::calls {

/// What the control loop sees of a link.
using pulse = cluster::link_tick;

class dialer final : public session_owner {
public:
  dialer(process& of, loop& on, std::size_t peer);
  ~dialer();

  void start();
  void stop();
  void poke();
  void on_tick(time_point now);
  expected<std::uint64_t> call(buffer head, buffer body, time_point deadline, call_callback done);
  void cancel(std::uint64_t call);
  bool takes_calls() const;

  std::shared_ptr<const pulse> beat() const noexcept { return pulse_; }
  const session* open_session() const noexcept { return dialing_.up() ? session_.get() : nullptr; }
  /// Nothing is left of calls that have ended.
  bool is_empty() const noexcept { return session_ == nullptr || session_->is_empty(); }

private:
  void on_session_open(session& which) override;
  void on_session_end(session& which, const session_end& why) override;
  void serve(incoming_call_ptr call) override;
  void dial();
  void wait();
  void tell(cluster::link_break why);
  time_point last_heard() const noexcept;

  process& of_;
  loop& loop_;
  std::size_t peer_;
  cluster::link_dialing dialing_;
  std::shared_ptr<session> session_;
  time_point last_heard_{};
  std::shared_ptr<pulse> pulse_ = std::make_shared<pulse>();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::sim::calls
