// What a client sees of an error: one table from `errc` to status and body, and the refusals of the edge itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/errc.hpp"
#include "http/refusals.hpp"
#include "http/reply.hpp"

namespace troupe::http {

/// Setting `errors`: the statuses that API Gateway would give, or such as tell causes apart.
enum class error_mode : std::uint8_t { strict, truthful };

/// The status of a cause. Codes that only newer nodes know are 500.
unsigned status_of(errc code, error_mode mode) noexcept;

/// The complete answer: `{"message":"..."}`, `x-troupe-error` naming the cause, `retry-after: 1` where trying again
/// soon makes sense.
/// @param detail  one line for the log.
reply error_reply(errc code, error_mode mode, std::string detail = {});

/// The answer to a request that the edge refuses by itself.
/// @param status  one of `refusal_causes`.
reply refusal_reply(unsigned status, std::string detail = {});

/// The reason phrase as IANA registered it; empty for a status that is not registered.
std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace troupe::http
