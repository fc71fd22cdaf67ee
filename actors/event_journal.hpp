// What happened to this node and its cluster, newest kept, for whoever asks later: joins, suspicions, removals, moves
// of the store. Not for what happens per request: that is counted, not told.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/ids.hpp"

namespace troupe::actors {

struct journal_event {
  std::uint64_t sequence = 0;  ///< rises by one per event of the journal, from 1
  std::int64_t unix_ms = 0;
  std::string kind;  ///< `snake_case`, for programs: `node_joined`
  std::string text;  ///< one line for people
};

/// From any thread; never waits for longer than a copy.
class event_journal {
public:
  static constexpr std::size_t max_events = 1000;
  static constexpr std::size_t max_text_bytes = 512;  ///< of one text; what is longer is cut

  /// @param incarnation  of the node's start: others of its cluster know the journal's id by it.
  explicit event_journal(const uuid& incarnation = make_uuid());
  static std::string id_of(const uuid& incarnation);

  /// Sixteen hex digits of this journal alone: a node that starts anew has another one.
  const std::string& id() const noexcept { return id_; }
  /// @param kind  a name in `snake_case`. @param text  one line; control characters become blanks. Without memory the
  ///              event is lost.
  void add(std::string_view kind, std::string_view text) noexcept;

  struct contents {
    std::vector<journal_event> events;  ///< oldest first
    std::uint64_t next = 1;             ///< what to give `read` for what comes after these
    std::uint64_t overwritten = 0;      ///< events between `from` and the first one that are no longer kept
  };
  /// Everything kept from sequence number `from` on.
  contents read(std::uint64_t from = 0) const;

private:
  const std::string id_;
  mutable std::mutex mutex_;
  std::deque<journal_event> events_;
  std::uint64_t next_ = 1;
};

}  // namespace troupe::actors
