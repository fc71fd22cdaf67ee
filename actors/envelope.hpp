// The one type that CAF carries between nodes. Its body is a msgpack map (actors/envelope_body); who may send one and
// what it does is decided by the node agent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

/// Version of the control plane's protocol: nodes of different ones refuse each other.
inline constexpr std::uint32_t control_protocol = 1;

/// Of a body; checked before sending and on receipt.
inline constexpr std::size_t max_envelope_bytes = 64 * 1024;

/// Travels in 8 bits: append, never renumber. A kind that is not known is dropped.
enum class envelope_kind : std::uint8_t {
  hello = 1,         ///< who dials: answered with `welcome` or `refused`
  welcome,           ///< who was dialed
  refused,           ///< to a `hello`, or to anything else from a node without one
  status,            ///< a load report
  status_request,    ///< asks for the whole
  spawn_supervisor,  ///< asks to run a function: answered with `reply`
  function_started,  ///< the first instance that was asked for is ready
  function_failed,   ///< it could not be started
  drain_notice,      ///< the sender drains, or serves again
  events_request,    ///< asks for recent events: answered with `events` or `reply`
  events,
  reply,  ///< the end of a request that brings nothing but success or an error
};

/// In words, for logs; `unknown` for what only newer nodes know.
std::string_view to_string(envelope_kind kind) noexcept;

struct envelope {
  std::uint32_t protocol = control_protocol;
  uuid cluster;      ///< the store's id
  uuid incarnation;  ///< of the sender
  envelope_kind kind = envelope_kind::hello;
  std::string body;
  bool operator==(const envelope&) const = default;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, envelope& x) {
  return f(x.protocol, x.cluster.bytes, x.incarnation.bytes, x.kind, x.body);
}

/// @returns `errc::too_big` or `errc::bad_usage` with what is wrong with its size or kind.
expected<void> check(const envelope& message);

}  // namespace troupe::actors
