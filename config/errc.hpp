// Every error that troupe knows, its text, and the value-or-error type of all rooms.
// What a client sees of an error is decided in http/responses; nothing here knows HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace troupe {

/// What went wrong. Codes travel between nodes in 8 bits: append, never renumber. 0 is "no error" in CAF.
enum class errc : std::uint8_t {
  bug = 1,            ///< an invariant of troupe itself does not hold
  bad_setting,        ///< a setting is unknown, malformed or out of range
  bad_usage,          ///< the command line or an API request is malformed
  refused,            ///< well formed, but not allowed in the present state
  io,                 ///< the operating system refused (disk, socket, process)
  corrupt,            ///< stored bytes do not have the digest or the form they were written with
  full,               ///< no space left on the disk
  conflict,           ///< somebody else changed the record meanwhile
  unavailable,        ///< the store cannot be reached
  unknown_outcome,    ///< the store may or may not have applied the commit; `outcome` settles it
  too_big,            ///< more bytes or records than the interface takes
  no_such_function,   ///< no function of that name is deployed
  no_such_route,      ///< no route matches the request
  overloaded,         ///< queue full or too old; did not run
  no_capacity,        ///< no room for another instance on this node; did not run
  draining,           ///< the node is going down; did not run
  not_ready,          ///< the node or the function is not ready yet; did not run
  breaker_open,       ///< the function kept failing to start; did not run
  budget_spent,       ///< the time that the caller had is over
  function_error,     ///< the handler reported an error
  function_crashed,   ///< the process of the handler ended during the call
  function_timeout,   ///< the function's own timeout passed during the call
  init_failed,        ///< the code could not be loaded
  malformed_answer,   ///< the handler's answer cannot be made into a response
  answer_too_large,   ///< the handler's answer exceeds the limit
  payload_too_large,  ///< the event exceeds what a worker takes
  client_gone,        ///< nobody waits for the answer any more
  memory_exceeded,    ///< the instance used more memory than the function may, and was ended during the call
  stale,              ///< the node slept and the call may be old; did not run
  link_down,          ///< no link to the node, or it broke before the whole call had left; did not run
  link_lost,          ///< the link broke after the call had left: it may have run
  protocol,           ///< the peer speaks another protocol version, or broke the protocol
  no_such_service,    ///< the node does not serve this kind of call; did not run
};
/// For arrays by code; its first place belongs to no code.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(errc::no_such_service) + 1;

/// The code in words, `snake_case`, for headers, metrics and logs.
std::string_view to_string(errc code) noexcept;

/// An error code with one line for humans: what, where, what is allowed.
struct error {
  errc code = errc::bug;
  std::string what;
};

template <class T>
using expected = tl::expected<T, error>;

/// Short for the unexpected side of an `expected`.
inline tl::unexpected<error> fail(errc code, std::string what) {
  return tl::unexpected<error>{error{code, std::move(what)}};
}

}  // namespace troupe
