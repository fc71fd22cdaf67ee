// Something that happened in the cluster, as one node saw it: what `troupe events` shows. Where a node keeps its events
// is not decided here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::cluster {

struct node_event {
  std::uint64_t sequence = 0;     ///< of this start of the node, from 1
  std::int64_t time_unix_ms = 0;  ///< by the clock of the node that saw it
  std::string name;               ///< `member_suspected`; at most 64 bytes are told
  std::string text;               ///< one line for humans; at most 1,024 bytes are told
  bool operator==(const node_event&) const = default;
};

/// Events of one node in their order.
struct event_page {
  std::vector<node_event> events;
  std::uint64_t last = 0;  ///< the newest sequence number that the node has given
  bool more = false;       ///< there are more behind those
  bool operator==(const event_page&) const = default;
};

}  // namespace troupe::cluster
