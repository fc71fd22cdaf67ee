// The function that a native worker runs: from the load frame to a shared object, from a call to its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/errc.hpp"
#include "functions/native_channel.hpp"
#include "functions/native_library.hpp"

namespace troupe::functions {

/// A call frame that owns its bytes.
struct native_call {
  std::uint64_t id = 0;
  std::uint64_t deadline_unix_ms = 0;
  std::string invocation_id;
  std::string payload;  ///< see functions/native_frame
};

class native_function {
public:
  /// Makes this process that of one function: its environment, its working directory, its code. Before any thread.
  /// Throws `nlohmann::json::exception` when `given`, the load frame, lacks something.
  /// @returns `errc::init_failed`, the words being for the user.
  static expected<native_function> load(const nlohmann::json& given);

  std::size_t concurrency() const noexcept { return concurrency_; }
  /// Runs one call on this thread and adds its answer or error to the channel.
  /// @returns `errc::corrupt` when it is no call; then nothing was run.
  expected<void> run(const native_call& call, native_channel& channel) const;

private:
  native_function() = default;
  outcome_ptr result_of(const troupe_request& request, const troupe_context& context) const;

  std::shared_ptr<const native_library> library_;
  std::string name_;
  std::uint32_t memory_mb_ = 0;
  std::size_t concurrency_ = 1;
  std::size_t max_answer_bytes_ = 0;
};

}  // namespace troupe::functions
