// One connected link in a simulated process: a wire and the link's state behind it, driven as actors/link_session and
// link_stream do.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cluster/link_dialing.hpp"
#include "cluster/link_state.hpp"
#include "cluster/sleep_watch.hpp"
#include "credit_meter.hpp"
#include "loop.hpp"
#include "wires.hpp"

namespace troupe::sim::calls {

class session;

/// What became of an own call.
struct call_result {
  enum class kind : std::uint8_t { answered, not_run, lost } how = kind::lost;
  errc code{};
  std::string text;
  buffer head;
  buffer body;
};
using call_callback = std::function<void(call_result)>;

/// A call of the peer. Exactly one of `answer`, `refuse` settles it; on a link that has ended they do nothing.
class incoming_call {
public:
  incoming_call(session& on, std::uint64_t id) : on_{&on}, id_{id} {}
  void answer(buffer head, buffer body);
  void refuse(errc code, std::string_view detail);
  void abandon();

  buffer head;
  buffer body;
  time_point deadline{};
  std::function<void()> when_abandoned;

private:
  session* settle();
  session* on_;
  std::uint64_t id_;
};
using incoming_call_ptr = std::shared_ptr<incoming_call>;

struct session_end {
  cluster::link_break why = cluster::link_break::closed;
  std::string detail;
};

class session_owner {
public:
  virtual void on_session_open(session& which) = 0;
  virtual void on_session_end(session& which, const session_end& why) = 0;
  virtual void serve(incoming_call_ptr call) = 0;

protected:
  ~session_owner() = default;
};

class session final : public std::enable_shared_from_this<session>, private wire_user {
public:
  session(process& of, loop& on, session_owner& owner, cluster::link_state state);
  ~session();

  void dial(std::size_t to);
  /// `received`: behind the peer's hello.
  void adopt(wire_ptr accepted, std::string_view received);
  expected<std::uint64_t> call(buffer head, buffer body, time_point deadline, call_callback done);
  void cancel(std::uint64_t call);
  void drain();
  void close(session_end why);
  void on_tick(time_point now);

  const cluster::link_state& state() const noexcept { return state_; }
  const wire_ptr& carrier() const noexcept { return wire_; }
  std::uint64_t outstanding_bytes() const noexcept { return meter_.outstanding(); }
  /// Nothing of it is left for calls that have ended.
  bool is_empty() const noexcept;

private:
  friend class incoming_call;
  void on_wire() override;
  void look();
  void read();
  void notice_sleep();
  void dispatch();
  void tell(cluster::link_event event, const call_callback& done);
  void want_write();
  void flush();
  std::size_t side() const noexcept { return dialed_ ? 0 : 1; }

  process& of_;
  loop& loop_;
  session_owner& owner_;
  cluster::link_state state_;
  wire_ptr wire_;
  credit_meter meter_;
  bool dialed_ = false;
  bool looking_ = false;
  bool writing_ = false;
  bool dispatching_ = false;
  buffer out_;
  std::size_t sent_ = 0;
  std::size_t unreported_ = 0;
  std::map<std::uint64_t, call_callback> callbacks_;
  std::map<std::uint64_t, std::weak_ptr<incoming_call>> served_;
  std::optional<session_end> end_;
  cluster::sleep_watch sleep_watch_;
};

}  // namespace troupe::sim::calls
