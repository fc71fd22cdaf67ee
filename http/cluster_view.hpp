// What the admin port says about the nodes of a cluster and what happened to them (docs/admin-api.md). Pure values in,
// text out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/ids.hpp"
#include "http/merged_journals.hpp"

namespace troupe::http {

/// A registered node as the asked one sees it.
struct node_view {
  std::string name;
  uuid id;
  std::string role;                       ///< `primary` or `copy`, of the store
  std::string state;                      ///< as of `node_description`, or `suspected` or `gone`
  std::optional<std::uint64_t> age_ms{};  ///< since it started; nothing is known of one that is gone
  std::string version{};                  ///< of its program
  std::string cluster{};                  ///< address for other nodes; empty for one that is alone

  struct store_figures {
    std::optional<std::uint64_t> cursor{};
    std::optional<std::uint64_t> lag{};  ///< commits behind the primary
    std::string digest{};                ///< of everything up to the cursor, the same on all nodes; empty: not known
    std::optional<std::uint64_t> backup_age_ms{};  ///< of the last backup on its disk; nothing: not known, or none
  } store{};
  struct load_figures {
    std::uint64_t in_flight = 0;  ///< calls that its workers have
    std::uint64_t ready = 0;      ///< worker processes that take calls
  } load{};
  std::vector<std::string> functions{};  ///< those that it has instances of, by name
};

/// A JSON array and a line feed.
std::string nodes_body(std::span<const node_view> nodes);

/// One JSON object and a line feed: `events` of all nodes by time, `next` (what to give as `from` next time, opaque to
/// clients), `overwritten`, and `silent`, the names of nodes that did not answer. Journals of `before` that gave no
/// part keep their place in `next`, up to 256 in all.
std::string events_body(const std::vector<journal_part>& parts, const std::vector<std::string>& silent,
                        const event_position& before);

}  // namespace troupe::http
