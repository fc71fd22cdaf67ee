// Tells the tries of one request of an AWS SDK from other requests: an SDK repeats its request when no answer came.
#pragma once

#include <optional>

#include "config/ids.hpp"
#include "functions/http_request.hpp"

namespace troupe::http {

/// Equal for all tries of one request of one caller, and for nothing else. Hashes the body: call it off the loops when
/// that is large. @returns nothing when the client does not number its requests (`amz-sdk-invocation-id`).
std::optional<digest> retry_key_of(const functions::http_request& request);

}  // namespace troupe::http
