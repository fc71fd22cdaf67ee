// A disk in memory that SQLite writes to. It loses power (and with it what was not synced), runs full, fails to sync,
// and shows its bytes for a test to damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace troupe::tests {

/// Registered with SQLite under `name()` from construction to destruction. All members may be called from any thread.
class fault_disk {
public:
  fault_disk();
  ~fault_disk();
  fault_disk(const fault_disk&) = delete;
  fault_disk& operator=(const fault_disk&) = delete;

  const std::string& name() const noexcept { return name_; }

  /// After `operations` more writes, truncations, syncs and removals every operation fails: the machine is off.
  void lose_power_after(std::size_t operations);
  bool lost_power() const;
  /// Power is back. Of what was not synced nothing, everything, or any part of it (in pieces of 512 bytes) is there, as
  /// `random` says. Nothing may have a file open.
  void restart(std::mt19937_64& random);

  /// Files may not grow beyond `bytes` together.
  void set_capacity(std::size_t bytes);
  /// The sync after `syncs` more fails, and so do all that follow.
  void fail_sync_after(std::size_t syncs);
  void fail_no_more();

  std::string contents(const std::string& path) const;
  void replace(const std::string& path, std::string bytes);
  std::size_t syncs() const;

  // What SQLite calls, through the functions of the VFS. They return SQLite's codes.
  struct file;
  std::shared_ptr<file> open(const char* path);
  int read(file& target, void* out, std::size_t count, std::size_t at);
  int write(file& target, const void* bytes, std::size_t count, std::size_t at);
  int truncate(file& target, std::size_t size);
  int sync(file& target);
  int remove(const char* path, bool durably);
  std::size_t size(const file& target) const;
  bool exists(const std::string& path) const;

private:
  bool power_fails();
  std::size_t used() const;

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<file>> files_;
  std::optional<std::size_t> power_for_;
  std::optional<std::size_t> syncs_left_;
  std::optional<std::size_t> capacity_;
  std::size_t syncs_ = 0;
  bool off_ = false;
};

}  // namespace troupe::tests
