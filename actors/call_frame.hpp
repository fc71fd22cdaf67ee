// What a link carries of a call and of what became of it: an invocation as head and body, an outcome as head and body.
// Bytes only; which calls go where is decided elsewhere. Times travel as lengths, since the clocks of nodes differ.
#pragma once

#include <cstdint>
#include <memory>

#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/invocation.hpp"
#include "functions/outcome.hpp"

namespace troupe::actors {

/// The two parts of a message on a link: a small head, and a body of any size up to the link's limit.
struct call_parts {
  buffer head;
  buffer body;
};

/// @param now  of the clock of `call`.
call_parts encode_call(const functions::invocation& call, time_point now);

/// A call as the node that executes it received it.
struct received_call {
  uuid function;
  std::uint64_t version = 0;                    ///< that the sender knew
  std::shared_ptr<functions::invocation> call;  ///< `function` is null: only the receiver's catalog can say what to run
};

/// @param now       when it arrived here.
/// @param deadline  when nobody waits for it any more.
/// @returns `errc::corrupt` for anything that `encode_call` did not write.
expected<received_call> decode_call(call_parts parts, time_point now, time_point deadline);

/// Takes what a native handler returned apart: `result` is of no use afterwards.
call_parts encode_outcome(functions::outcome& result);
/// @returns `errc::corrupt` for anything that `encode_outcome` did not write.
expected<functions::outcome_ptr> decode_outcome(call_parts parts);

}  // namespace troupe::actors
