// The execution class of each native function inside this node: loops and compute loops report what its calls cost, the
// control loop judges (functions/execution_class), every loop reads the class before each call.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "actors/event_loop.hpp"
#include "config/ids.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "functions/execution_class.hpp"
#include "functions/function_spec.hpp"

namespace troupe::actors {

/// One function, over all its versions. Outlives the control loop's last job, not the loop.
class function_execution : public std::enable_shared_from_this<function_execution> {
public:
  /// @param number  of it among all that ever were in this process, from 1.
  function_execution(std::uint64_t number, const functions::function_spec& spec, native_execution mode,
                     event_loop& control);

  // -- any thread
  std::uint64_t number() const noexcept { return number_; }
  const std::string& name() const noexcept { return name_; }
  bool runs_inline() const noexcept { return inline_.load(std::memory_order_relaxed); }
  /// Whether it matters what calls cost: not of one whose class is given.
  bool adapts() const noexcept { return mode_ == native_execution::adaptive; }
  /// What the calling thread has measured of calls of this version since it last reported; judged on the control loop,
  /// while the version is the installed one.
  void report(std::uint64_t version, const functions::call_samples& news);
  std::uint64_t promotions() const noexcept { return promotions_.value(); }
  std::uint64_t demotions() const noexcept { return demotions_.value(); }

  // -- control loop only
  /// A version is about to be installed. Another one than before begins on compute loops.
  void adopt(const functions::function_spec& spec);

private:
  void judge(std::uint64_t version, const functions::call_samples& news);
  void set_class(functions::execution_class which) noexcept {
    inline_.store(which == functions::execution_class::inlined, std::memory_order_relaxed);
  }

  const std::uint64_t number_;
  const std::string name_;
  const native_execution mode_;
  event_loop& control_;
  std::atomic<bool> inline_;
  std::uint64_t version_;  ///< the control loop's
  functions::class_judge judge_;
  counter_cell promotions_;
  counter_cell demotions_;
};

using function_execution_ptr = std::shared_ptr<function_execution>;

/// All of them, for who installs functions, for `/metrics` and for the watchdog, which finds by number whose call holds
/// a loop. Its lock is held for a look-up, and never on the way of a call.
class execution_directory {
public:
  /// @param mode     of functions without one of their own.
  /// @param control  outlives all that it gives out.
  execution_directory(native_execution mode, event_loop& control) : mode_{mode}, control_{control} {}

  /// The function's, made if it is new. On the control loop.
  function_execution_ptr adopt(const functions::function_spec& spec, std::optional<native_execution> mode = {});
  /// Forgets the functions that are not in this list. On the control loop.
  void keep_only(const std::unordered_set<uuid>& functions);
  /// Those that are installed, by name. From any thread.
  std::vector<function_execution_ptr> all() const;
  /// The one of that number while anything of it is left; else null. From any thread.
  function_execution_ptr find(std::uint64_t number) const;

private:
  const native_execution mode_;
  event_loop& control_;
  mutable std::mutex mutex_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<uuid, function_execution_ptr> installed_;
  /// Also those whose function was removed while a call of it runs.
  std::unordered_map<std::uint64_t, std::weak_ptr<function_execution>> numbered_;
};

}  // namespace troupe::actors
