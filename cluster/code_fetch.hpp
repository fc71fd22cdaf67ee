// Which blob this node fetches next, from which peer and from which byte on, until it has all code that the catalog
// refers to. Pure: the disk and the peers are asked by whoever carries out the actions, instants are handed in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "cluster/code_action.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// Each call returns what is to be done next. Of each `examine` and `fetch` exactly one result is told.
class code_fetch {
public:
  explicit code_fetch(code_fetch_limits limits = {}) : limits_{limits} {}

  /// What the catalog refers to, in the order in which it should come; each once.
  code_actions set_wanted(const std::vector<wanted_code>& wanted, time_point now);
  /// Who can be asked. A new peer ends the waiting for what nobody had.
  code_actions set_peers(const std::vector<uuid>& peers, time_point now);
  /// Somebody waits for it: it comes first, and what was found of it counts no more. Also for code that nothing refers
  /// to (yet), until the next `set_wanted`.
  code_actions hurry(const wanted_code& code, time_point now);
  /// Nothing when the disk could not be read.
  code_actions examined(const digest& code, const std::optional<std::vector<missing_blob>>& missing, time_point now);
  code_actions piece(const piece_result& result, time_point now);
  code_actions tick(time_point now);

  bool is_complete(const digest& code) const;
  /// Wanted and not complete.
  std::size_t incomplete() const noexcept { return order_.size(); }

private:
  enum class package_stage : std::uint8_t { queued, examining, fetching, waiting, complete };
  struct package {
    code_shape shape = code_shape::package;
    package_stage stage = package_stage::queued;
    std::map<digest, std::uint64_t>
        todo;                    ///< of `fetching`: blobs, and how much of each was stored when it was examined
    bool fetched = false;        ///< something came since the disk was last synced
    bool lacking = false;        ///< some blob of this round was not to be had
    bool again = false;          ///< of `examining`: the result counts no more
    unsigned rounds = 0;         ///< without success
    time_point until{};          ///< of `waiting`
    std::optional<uuid> source;  ///< who gave the last blob
  };
  struct transfer {
    digest owner;  ///< the package
    uuid peer;
    std::uint64_t stored = 0;
    std::set<uuid> givers;   ///< of what is stored
    bool mixed = false;      ///< others too, or nobody knows who
    bool one_giver = false;  ///< after wrong bytes of several: all from one peer, to know who it is
    std::set<uuid> tried;    ///< to no avail
  };

  void advance(code_actions& out, time_point now);
  void begin_examination(const digest& code, package& what, code_actions& out);
  bool fetch_some(const digest& code, package& what, code_actions& out, time_point now);
  void end_round(const digest& code, package& what, code_actions& out, time_point now);
  void wait(package& what, time_point now);
  void next_peer(const digest& blob, transfer& how, code_actions& out, time_point now);
  void take_wrong(const piece_result& result, transfer& how, code_actions& out, time_point now);
  void blame(const uuid& peer, const digest& blob, code_actions& out, time_point now);
  std::optional<uuid> choose(const digest& blob, const package& what, const std::set<uuid>& tried,
                             time_point now) const;
  void done(const digest& blob, const uuid& giver);

  code_fetch_limits limits_;
  std::map<digest, package> packages_;
  std::vector<digest> order_;  ///< of those that are not complete
  std::set<digest> urgent_;    ///< those of them that somebody waits for
  std::map<digest, transfer> active_;
  std::vector<uuid> peers_;
  std::map<uuid, time_point> avoided_;  ///< until
  time_point disk_paused_until_{};
  bool examines_ = false;
};

}  // namespace troupe::cluster
