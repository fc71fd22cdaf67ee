// Writes a backup of the store each `store.backup_interval` into the data directory, off the loops, on every node: what
// is deployed can be restored even if the cluster's stores are lost. How the files are kept is in backup_files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/event_loop.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/work_thread.hpp"
#include "cli/backup_files.hpp"

namespace troupe::cli {

/// On the control loop only. Store and files thread outlive it.
class store_backups final : private actors::timer_listener {
public:
  /// @param interval  0: none are written.
  /// @param tell      for the event journal: a backup failed, once until one succeeds.
  store_backups(actors::event_loop& control, actors::built_in_store& store, actors::work_thread& files,
                backup_folder folder, milliseconds interval,
                std::function<void(std::string_view kind, const std::string& text)> tell);
  ~store_backups();
  store_backups(const store_backups&) = delete;
  store_backups& operator=(const store_backups&) = delete;

  /// The first one comes when the newest that is there is an interval old.
  void start();
  void stop();
  /// Other rules from now on; an interval counts from the newest one that is there.
  void adjust(milliseconds interval, std::size_t keep);

private:
  void on_timer(time_point now) override;
  void settled(const expected<void>& written);
  void next_in(milliseconds wait);
  /// Runs `job` on the files thread and `then` with its result here, unless this has stopped meanwhile.
  template <class Result>
  static bool run(actors::work_thread& files, actors::event_loop& loop, std::shared_ptr<bool> alive,
                  std::function<Result()> job, std::function<void(Result)> then);

  actors::event_loop& loop_;
  actors::built_in_store& store_;
  actors::work_thread& files_;
  backup_folder folder_;
  milliseconds interval_;
  const std::function<void(std::string_view kind, const std::string& text)> tell_;
  bool failing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);
};

}  // namespace troupe::cli
