// What the connections of one loop share: limits, routes, the router, the list of themselves. Belongs to its loop.
#pragma once

#include <array>
#include <atomic>
#include <caf/typed_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "actors/event_loop.hpp"
#include "actors/messages.hpp"
#include "cluster/sleep_watch.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/episode.hpp"
#include "http/access_log.hpp"
#include "http/body_budget.hpp"
#include "http/chunk_decoder.hpp"
#include "http/reply.hpp"
#include "http/request_head.hpp"
#include "http/responses.hpp"
#include "http/route_metrics.hpp"
#include "http/route_table.hpp"

namespace troupe::actors {
class router;
}

namespace troupe::http {

class connection;

using reply_ptr = std::shared_ptr<reply>;

/// A request of the admin port.
struct admin_call {
  functions::http_request_ptr request;
  std::shared_ptr<const std::atomic<bool>> caller_gone;  ///< set as soon as nobody waits for the answer
};

/// Answers requests of the admin port, each exactly once.
using admin_actor = caf::typed_actor<caf::replies_to<admin_call>::with<reply_ptr>>;

struct edge_options {
  head_limits head;
  chunk_limits chunks;
  std::size_t max_pipelined_bytes = 64 * 1024;    ///< read at a time; more stays in the kernel until it is needed
  std::size_t max_body_memory = ~std::size_t{0};  ///< per loop: of requests not whole yet, and answers not taken
  milliseconds header_timeout{10'000};
  milliseconds body_progress_timeout{30'000};
  milliseconds body_timeout{60'000};
  milliseconds idle_timeout{75'000};
  milliseconds write_progress_timeout{60'000};
  milliseconds call_timeout{30'000};   ///< HTTP has its answer by then; the function may run on
  milliseconds hold_timeout{1'000};    ///< how long a request waits after a sleep of the process
  milliseconds linger_timeout{2'000};  ///< how long bytes behind a refused request are still taken
  milliseconds drain_idle_timeout{5'000};
  error_mode errors = error_mode::strict;
  bool always_timing = false;
  access_log_mode access_log = access_log_mode::off;
  std::uint64_t access_log_one_in = 1;
  bool count_requests = true;
};

/// Why the node ends what a client wants of it, without the client's fault or for its slowness.
enum class turn_away : std::uint8_t {
  connections,  ///< more are open than there may be
  descriptors,  ///< there is no descriptor for one more
  memory,       ///< bodies need more than they may: it is slow with its own, or in taking it, or its answer is large
  slow_reader,  ///< it takes nothing of its answer for longer than it may
};
/// For metrics, in the order of `turn_away`.
inline constexpr std::array<std::string_view, 4> turn_away_names{"connections", "descriptors", "memory", "slow_reader"};

/// Counts the connections of all loops against one bound, and tells of what they lack no more than once.
struct connection_budget {
  static constexpr std::chrono::minutes quiet{1};

  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> max{0};
  std::array<std::atomic<std::uint64_t>, turn_away_names.size()> turned_away_clients{};  ///< by `turn_away`
  episode without_connections{quiet};
  episode without_descriptors{quiet};
  episode without_body_memory{quiet};
  episode without_answer_memory{quiet};

  void count(turn_away why, std::size_t clients = 1) noexcept {
    turned_away_clients[static_cast<std::size_t>(why)].fetch_add(clients, std::memory_order_relaxed);
  }
};

class edge final : private actors::tick_listener, private actors::batch_listener {
public:
  edge(actors::event_loop& loop, caf::actor_system& system, std::shared_ptr<const edge_options> options,
       std::shared_ptr<connection_budget> budget);

  // -- set before the first connection, swapped on the loop afterwards
  // ---------------------------------------------------
  std::shared_ptr<const route_table> routes;
  actors::router_actor router;
  actors::router* router_here = nullptr;  ///< the same one, to be asked without a message; null: only by messages
  admin_actor admin;                      ///< set for the admin port only: then nothing is routed
  /// Told when this loop has slept: `go_on` runs once, on this loop, as soon as requests may be answered by what this
  /// node knows of the catalog. Empty: they always may.
  std::function<void(std::function<void()> go_on)> after_sleep;

  actors::event_loop& loop() noexcept { return loop_; }
  const edge_options& options() const noexcept { return *options_; }
  /// Other options for what begins from now on; deadlines that run stay as they are. On the loop.
  void adjust(std::shared_ptr<const edge_options> options);

  /// On the loop, before the first connection and after the last.
  void start() { loop_.add_tick(*this); }
  void stop() {
    loop_.remove_tick(*this);
    loop_.cancel_batch_end(*this);
    access_.flush();
  }

  /// Takes over an accepted socket; closes it when the budget is spent, after a 503.
  void adopt(int descriptor, std::string peer_address, std::uint16_t local_port);

  /// Whether a request that has arrived must wait, since this loop slept and nobody has said `go_on` yet.
  bool holds_requests();

  bool draining() const noexcept { return draining_; }
  /// From now on each answer closes its connection, and silence of `drain_idle_timeout` does.
  void begin_drain();
  /// Answers what still runs with 503 and closes.
  void end_drain();
  /// Closes what is left, without a word.
  void close_all();
  /// Calls `done` on this loop as soon as no connection is left.
  void when_empty(std::function<void()> done);
  std::size_t connections() const noexcept { return count_; }

  // -- for connections
  // ----------------------------------------------------------------------------------------------------
  void add(connection& one);
  void remove(connection& one) noexcept;
  /// What a connection keeps of a request that is on its way, or of an answer. When all of them keep too much, the
  /// slowest are turned away: at the end of the batch above `max_body_memory`, within a tick above its patient part.
  void hold_request(connection& one, std::size_t bytes);
  void hold_answer(connection& one, std::size_t bytes);
  /// Whether an answer with so large a body may begin.
  bool takes_answer(std::size_t bytes);
  void let_go_of_body(connection& one) noexcept;
  connection_budget& budget() noexcept { return *budget_; }
  /// For the head of an answer, and a short body.
  buffer& scratch() noexcept { return scratch_; }
  /// After its use: gives back what unusually many header fields needed.
  void tidy_scratch() noexcept {
    if (scratch_.capacity() > most_scratch)
      scratch_.release();
  }
  request_head& scratch_head() noexcept { return scratch_head_; }
  access_log& access() noexcept { return access_; }
  /// Requests that no route took, and what was refused before it could be routed. Read by any thread.
  request_cells& unrouted() noexcept { return unrouted_; }
  /// Of these the latter, by `refusal_causes`.
  refusal_cells& refused() noexcept { return refused_; }

private:
  static constexpr std::size_t most_scratch = 256 * 1024;

  void on_tick(time_point now) override;
  void on_batch_end() override;
  void judge_bodies();
  void turn_slow_away();
  template <class Job>
  void for_each(Job job);
  void go_on(std::uint32_t slept);

  actors::event_loop& loop_;
  caf::actor_system& system_;
  std::shared_ptr<const edge_options> options_;
  std::shared_ptr<connection_budget> budget_;
  connection* first_ = nullptr;
  connection* next_ = nullptr;  ///< of a walk: ending one connection may end another
  std::size_t count_ = 0;
  bool draining_ = false;
  bool holding_ = false;
  cluster::sleep_watch sleep_watch_;
  std::uint32_t sleeps_ = 0;  ///< that were noticed
  std::function<void()> when_empty_;
  body_budget bodies_;
  bool bodies_judged_ = false;  ///< at the end of this batch
  access_log access_;
  request_cells unrouted_;
  refusal_cells refused_;
  buffer scratch_;
  request_head scratch_head_;
};

}  // namespace troupe::http

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::http::admin_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::http::reply_ptr)
