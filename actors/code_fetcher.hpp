// Brings the code that the catalog refers to onto this node's disk: carries out what cluster::code_fetch decides, with
// the files thread and the links of the control loop. Belongs to the control loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/code_call.hpp"
#include "actors/event_loop.hpp"
#include "actors/work_thread.hpp"
#include "cluster/code_fetch.hpp"
#include "cluster/code_frame.hpp"
#include "functions/code_store.hpp"

namespace troupe::actors {

struct code_fetcher_config {
  work_thread* files = nullptr;
  functions::code_store* code = nullptr;
  code_call call;
  /// All of this code is on the disk; what was fetched of it has been synced. May be empty.
  std::function<void(const digest& code)> on_have;
  /// Something for the event journal. May be empty.
  std::function<void(std::string_view kind, std::string_view text)> tell;
  cluster::code_fetch_limits limits;
  milliseconds call_timeout{10'000};  ///< for a piece; then another peer is asked
};

class code_fetcher final : private tick_listener {
public:
  static constexpr std::size_t max_waiters = 10'000;

  code_fetcher(event_loop& control, code_fetcher_config config);
  ~code_fetcher();
  code_fetcher(const code_fetcher&) = delete;
  code_fetcher& operator=(const code_fetcher&) = delete;

  void start();
  /// Whoever waits is told `draining`; what comes later is dropped, and what is stored already serves the next start.
  void stop();

  /// What the catalog refers to now.
  void set_wanted(const std::vector<functions::code_ref>& code);
  /// Who may be asked: neither suspected nor absent.
  void set_peers(const std::vector<uuid>& peers);
  /// Looks at the disk anew and fetches this code before all other. `done` runs once and later, on the control loop,
  /// when it is there, or with `not_ready` at the deadline, `overloaded` beyond `max_waiters`, `draining`.
  void await(const functions::code_ref& code, time_point deadline, std::function<void(expected<void>)> done);

  struct figures {
    std::uint64_t bytes = 0;   ///< stored
    std::uint64_t pieces = 0;  ///< stored
    std::uint64_t failed = 0;  ///< asked for in vain
    std::size_t missing = 0;   ///< deployed code that this node has not, or not whole
  };
  figures progress() const noexcept { return {bytes_, pieces_, failed_, plan_.incomplete()}; }

private:
  struct waiter {
    time_point deadline;
    std::function<void(expected<void>)> done;
  };

  void on_tick(time_point now) override;
  void carry_out(cluster::code_actions actions);
  void examine(const cluster::code_action& action);
  void ask(const cluster::code_action& action);
  void on_answer(const cluster::code_action& asked, call_result result);
  void discard(const cluster::code_action& asked);
  void store(const cluster::code_action& asked, std::shared_ptr<const buffer> bytes, std::uint64_t total);
  void on_stored(const cluster::code_action& asked, std::uint64_t end, const expected<functions::blob_progress>& now);
  void finish(const cluster::code_action& asked, cluster::piece_outcome outcome, std::uint64_t stored = 0,
              bool passed_over = false);
  void on_complete(const digest& code);
  void tell(std::string_view kind, std::string_view text) const;
  /// Runs `job` on the files thread and `then` with its result here, unless this has stopped meanwhile.
  template <class Result>
  bool run(std::function<Result(functions::code_store&)> job, std::function<void(Result)> then);

  event_loop& loop_;
  const code_fetcher_config config_;
  cluster::code_fetch plan_;
  std::deque<cluster::code_action> due_;
  bool carrying_out_ = false;
  std::multimap<digest, waiter> waiters_;
  bool disk_refused_ = false;  ///< and that was told
  bool started_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t pieces_ = 0;
  std::uint64_t failed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  ///< of the present run
};

}  // namespace troupe::actors
