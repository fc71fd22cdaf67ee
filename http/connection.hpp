// One client connection: reads requests one after the other, has each answered by the router (or the admin API), writes
// the answers in order. An actor bound to its loop; everything runs on that loop's thread.
#pragma once

#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/loop_bound.hpp"
#include "http/edge.hpp"

namespace troupe::http {

/// Told to close when its loop goes down.
using connection_actor = caf::typed_actor<caf::reacts_to<caf::close_atom>>;

class connection final : public actors::loop_bound<connection_actor::base>,
                         private actors::watcher,
                         private actors::batch_listener,
                         private body_holder {
public:
  /// @param over_budget  answers 503 to the first request and closes.
  connection(caf::actor_config& config, edge& shared, int descriptor, std::string peer_address,
             std::uint16_t local_port, bool over_budget);
  ~connection() override;

  behavior_type make_behavior() override;
  const char* name() const override { return "connection"; }

  // -- called by the edge
  // -------------------------------------------------------------------------------------------------
  void on_sweep(time_point now);
  void begin_drain();
  void end_drain();
  /// The request that waited for the end of a hold, if any, is served now.
  void go_on();
  /// The loop's bodies take too much memory, and this client's is the one to go.
  void give_way();

private:
  friend class edge;
  enum class phase : std::uint8_t { head, body, calling, writing, lingering, closed };

  /// Runs `job`; a fault of this client's alone, memory above all, ends its connection and nothing else.
  template <class Job>
  void guarded(Job job) {
    enter();
    try {
      job();
    } catch (const std::exception& problem) {
      drop(problem.what());
    }
  }
  void drop(std::string_view reason);

  // Reading.
  void on_ready(std::uint32_t events) override;
  void serve(std::uint32_t events);
  void on_batch_end() override;
  void receive();
  bool receive_once();
  void take(std::string_view bytes);
  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  /// After a `recv` without bytes. @returns whether to try again at once.
  bool on_nothing_received(ssize_t got, int problem);
  void on_end_of_input();
  void resume_input();

  // Calling.
  void on_request_complete();
  void hold(functions::http_request_ptr request);
  void call_function(functions::http_request_ptr request);
  void call_admin(functions::http_request_ptr request);
  void finish(std::uint32_t call, const functions::outcome_ptr& result);
  void fail(std::uint32_t call, const caf::error& why);
  void answer_for(errc code, std::string detail);
  /// Tells who has the call that nobody waits for it any more.
  void leave_call() noexcept;
  void forget_call() noexcept;
  void forget_late_answer() noexcept;
  void on_call_timeout();
  void on_deadline();

  // Writing.
  /// `result`: what the function gave, if one was called.
  void answer(reply&& what, const functions::outcome* result = nullptr);
  std::size_t body_bytes(const reply& what) const noexcept;
  /// Counts how the present request ended and logs it. `what`: null when the client left before the answer.
  void record(const reply* what, const functions::outcome* result);
  void count_request(const reply* what, const functions::outcome* result, duration total) noexcept;
  void log_request(const reply* what, const functions::outcome* result, duration total);
  /// @param head  what came of it, when it was not read whole; otherwise it stands in `request_`.
  void refuse(const refusal& why, std::string_view head = {});
  void refuse_with(reply&& what, std::string_view head = {});
  void append_head(buffer& out, const reply& what, std::size_t body_bytes);
  ssize_t send_at_once(std::string_view head, std::string_view body);
  void go_on_writing(std::size_t sent, buffer& head, reply&& what, std::string_view body);
  void continue_write();
  void on_write_timeout();
  void note_unacknowledged();
  std::size_t taken_bytes() const noexcept override;
  void on_written();
  void cut_off();
  void linger();
  void close();

  void set_deadline(milliseconds from_now) { deadline_ = loop().now() + from_now; }
  void expect_next_request();

  edge& edge_;
  connection* next_ = nullptr;  ///< in the edge's list
  connection* previous_ = nullptr;
  caf::strong_actor_ptr self_;  ///< while the socket is open
  int descriptor_;
  std::uint16_t local_port_;
  phase phase_ = phase::head;
  bool keep_alive_ = true;
  bool http_1_1_ = true;
  bool head_only_ = false;    ///< the request was HEAD
  bool readable_ = false;     ///< the kernel may hold more bytes
  bool half_closed_ = false;  ///< the client sent its end: read on until it is reached
  bool taking_ = false;       ///< inside `take`: answers must not start another
  bool resuming_ = false;     ///< registered for the end of the batch
  bool over_budget_;
  bool timing_ = false;
  std::uint8_t late_answers_ = 0;
  std::uint32_t call_number_ = 0;
  time_point deadline_{};
  time_point body_deadline_{};
  std::string peer_address_;
  buffer pending_;                                    ///< received and not yet used
  std::size_t searched_ = 0;                          ///< of `pending_`, for the end of the head
  std::shared_ptr<functions::http_request> request_;  ///< being read
  std::uint64_t body_left_ = 0;
  std::unique_ptr<chunk_decoder> chunks_;           ///< of the body being read, if it is chunked
  functions::http_request_ptr held_;                ///< waits until this node's catalog is level again
  time_point arrived_at_{};                         ///< the whole request, or what was refused of it
  const functions::http_request* asked_ = nullptr;  ///< alive until its answer is written
  functions::invocation_ptr in_flight_;
  request_cells* counted_at_ = nullptr;             ///< of the route of `in_flight_`, which keeps them alive
  std::shared_ptr<std::atomic<bool>> caller_gone_;  ///< of the admin call in flight
  troupe::request_id request_id_{};
  std::size_t lingered_bytes_ = 0;

  buffer unsent_;       ///< head, and body if it was small
  reply unsent_reply_;  ///< keeps a large body
  std::string_view unsent_body_;
  int unacknowledged_ = 0;          ///< bytes in the kernel at the last look
  int earlier_unacknowledged_ = 0;  ///< of them, before `unsent_`, when it began
  std::size_t sent_ = 0;            ///< of `unsent_` and `unsent_body_` together
};

}  // namespace troupe::http
