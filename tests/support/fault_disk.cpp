#include "tests/support/fault_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace troupe::tests {

struct fault_disk::file {
  struct change {
    std::size_t at = 0;
    std::string bytes;
    std::optional<std::size_t> size;  ///< set: a truncation
  };
  std::string now;
  std::string durable;
  std::vector<change> unsynced;
  bool there = false;          ///< the name exists
  bool durably_there = false;  ///< and survives a power loss
};

namespace {

constexpr std::size_t sector = 512;

void apply(std::string& image, std::size_t at, std::string_view bytes) {
  if (image.size() < at + bytes.size())
    image.resize(at + bytes.size());
  std::memcpy(image.data() + at, bytes.data(), bytes.size());
}

struct open_file {
  sqlite3_file base;
  fault_disk* disk;
  std::shared_ptr<fault_disk::file>* target;
};

open_file& opened(sqlite3_file* handle) {
  return *reinterpret_cast<open_file*>(handle);
}
fault_disk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<fault_disk*>(vfs->pAppData);
}
sqlite3_vfs* real() {
  return sqlite3_vfs_find(nullptr);
}

const sqlite3_io_methods& methods() {
  static const sqlite3_io_methods table = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;
    m.xClose = [](sqlite3_file* f) {
      delete opened(f).target;
      return SQLITE_OK;
    };
    m.xRead = [](sqlite3_file* f, void* out, int count, sqlite3_int64 at) {
      return opened(f).disk->read(**opened(f).target, out, static_cast<std::size_t>(count),
                                  static_cast<std::size_t>(at));
    };
    m.xWrite = [](sqlite3_file* f, const void* in, int count, sqlite3_int64 at) {
      return opened(f).disk->write(**opened(f).target, in, static_cast<std::size_t>(count),
                                   static_cast<std::size_t>(at));
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      return opened(f).disk->truncate(**opened(f).target, static_cast<std::size_t>(size));
    };
    m.xSync = [](sqlite3_file* f, int) { return opened(f).disk->sync(**opened(f).target); };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      *size = static_cast<sqlite3_int64>(opened(f).disk->size(**opened(f).target));
      return SQLITE_OK;
    };
    m.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
    m.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
    m.xCheckReservedLock = [](sqlite3_file*, int* held) {
      *held = 0;
      return SQLITE_OK;
    };
    m.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
    m.xSectorSize = [](sqlite3_file*) { return static_cast<int>(sector); };
    // As SQLite's own VFS says of Linux: bytes beside those that are written do not change at a power loss.
    m.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; };
    return m;
  }();
  return table;
}

int open_handle(sqlite3_vfs* vfs, const char* path, sqlite3_file* handle, int flags, int* out_flags) {
  auto target = disk_of(vfs).open(path);
  handle->pMethods = nullptr;
  if (target == nullptr)
    return SQLITE_CANTOPEN;
  opened(handle).disk = &disk_of(vfs);
  opened(handle).target = new std::shared_ptr<fault_disk::file>{std::move(target)};
  handle->pMethods = &methods();
  if (out_flags != nullptr)
    *out_flags = flags;
  return SQLITE_OK;
}

}  // namespace

fault_disk::fault_disk() : vfs_{std::make_unique<sqlite3_vfs>()} {
  static std::atomic<int> number = 0;
  name_ = "fault-disk-" + std::to_string(++number);
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(open_file);
  vfs_->mxPathname = 512;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = open_handle;
  vfs_->xDelete = [](sqlite3_vfs* vfs, const char* path, int durably) {
    return disk_of(vfs).remove(path, durably != 0);
  };
  vfs_->xAccess = [](sqlite3_vfs* vfs, const char* path, int, int* found) {
    *found = disk_of(vfs).exists(path) ? 1 : 0;
    return SQLITE_OK;
  };
  vfs_->xFullPathname = [](sqlite3_vfs*, const char* path, int room, char* out) {
    sqlite3_snprintf(room, out, "%s", path);
    return SQLITE_OK;
  };
  vfs_->xRandomness = [](sqlite3_vfs*, int count, char* out) { return real()->xRandomness(real(), count, out); };
  vfs_->xSleep = [](sqlite3_vfs*, int) { return 0; };
  vfs_->xCurrentTime = [](sqlite3_vfs*, double* out) { return real()->xCurrentTime(real(), out); };
  vfs_->xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  sqlite3_vfs_register(vfs_.get(), 0);
}

fault_disk::~fault_disk() {
  sqlite3_vfs_unregister(vfs_.get());
}

void fault_disk::lose_power_after(std::size_t operations) {
  const std::lock_guard lock{mutex_};
  power_for_ = operations;
}

bool fault_disk::lost_power() const {
  const std::lock_guard lock{mutex_};
  return off_;
}

