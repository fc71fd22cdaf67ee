// What several nodes wrote, each in its own order, as one list by time: events of the nodes, lines of a function's log.
// Where a reader stands in each of them is a position that it gives back as it is. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/event_journal.hpp"
#include "config/errc.hpp"

namespace troupe::http {

/// Where a reader stands in the journal of each node that it heard of, by the journal's id.
using event_position = std::map<std::string, std::uint64_t>;

/// @param query  of the target: empty, or `from=POSITION` with the `next` of an earlier answer.
/// @returns an empty position for everything kept, or `errc::bad_usage`.
expected<event_position> parse_event_position(std::string_view query);
std::string to_string(const event_position& position);

/// What one node's journal gave a reader. Entries may share a sequence number: they are read together.
struct journal_part {
  std::string node;
  std::string id;  ///< of the journal; another one after a start of its node
  actors::event_journal::contents contents;
  bool more = false;          ///< there is more behind `contents`
  std::uint64_t dropped = 0;  ///< of a log: entries so far that came too fast to be kept
};

struct merged_journals {
  struct entry {
    const std::string* node;
    const actors::journal_event* event;
  };
  std::vector<entry> entries;  ///< by time; those of one instant in the order in which they were given
  event_position next;
  std::uint64_t overwritten = 0;
  std::uint64_t dropped = 0;
  bool more = false;  ///< `next` leads to more that is there already
};

/// Where a part has more to come, what others wrote later than its last entry is left for the next time: read in turns,
/// the whole comes by time as well. Journals of `before` that gave no part keep their place, up to 256 in all.
/// @param parts  outlive the result.
merged_journals merge(const std::vector<journal_part>& parts, const event_position& before);

}  // namespace troupe::http
