// What a node knows of its peers' load: reports merged, old ones and those of other incarnations dropped, silent peers
// forgotten. Who is alive is not decided here, nor where a call goes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "cluster/node_load.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// The last that is known of one peer.
struct known_load {
  node_load numbers;  ///< without its functions
  std::map<uuid, function_presence> functions;
  time_point heard_at{};
};

class peer_status {
public:
  enum class verdict : std::uint8_t {
    applied,
    incomplete,  ///< applied, but something before it is missing: ask for the whole
    old,         ///< dropped: not newer than what is known
    stranger,    ///< dropped: no such peer, or another incarnation of it
  };

  /// @param max_age  silence after which a peer's load counts as unknown.
  explicit peer_status(milliseconds max_age = milliseconds{5'000}) : max_age_{max_age} {}

  /// From now on this incarnation is the peer; what another one said is forgotten.
  void join(const uuid& node, const uuid& incarnation);
  /// Forgets every peer that is not `listed` any more.
  void keep_only(const std::function<bool(const uuid& node)>& listed);
  verdict apply(const uuid& node, const uuid& incarnation, const load_report& report, time_point now);
  /// The peer said so in a message of its own; until the next report.
  void set_state(const uuid& node, serving_state state);

  /// @returns null when nothing is known, or nothing that is young enough.
  const known_load* find(const uuid& node, time_point now) const;
  /// Forgets the loads that are too old. @returns whose.
  std::vector<uuid> expire(time_point now);

private:
  struct peer {
    uuid incarnation;
    std::uint64_t sequence = 0;                  ///< of the last part applied
    std::uint32_t next_part = 0;                 ///< of that sequence; 0 when it is complete
    bool whole = false;                          ///< the known state began with a whole and nothing is missing since
    std::map<uuid, function_presence> gathered;  ///< of a whole that has come in part
    bool known = false;
    known_load load;
  };

  static verdict apply_to(peer& known, const load_report& report);

  milliseconds max_age_;
  std::unordered_map<uuid, peer> peers_;
};

}  // namespace troupe::cluster
