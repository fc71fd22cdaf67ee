// Which blob this node fetches next, from which peer and from which byte on, until it has all code that the catalog
// refers to. Pure: the disk and the peers are asked by whoever carries out the actions, instants are handed in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// `package`: the blob is a manifest that names others; it comes first.
enum class code_shape : std::uint8_t { package, single };

struct wanted_code {
  digest code;
  code_shape shape = code_shape::package;
};

struct missing_blob {
  digest blob;
  std::uint64_t stored = 0;  ///< bytes that are on the disk already
};

struct code_fetch_limits {
  std::size_t blobs = 2;               ///< at a time, each with one piece on its way
  std::size_t packages = 4;            ///< whose missing blobs are remembered at a time
  milliseconds first_back_off{1'000};  ///< after no peer had a blob; doubles up to the longest
  milliseconds longest_back_off{60'000};
  milliseconds avoidance{300'000};  ///< of a peer that gave wrong bytes
  milliseconds disk_pause{10'000};  ///< after the own disk refused
};

enum class code_action_kind : std::uint8_t {
  examine,   ///< find out what the disk lacks of `code` (with `synced`: durably), then `examined`
  fetch,     ///< ask `peer` for bytes of `blob` from `offset` on and store them, then `piece`
  complete,  ///< all of `code` is on the disk
  blame,     ///< `peer` gave wrong bytes for `blob` and is not asked for a while
  starve,    ///< no peer has what is missing of `code`; said once until some of it comes
};

struct code_action {
  code_action_kind kind = code_action_kind::examine;
  wanted_code code;
  bool synced = false;  ///< examine
  digest blob;
  uuid peer;
  std::uint64_t offset = 0;  ///< fetch
  bool restart = false;      ///< fetch: forget first what is stored of the blob
};
using code_actions = std::vector<code_action>;

enum class piece_outcome : std::uint8_t {
  stored,   ///< some bytes more
  whole,    ///< the blob is complete and has its digest
  absent,   ///< the peer does not have it
  failed,   ///< no answer: the link broke, or the peer is too busy
  invalid,  ///< the peer's answer is none
  wrong,    ///< the blob was complete and has another digest; nothing of it is kept
  disk,     ///< this node's disk refused
};

struct piece_result {
  digest blob;
  uuid peer;
  piece_outcome outcome = piece_outcome::failed;
  std::uint64_t stored = 0;  ///< bytes on the disk now
  bool passed_over = false;  ///< the bytes were of no use: somebody else stores the same blob
};

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
