// One worker process: the channel over which it gets calls and answers them, its output, its deadlines, its memory and
// its end. Bound to one loop, whose router queues for it.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/function_load.hpp"
#include "actors/function_logs.hpp"
#include "actors/loop_bound.hpp"
#include "actors/messages.hpp"
#include "actors/spawner_link.hpp"
#include "config/live_value.hpp"
#include "config/outbox.hpp"
#include "functions/event_shapes.hpp"
#include "functions/frame.hpp"
#include "functions/prefetch.hpp"
#include "functions/processor_use.hpp"
#include "functions/worker_payload.hpp"

namespace troupe::actors {

class stem_pool;

struct worker_limits {
  std::size_t max_payload_bytes = 6'291'556;  ///< of an event and of an answer
  milliseconds init_timeout{10'000};
  milliseconds stop_timeout{2'000};                              ///< between the request to stop and the kill
  live_value<milliseconds> idle_timeout{milliseconds{600'000}};  ///< a change counts after the next call
  milliseconds ping_timeout{1'000};
  milliseconds memory_interval{50};  ///< between two looks at the memory of a worker that has work
  bool starts_lowered = false;       ///< its priority is restored when it has loaded
};

struct worker_config {
  std::uint64_t instance = 0;
  functions::function_ref spec;
  functions::worker_surroundings surroundings;  ///< its log stream comes with the process
  std::shared_ptr<function_load> load;
  std::shared_ptr<function_log_ring> log;
  spawner_link* spawner = nullptr;
  stem_pool* stems = nullptr;
  router_actor router;  ///< of the same loop
  supervisor_actor supervisor;
  worker_limits limits;
};

class worker_instance final : public loop_bound<worker_actor::base>,
                              private watcher,
                              private batch_listener,
                              private timer_listener {
public:
  worker_instance(caf::actor_config& config, worker_config what);
  ~worker_instance() override;

  behavior_type make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "worker_instance"; }

private:
  using promise = caf::typed_response_promise<functions::outcome_ptr>;
  /// `waiting`: there is no process yet.
  enum class phase : std::uint8_t { waiting, starting, loading, ready, retiring, dying };
  struct running_call {
    promise answer;
    functions::invocation_ptr call;
    time_point started_at{};      ///< not set while it waits inside the worker behind another
    std::uint64_t sequence = 0;   ///< 0: the place is free
    std::uint64_t log_begin = 0;  ///< where its lines begin in the ring
    bool taken_back = false;      ///< the worker was asked not to run it
    bool start_logged = false;
    bool started() const noexcept { return started_at != time_point{}; }
  };
  /// Reads what the process prints on its standard output and error.
  struct output_watcher final : watcher {
    explicit output_watcher(worker_instance& owner) : instance{owner} {}
    void on_ready(std::uint32_t) override { instance.read_output(); }
    worker_instance& instance;
  };

  /// Memory may be short for it: what comes after it is done nevertheless.
  template <class Job>
  static void attempt(Job job) noexcept {
    try {
      job();
    } catch (const std::exception&) {
      // The router sees that the instance takes no calls; the others wait for what their time-outs bring.
    }
  }

  // worker_channel.cpp
  void on_channel(const worker_ends_ptr& ends);
  void on_ready(std::uint32_t events) override;
  void on_batch_end() override;
  void read_channel();
  void receive();
  void read_output();
  void drain_output();
  void log_output(std::string_view bytes, bool last);
  void skip_lines(std::string_view& bytes);
  bool log_line();
  void on_frame(const functions::frame& frame);
  void on_hello(const functions::frame& frame);
  void on_loaded();
  void flush();
  void at_batch_end();
  void lose_channel(std::string why);

  // worker_calls.cpp
  caf::result<functions::outcome_ptr> run(const functions::invocation_ptr& call);
  void give(running_call& place, const functions::invocation_ptr& call);
  void take_out(running_call& place, std::size_t written, const functions::invocation& call);
  void send_back(promise answer, const functions::invocation_ptr& call);
  functions::outcome_ptr refusal(const functions::invocation& call, errc code, std::string detail);
  bool send_shaped(std::uint64_t call_id, functions::call_mark mark, const functions::call_fields& fields);
  void start(running_call& place, time_point now);
  void log_start(running_call& place);
  void start_next(time_point now);
  void settle(running_call& place, functions::outcome_ptr result);
  void hand_back(running_call& place);
  void answered(const functions::frame& frame);
  running_call* find(std::uint64_t call_id);
  void fail_running(errc code, const std::string& detail, int wait_status, bool exited);
  void expire_calls(time_point now);
  void take_back_waiting(time_point now);
  void free_slot();
  void free_place(running_call& place);

  // worker_instance.cpp
  void on_process(const functions::spawner_event& event);
  void on_exited(const functions::worker_exited& exited);
  void on_timer(time_point now) override;
  void rearm(time_point now);
  void look_at_memory(time_point now);
  void look_at_work(time_point now);
  void look_at_idle_work(time_point now);
  void retire(std::string why);
  void on_leaving();
  void stop();
  void halt();
  void stop_if_done();
  void kill();
  void end(functions::failure why);
  void leave_router();
  void leave_unplanned() noexcept;

  worker_config what_;
  std::shared_ptr<worker_slots> slots_;
  std::vector<running_call> places_;
  std::uint64_t next_sequence_ = 1;
  functions::frame_reader reader_;
  output_watcher output_watcher_;
  functions::prefetch_depth prefetch_;
  outbox out_;
  std::optional<functions::event_shapes> shapes_;  ///< of a worker that takes them
  std::vector<functions::json_span> varying_;      ///< of the event in hand
  buffer values_;                                  ///< the same
  std::optional<std::uint64_t> told_shape_;        ///< by the call in hand
  std::string partial_line_;
  int channel_ = -1;
  int output_ = -1;
  phase phase_ = phase::waiting;
  pid_t pid_ = 0;
  bool joined_router_ = false;
  bool stop_requested_ = false;
  bool kill_wanted_ = false;
  bool batch_end_pending_ = false;
  bool channel_ended_ = false;  ///< its end, or an error, has been announced: read on until it is reached
  bool channel_waits_ = false;  ///< the kernel may hold more
  bool output_waits_ = false;
  bool writable_ = true;
  bool rested_ = false;            ///< before the call that is being sent
  bool told_router_ = false;       ///< in this batch, that there is room
  bool over_memory_ = false;       ///< killed, or ended by its own runtime, for want of memory
  bool timed_out_ = false;         ///< retired because a call did
  bool closed_by_worker_ = false;  ///< its channel, before the node ended it
  bool killed_ = false;            ///< not by the node
  bool ended_ = false;             ///< the supervisor knows; what is left in the mailbox goes back
  bool init_reported_ = false;     ///< a call has carried the time of the start
  std::uint64_t max_memory_kb_ = 0;
  time_point memory_seen_at_{};
  functions::processor_use seen_use_{};  ///< at the last look, as `seen_busy_`
  duration seen_busy_{};
  const time_point begun_at_ = clock::now();  ///< its start, before it had a process
  time_point born_at_{};
  time_point loaded_at_{};
  time_point last_used_{};
  time_point stop_deadline_ = time_point::max();
  time_point ping_deadline_ = time_point::max();
  std::optional<functions::failure> load_failure_;
  std::string end_reason_;
};

}  // namespace troupe::actors
