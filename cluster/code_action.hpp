// What the fetching of code is told and what it asks for. The decisions are in code_fetch, who carries them out in
// actors/code_fetcher.
#pragma once

#include <cstdint>
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

}  // namespace troupe::cluster
