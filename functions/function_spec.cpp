#include "functions/function_spec.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "config/text.hpp"

namespace troupe::functions {

namespace {

bool is_word(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

/// Names that the runtime sets itself (specs: lambda-runtime-api 5).
constexpr std::array reserved_variables = {"_HANDLER",
                                           "_X_AMZN_TRACE_ID",
                                           "AWS_DEFAULT_REGION",
                                           "AWS_REGION",
                                           "AWS_EXECUTION_ENV",
                                           "AWS_LAMBDA_FUNCTION_NAME",
                                           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                           "AWS_LAMBDA_FUNCTION_VERSION",
                                           "AWS_LAMBDA_INITIALIZATION_TYPE",
                                           "AWS_LAMBDA_LOG_GROUP_NAME",
                                           "AWS_LAMBDA_LOG_STREAM_NAME",
                                           "AWS_ACCESS_KEY",
                                           "AWS_ACCESS_KEY_ID",
                                           "AWS_SECRET_ACCESS_KEY",
                                           "AWS_SESSION_TOKEN",
                                           "AWS_LAMBDA_RUNTIME_API",
                                           "LAMBDA_TASK_ROOT",
                                           "LAMBDA_RUNTIME_DIR"};

expected<void> check_environment(const function_spec& spec) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : spec.environment) {
    bytes += key.size() + value.size();
    const bool letter_first = !key.empty() && is_word(key.substr(0, 1), "") && !(key[0] >= '0' && key[0] <= '9');
    if (key.size() < 2 || !letter_first || !is_word(key, "_"))
      return fail(errc::bad_usage, "environment variable '" + key +
                                       "': names are a letter and then at least one of letters, digits and _");
    if (std::find(reserved_variables.begin(), reserved_variables.end(), key) != reserved_variables.end())
      return fail(errc::bad_usage, "environment variable " + in_quotes(key) + " is reserved: the runtime sets it");
    if (value.find('\0') != value.npos)
      return fail(errc::bad_usage, "environment variable " + in_quotes(key) + ": a value cannot hold a NUL byte");
  }
  if (bytes > 4096)
    return fail(errc::bad_usage, "environment: " + std::to_string(bytes) + " bytes, at most 4096 are allowed");
  return {};
}

}  // namespace

expected<runtime_kind> parse_runtime(const std::string& runtime) {
  if (runtime == "native")
    return runtime_kind::native;
  if (runtime.starts_with("nodejs"))
    return runtime_kind::node;
  if (runtime.starts_with("python3"))
    return runtime_kind::python;
  return fail(errc::bad_usage, "runtime " + in_quotes(runtime) +
                                   ": allowed are native, nodejs, nodejs<version>.x, python3 and python3.<version>");
}

expected<void> check(const function_spec& spec) {
  if (spec.name.empty() || spec.name.size() > 64 || !is_word(spec.name, "-_"))
    return fail(errc::bad_usage, "function name " + in_quotes(spec.name) + ": allowed are 1 to 64 of a-z A-Z 0-9 - _");
  if (spec.timeout < milliseconds{1} || spec.timeout > seconds{900})
    return fail(errc::bad_usage, "timeout " + std::to_string(spec.timeout.count()) + " ms: allowed are 1 ms to 900 s");
  if (spec.memory_mb < 128 || spec.memory_mb > 10240)
    return fail(errc::bad_usage, "memory " + std::to_string(spec.memory_mb) + " MB: allowed are 128 to 10240 MB");
  if (spec.concurrency < 1 || spec.concurrency > 1000)
    return fail(errc::bad_usage, "concurrency " + std::to_string(spec.concurrency) + ": allowed are 1 to 1000");
  if (spec.min_instances > 1000 || spec.max_instances > 1000)
    return fail(errc::bad_usage, "instances " + std::to_string(std::max(spec.min_instances, spec.max_instances)) +
                                     ": allowed are 0 to 1000");
  if (spec.max_instances != 0 && spec.min_instances > spec.max_instances)
    return fail(errc::bad_usage, "min instances " + std::to_string(spec.min_instances) +
                                     " are more than max instances " + std::to_string(spec.max_instances));
  if (spec.kind == runtime_kind::python && spec.handler.empty())
    return fail(errc::bad_usage, "handler is missing: for Python it is MODULE.FUNCTION, for example app.handler");
  if (spec.kind == runtime_kind::node && spec.handler.empty())
    return fail(errc::bad_usage, "handler is missing: for Node.js it is FILE.EXPORT, for example index.handler");
  if (spec.handler.size() > 128)
    return fail(errc::bad_usage, "handler: " + std::to_string(spec.handler.size()) + " characters, at most 128");
  return check_environment(spec);
}

}  // namespace troupe::functions
