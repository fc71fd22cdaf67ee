// A shared object built with the SDK header, loaded into this process. Loaded once per digest and never unloaded: code
// of a closed object may still be on some stack, and static destructors of strangers are not ours to run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/errc.hpp"
#include "functions/invocation.hpp"
#include "functions/outcome.hpp"
#include "functions/sdk/troupe/function.hpp"

namespace troupe::functions {

/// Where a function's own lines go.
class function_log {
public:
  virtual ~function_log() = default;
  /// Never blocks; from any thread. `line` without its end of line.
  virtual void write(const invocation& call, std::string_view line) noexcept = 0;
};

/// The JSON that callers get of a handler that failed with `message`.
std::string handler_error_payload(std::string_view message);

class native_library {
public:
  /// Opens the object at `path` (`RTLD_NOW | RTLD_LOCAL`). Blocking: for the files thread.
  /// @returns `errc::init_failed` with the loader's words, or naming the missing entry or the foreign ABI number.
  static expected<std::shared_ptr<const native_library>> open(const std::string& path);
  using call_function = std::function<int(const troupe_request*, const troupe_context*, troupe_response*)>;
  /// Wraps a handler that is part of this program; it keeps the contract of `troupe_function_table::call`.
  static std::shared_ptr<const native_library> of(call_function handler);

  /// Runs the handler on the calling thread. Where this process has no memory for it, that is `function_crashed`.
  outcome_ptr call(const invocation& call, function_log& log) const;
  /// The same for a request that is in the form of the C table already.
  outcome_ptr call(const troupe_request& request, const troupe_context& context) const;

private:
  outcome_ptr run(const invocation& call, function_log& log) const;
  explicit native_library(call_function handler) : handler_{std::move(handler)} {}
  call_function handler_;
};

}  // namespace troupe::functions
