// Messages about the store as bytes: msgpack, a map per message, keys that are not known skipped. What they mean is in
// store_message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cluster/store_message.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// No message that a store_node sends is larger; larger ones are refused before anything is allocated.
inline constexpr std::size_t max_store_message_bytes = std::size_t{32} << 20;

std::string encode(const store_message& message);
/// @returns `errc::corrupt` for bytes that are no such message, `errc::too_big` above the limit.
expected<store_message> decode_store_message(std::string_view bytes);

}  // namespace troupe::cluster
