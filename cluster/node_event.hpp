// Something that happened in the cluster, as one node saw it: what `troupe events` shows; and lines of functions' logs,
// which travel alike. Where a node keeps them is not decided here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::cluster {

struct node_event {
  std::uint64_t sequence = 0;     ///< of this start of the node, from 1
  std::int64_t time_unix_ms = 0;  ///< by the clock of the node that saw it
  std::string name;               ///< `member_suspected`; at most 64 bytes are told. Lines of logs have none
  std::string text;               ///< one line for humans; at most 32 KiB are told
  bool operator==(const node_event&) const = default;
};

/// Events of one node in their order. Lines of a log may share a sequence number: a page has all of them or none.
struct event_page {
  std::vector<node_event> events;
  std::uint64_t last = 0;     ///< the newest sequence number that the node has given
  bool more = false;          ///< there are more behind those
  std::uint64_t dropped = 0;  ///< of a log: entries so far that came too fast to be kept
  bool operator==(const event_page&) const = default;
};

}  // namespace troupe::cluster
