// A disk that takes time, is full for a while, fails, and loses what was not yet durable when the power goes. What it
// holds survives the node; when it fails and how long it takes is chosen by whoever writes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/store_action.hpp"

namespace troupe::sim {

/// One write, copied from what the node handed out.
struct disk_request {
  std::vector<cluster::history_row> rows;
  std::vector<cluster::record> puts;
  std::vector<std::string> erased;
  cluster::cursor bodies_from;
  cluster::cursor heads_from;
  std::shared_ptr<const cluster::stored_store> whole;  ///< null: add the rows
};

disk_request copy_of(const cluster::persist_rows& wanted);
disk_request copy_of(const cluster::persist_whole& wanted);

class fake_disk {
public:
  bool empty() const noexcept { return !holds_; }
  const cluster::store_identity& identity() const noexcept { return identity_; }
  std::uint64_t tip() const noexcept { return heads_.empty() ? 0 : heads_.back().at.value; }
  const std::map<std::string, cluster::record>& records() const noexcept { return records_; }

  /// What a node starts from; nothing when there is no store.
  std::optional<cluster::stored_store> read() const;
  void replace(const cluster::stored_store& store);
  /// What a restore is made from: what is there, or what an earlier restore replaced when no node has started since.
  std::optional<cluster::stored_store> restorable() const { return replaced_ ? replaced_ : read(); }
  void restore(const cluster::stored_store& made);
  void node_starts() { replaced_.reset(); }
  /// It is on the disk from here on.
  void apply(const disk_request& request);
  void wipe();

private:
  bool holds_ = false;
  cluster::store_identity identity_;
  std::map<std::string, cluster::record> records_;
  std::deque<cluster::row_head> heads_;
  std::deque<std::pair<cluster::cursor, std::string>> bodies_;
  std::optional<cluster::stored_store> replaced_;
};

}  // namespace troupe::sim
