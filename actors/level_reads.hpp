// Reads of the catalog that see everything which was acknowledged before them: a barrier of the store, then this node's
// picture as soon as it is there. Without contact to the store's authority the picture is read as it is, and the reader
// is told how old it may be. On the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "actors/catalog_follower.hpp"
#include "actors/event_loop.hpp"
#include "cluster/catalog_store.hpp"

namespace troupe::actors {

struct level_reads_config {
  cluster::catalog_store* store = nullptr;
  catalog_follower* follower = nullptr;
  /// Of the newest durable commit while this node is the store's authority, which need not ask anybody; else nothing.
  std::function<std::optional<cluster::cursor>()> own_tip;
  time_point started_at = clock::now();  ///< of this node
  milliseconds patience{200};            ///< how long a read waits at most
};

class level_reads {
public:
  /// @param stale  nothing when the picture has everything; else how long ago it certainly had, counted from this
  ///               node's start when it never had.
  using continuation = std::function<void(std::optional<seconds> stale)>;

  level_reads(event_loop& control, level_reads_config config);
  ~level_reads();
  level_reads(const level_reads&) = delete;
  level_reads& operator=(const level_reads&) = delete;

  /// `then` runs once, on the control loop, within `patience`: at once when nobody has to be asked.
  void read(continuation then);
  /// The authority said that its newest commit is `tip`, when it was asked at `asked_at`.
  void heard(cluster::cursor tip, time_point asked_at);
  /// What still waits is dropped.
  void stop();

private:
  struct waiting;

  void on_barrier(std::uint64_t number, const expected<cluster::cursor>& at);
  void await(std::uint64_t number, cluster::cursor at);
  void end(std::uint64_t number, bool level);
  seconds age() const;

  event_loop& loop_;
  const level_reads_config config_;
  std::map<std::uint64_t, std::unique_ptr<waiting>> waiting_;
  std::uint64_t last_ = 0;
  time_point level_at_;  ///< everything that was acknowledged before is in the picture
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
};

}  // namespace troupe::actors
