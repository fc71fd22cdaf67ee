// A disk and peers that the fetching of code is tried with: they have blobs, break, lie or run full.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/code_fetch.hpp"

namespace troupe::cluster {

using namespace std::chrono_literals;

inline uuid peer(std::uint8_t number) {
  uuid id;
  id.bytes[15] = number;
  return id;
}

inline digest named(const std::string& name) {
  return sha256(name);
}

/// A disk, and peers that have blobs of some size, give wrong bytes or break.
class CodeFetchTest : public testing::Test {
protected:
  struct blob_on_disk {
    std::uint64_t stored = 0;
    bool whole = false;
    bool wrong = false;
  };
  struct fake_peer {
    std::set<digest> blobs;
    bool lies = false;
    bool up = true;
    std::function<bool()> breaks = [] { return false; };
    std::size_t asked = 0;
  };
  static constexpr std::uint64_t piece = 100;

  /// A package of files that have `bytes` each; the manifest has 50.
  digest package(const std::string& name, std::size_t files, std::uint64_t bytes) {
    const auto code = named(name);
    sizes[code] = 50;
    for (std::size_t i = 0; i < files; ++i) {
      const auto file = named(name + std::to_string(i));
      sizes[file] = bytes;
      contents[code].push_back(file);
    }
    return code;
  }
  void give(std::uint8_t number, const digest& code) {
    auto& blobs = peers[peer(number)].blobs;
    blobs.insert(code);
    blobs.insert(contents[code].begin(), contents[code].end());
  }
  bool here(const digest& code) {
    for (const auto& file : contents[code])
      if (!disk[file].whole)
        return false;
    return disk[code].whole;
  }
  void set_peers(std::initializer_list<std::uint8_t> numbers) {
    std::vector<uuid> ids;
    for (const auto number : numbers)
      ids.push_back(peer(number));
    take(fetch.set_peers(ids, now));
  }

  void take(const code_actions& actions) {
    for (const auto& action : actions)
      switch (action.kind) {
        case code_action_kind::complete: completed.push_back(action.code.code); break;
        case code_action_kind::blame: blamed.push_back(action.peer); break;
        case code_action_kind::starve: starved.push_back(action.code.code); break;
        case code_action_kind::examine: ++examining; [[fallthrough]];
        case code_action_kind::fetch: due.push_back(action); break;
      }
  }
  /// Carries out what is due, the oldest first. @returns false when there is nothing.
  bool step() {
    std::size_t fetching = 0;
    for (const auto& action : due)
      fetching += action.kind == code_action_kind::fetch;
    EXPECT_LE(fetching, 2u);
    EXPECT_LE(examining, 1u);
    if (due.empty())
      return false;
    const auto action = due.front();
    due.pop_front();
    if (action.kind == code_action_kind::examine)
      examine(action);
    else
      transfer(action);
    return true;
  }
  void run() {
    for (int i = 0; step(); ++i)
      ASSERT_LT(i, 100'000) << "it never ends";
  }
  void pass(duration time) {
    now += time;
    take(fetch.tick(now));
    run();
  }

  void examine(const code_action& action) {
    --examining;
    std::vector<missing_blob> missing;
    const auto add = [&](const digest& blob) {
      if (!disk[blob].whole)
        missing.push_back({blob, disk[blob].stored});
    };
    const auto& code = action.code.code;
    add(code);
    if (disk[code].whole)
      for (const auto& file : contents[code])
        add(file);
    take(fetch.examined(code, missing, now));
  }
  void transfer(const code_action& action) {
    auto& from = peers[action.peer];
    auto& to = disk[action.blob];
    ++from.asked;
    piece_result result{action.blob, action.peer, piece_outcome::failed, to.stored, false};
    if (action.restart)
      to = {};
    if (!from.up || from.breaks()) {
      result.outcome = piece_outcome::failed;
    } else if (disk_full) {
      result.outcome = piece_outcome::disk;
    } else if (!from.blobs.contains(action.blob)) {
      result.outcome = piece_outcome::absent;
    } else {
      EXPECT_EQ(action.offset, to.stored) << "resumes where the disk says";
      to.stored = std::min(to.stored + piece, sizes[action.blob]);
      to.wrong = to.wrong || from.lies;
      result.stored = to.stored;
      result.outcome = piece_outcome::stored;
      if (to.stored == sizes[action.blob]) {
        result.outcome = to.wrong ? piece_outcome::wrong : piece_outcome::whole;
        to = {0, !to.wrong, false};
      }
    }
    take(fetch.piece(result, now));
  }

  code_fetch fetch;
  time_point now{1h};
  std::map<digest, std::uint64_t> sizes;
  std::map<digest, std::vector<digest>> contents;
  std::map<digest, blob_on_disk> disk;
  std::map<uuid, fake_peer> peers;
  bool disk_full = false;
  std::deque<code_action> due;
  std::size_t examining = 0;
  std::vector<digest> completed;
  std::vector<digest> starved;
  std::vector<uuid> blamed;
};

}  // namespace troupe::cluster
