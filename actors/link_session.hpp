// One connected link on its loop: the stream and the state behind it. Own calls have a callback, calls of the peer go
// to the services. Who dials or accepts decides what comes before and after (node_link, link_server).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/link_call.hpp"
#include "actors/link_counts.hpp"
#include "actors/link_stream.hpp"
#include "cluster/link_state.hpp"
#include "cluster/sleep_watch.hpp"

namespace troupe::actors {

/// Why a session ended.
struct session_end {
  stream_end end = stream_end::closed;
  bool rejected = false;  ///< one side did not want the other, or broke the protocol
  std::string detail;
};

/// Told what becomes of a session. Must keep it until the batch ends before dropping it.
class session_owner {
public:
  /// The peer's hello is there; `close` refuses it.
  virtual void on_session_open(link_session& session) = 0;
  /// Comes once, last of all.
  virtual void on_session_end(link_session& session, const session_end& why) = 0;

protected:
  ~session_owner() = default;
};

/// On its loop's thread only; held by shared pointers alone.
class link_session final : public std::enable_shared_from_this<link_session>, private stream_user {
public:
  /// @param services  null: whatever the peer calls is refused.
  /// @param counts    where what it carries is counted; null: nowhere.
  link_session(event_loop& loop, session_owner& owner, const link_services* services, cluster::link_state state,
               std::unique_ptr<stream_cipher> cipher, std::shared_ptr<link_counts> counts = nullptr);
  ~link_session();

  /// The session ends by `on_session_end` also when this fails at once.
  void dial(const endpoint& peer, const std::string& from_host, milliseconds user_timeout);
  /// `received`: what the peer sent behind its hello.
  void adopt(int descriptor, std::string_view received, milliseconds user_timeout);

  expected<std::uint64_t> call(cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                               call_callback done);
  void cancel(std::uint64_t call);
  /// Takes no new calls of the peer from now on.
  void drain();
  void close(session_end why);
  /// Each 100 ms.
  void on_tick(time_point now);

  const cluster::link_state& state() const noexcept { return state_; }
  const stream_cipher* cipher() const noexcept { return stream_.cipher(); }
  const std::shared_ptr<const cluster::link_hello>& peer_hello() const noexcept { return peer_hello_; }
  /// Whether no call of the peer runs and all answers have left.
  bool idle() const noexcept;

private:
  friend class incoming_call;
  /// What is being told, and to whom: taken out before anybody is told, who may make and cancel calls.
  struct telling {
    cluster::link_event event;
    call_callback done;
  };

  void on_stream_open() override;
  void on_stream_bytes(std::string_view bytes) override;
  void on_stream_turn() override;
  void on_stream_pull(buffer& out, std::size_t up_to) override;
  void on_stream_written(std::size_t count) override { state_.on_written(count); }
  void on_stream_closed(const stream_failure& why) override;

  void notice_sleep();
  void dispatch();
  void take_events();
  bool has_turn(const telling& what);
  void count(counter_cell link_counts::*what) noexcept;
  void tell(telling& what);
  void begin(cluster::link_event& event);
  void serve(cluster::link_event& event);
  void abandon(std::uint64_t call);
  void finish(const cluster::link_event& event);
  void settled(std::uint64_t call) noexcept;

  event_loop& loop_;
  session_owner& owner_;
  const link_services* services_;
  cluster::link_state state_;
  std::shared_ptr<link_counts> counts_;  ///< null: nobody asks
  link_stream stream_;
  std::shared_ptr<const cluster::link_hello> peer_hello_;
  std::vector<call_callback> callbacks_;  ///< by place
  std::vector<incoming_call*> served_;    ///< by place; null: none unsettled
  std::vector<telling> telling_;
  std::size_t told_ = 0;        ///< of `telling_`
  std::size_t calls_left_ = 0;  ///< calls of the peer that run before it is asked whose turn it is
  bool dispatching_ = false;
  bool owes_an_answer_ = false;  ///< that there was no memory for: the next tick closes the link instead
  std::optional<session_end> end_;
  cluster::sleep_watch sleep_watch_;
};

}  // namespace troupe::actors
