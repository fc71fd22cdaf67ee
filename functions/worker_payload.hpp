// What a Lambda caller sees when a worker, not its handler, was the trouble, and what a worker sees around it:
// environment and load frame. Pure text, no processes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/clock.hpp"
#include "config/ids.hpp"
#include "functions/function_spec.hpp"

namespace troupe::functions {

/// The call ran longer than the function's timeout.
std::string timeout_payload(const uuid& invocation_id, milliseconds timeout);
/// The worker was not ready within the time that it has to load the code.
std::string init_timeout_payload(const uuid& invocation_id, milliseconds limit);
/// The worker ended during the call, or while it loaded. @param wait_status as `waitpid` gives it.
std::string exit_payload(const uuid& invocation_id, int wait_status);
/// The worker could not be started at all. @param reason one line, for example of `spawn_failed`.
std::string spawn_failure_payload(const uuid& invocation_id, std::string_view reason);
/// The answer is larger than `limit` bytes.
std::string response_too_big_payload(std::size_t limit);

/// How Go, and with it Lambda, names a signal: `killed`, `segmentation fault`; `signal 35` for one without a name.
std::string signal_name(int signal);

/// What a worker is told that is not in the function's record.
struct worker_surroundings {
  std::string task_root;      ///< folder of the code, absolute; also the working directory
  std::string object;         ///< native: the shared object, absolute
  std::string runtime_dir;    ///< folder of the shim, absolute
  std::string temporary_dir;  ///< for TMPDIR; empty: /tmp and no variable
  std::string path;           ///< the node's PATH; empty: /usr/local/bin:/usr/bin:/bin
  std::string region = "us-east-1";
  std::string account_id = "000000000000";
  std::string function_version = "$LATEST";  ///< as the handler sees it
  std::string log_stream;                    ///< see `make_log_stream`; one per worker
  std::size_t max_answer_bytes = 6'291'556;  ///< what is larger the worker answers with `Function.ResponseSizeTooLarge`
};

/// `2026/01/31/[$LATEST]<32 hex digits>`. @param wall milliseconds since 1970 UTC.
std::string make_log_stream(std::string_view function_version, milliseconds wall, const uuid& worker);

std::string function_arn(const function_spec& spec, const worker_surroundings& around);

/// The whole environment of a worker, `NAME=value`, sorted by name. Of the node's own only PATH goes in: the
/// rest may hold secrets. The function's variables replace TZ, LANG, PATH, TMPDIR and NODE_PATH, but none that the
/// runtime sets.
std::vector<std::string> worker_environment(const function_spec& spec, const worker_surroundings& around);

/// What a generic worker of any runtime starts with, before it knows its function; it takes over the rest from
/// `load_payload`.
std::vector<std::string> stem_environment(const worker_surroundings& around);

/// The entry of that environment that no other worker has (`spawn_request::family_mark`).
std::string family_mark(const worker_surroundings& around);

/// The JSON of the `load` frame: all that a worker needs, its whole environment (`environment`, an object) included.
/// Strings that are no UTF-8 are read as Latin-1.
std::string load_payload(const function_spec& spec, const worker_surroundings& around);

}  // namespace troupe::functions
