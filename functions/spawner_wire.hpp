// The messages between a node and its spawner, one per SOCK_SEQPACKET packet, in the byte order of the machine: both
// ends are the same program. No sockets here but the descriptors' place in a packet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "functions/spawner.hpp"

namespace troupe::functions {

struct kill_request {
  pid_t pid = 0;
  int signal = 0;
  kill_scope scope = kill_scope::process;
};

using spawner_request = std::variant<spawn_request, kill_request>;

std::string encode(const spawn_request& request);
std::string encode(const kill_request& request);
std::string encode(const spawner_event& event);

/// @returns `errc::corrupt` for bytes that `encode` cannot have made.
expected<spawner_request> decode_request(std::string_view bytes);
expected<spawner_event> decode_event(std::string_view bytes);

}  // namespace troupe::functions