void fault_disk::restart(std::mt19937_64& random) {
  const std::lock_guard lock{mutex_};
  const auto fate = random() % 3;
  const auto survives = [&] { return fate == 0 || (fate == 2 && random() % 2 == 0); };
  for (auto it = files_.begin(); it != files_.end();) {
    auto& [path, each] = *it;
    auto image = std::move(each->durable);
    for (const auto& change : each->unsynced) {
      if (change.size) {
        if (survives())
          image.resize(*change.size);
        continue;
      }
      for (std::size_t from = 0; from < change.bytes.size(); from += sector)
        if (survives())
          apply(image, change.at + from, std::string_view{change.bytes}.substr(from, sector));
    }
    each->durable = each->now = std::move(image);
    each->unsynced.clear();
    if (each->there != each->durably_there && !survives())
      each->there = each->durably_there;
    each->durably_there = each->there;
    it = each->there ? std::next(it) : files_.erase(it);
  }
  power_for_.reset();
  off_ = false;
}

void fault_disk::set_capacity(std::size_t bytes) {
  const std::lock_guard lock{mutex_};
  capacity_ = bytes;
}

void fault_disk::fail_sync_after(std::size_t syncs) {
  const std::lock_guard lock{mutex_};
  syncs_left_ = syncs;
}

void fault_disk::fail_no_more() {
  const std::lock_guard lock{mutex_};
  syncs_left_.reset();
  capacity_.reset();
}

std::string fault_disk::contents(const std::string& path) const {
  const std::lock_guard lock{mutex_};
  return files_.at(path)->now;
}

void fault_disk::replace(const std::string& path, std::string bytes) {
  const std::lock_guard lock{mutex_};
  auto& target = files_[path];
  target = std::make_shared<file>();
  target->now = target->durable = std::move(bytes);
  target->there = target->durably_there = true;
}

std::size_t fault_disk::syncs() const {
  const std::lock_guard lock{mutex_};
  return syncs_;
}

std::shared_ptr<fault_disk::file> fault_disk::open(const char* path) {
  const std::lock_guard lock{mutex_};
  if (off_)
    return nullptr;
  if (path == nullptr)  // a temporary file without a name
    return std::make_shared<file>();
  auto& target = files_[path];
  if (target == nullptr)
    target = std::make_shared<file>();
  if (!target->there) {
    target = std::make_shared<file>();
    target->there = true;
  }
  return target;
}

int fault_disk::read(file& target, void* out, std::size_t count, std::size_t at) {
  const std::lock_guard lock{mutex_};
  if (off_)
    return SQLITE_IOERR_READ;
  const auto found = at < target.now.size() ? std::min(count, target.now.size() - at) : 0;
  if (found > 0)
    std::memcpy(out, target.now.data() + at, found);
  std::memset(static_cast<char*>(out) + found, 0, count - found);
  return found == count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int fault_disk::write(file& target, const void* bytes, std::size_t count, std::size_t at) {
  const std::lock_guard lock{mutex_};
  if (power_fails())
    return SQLITE_IOERR_WRITE;
  const auto grown = std::max(target.now.size(), at + count) - target.now.size();
  if (grown > 0 && capacity_ && used() + grown > *capacity_)
    return SQLITE_FULL;
  const std::string_view written{static_cast<const char*>(bytes), count};
  apply(target.now, at, written);
  target.unsynced.push_back({at, std::string{written}, std::nullopt});
  return SQLITE_OK;
}

int fault_disk::truncate(file& target, std::size_t size) {
  const std::lock_guard lock{mutex_};
  if (power_fails())
    return SQLITE_IOERR_TRUNCATE;
  target.now.resize(size);
  target.unsynced.push_back({0, {}, size});
  return SQLITE_OK;
}

int fault_disk::sync(file& target) {
  const std::lock_guard lock{mutex_};
  if (power_fails())
    return SQLITE_IOERR_FSYNC;
  if (syncs_left_) {
    if (*syncs_left_ == 0)
      return SQLITE_IOERR_FSYNC;
    --*syncs_left_;
  }
  ++syncs_;
  target.durable = target.now;
  target.unsynced.clear();
  // SQLite's own VFS syncs the directory of a new journal with it; the store does so for its file.
  target.durably_there = target.there;
  return SQLITE_OK;
}

int fault_disk::remove(const char* path, bool durably) {
  const std::lock_guard lock{mutex_};
  if (power_fails())
    return SQLITE_IOERR_DELETE;
  const auto found = files_.find(path);
  if (found == files_.end() || !found->second->there)
    return SQLITE_IOERR_DELETE_NOENT;
  found->second->there = false;
  if (durably)
    found->second->durably_there = false;
  return SQLITE_OK;
}

std::size_t fault_disk::size(const file& target) const {
  const std::lock_guard lock{mutex_};
  return target.now.size();
}

bool fault_disk::exists(const std::string& path) const {
  const std::lock_guard lock{mutex_};
  const auto found = files_.find(path);
  return found != files_.end() && found->second->there;
}

/// Counts an operation; true once the machine is off.
bool fault_disk::power_fails() {
  if (power_for_ && !off_) {
    off_ = *power_for_ == 0;
    --*power_for_;
  }
  return off_;
}

std::size_t fault_disk::used() const {
  std::size_t bytes = 0;
  for (const auto& [path, each] : files_)
    if (each->there)
      bytes += each->now.size();
  return bytes;
}

}  // namespace troupe::tests
