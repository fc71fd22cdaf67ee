#include "actors/stores/store_disk.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "functions/unix_file.hpp"

namespace troupe::actors {

namespace {

error system_error(const std::string& path, const char* what, int why) {
  const bool full = why == ENOSPC || why == EDQUOT;
  return {full ? errc::full : errc::unavailable, path + ": cannot " + what + ": " + std::strerror(why)};
}

/// Of what lies at `path`.
expected<void> sync_folder_of(const std::string& path) {
  if (const int why = functions::sync_folder(path.substr(0, path.rfind('/') + 1)); why != 0)
    return tl::unexpected{system_error(path, "sync its directory", why)};
  return {};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

expected<void> remove_if_there(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return tl::unexpected{system_error(path, "remove it", errno)};
  return {};
}

std::string journal_of(const std::string& path) {
  return path + "-journal";
}

/// A name beside a file that nothing has.
std::string free_name_of(const std::string& path) {
  auto aside = path + ".set-aside";
  for (int n = 2; exists(aside); ++n)
    aside = path + ".set-aside-" + std::to_string(n);
  return aside;
}

/// Gives a file and its journal a second name, which survives when the first one goes.
expected<std::string> name_aside(const std::string& path) {
  auto aside = free_name_of(path);
  for (const auto& [from, to] : {std::pair{path, aside}, std::pair{journal_of(path), journal_of(aside)}})
    if (::link(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
      return tl::unexpected{system_error(from, "keep it beside the new one", errno)};
  return aside;
}

}  // namespace

expected<store_disk> store_disk::open(const std::string& data_dir, const std::string& vfs, missing_store missing) {
  store_disk disk{data_dir, vfs};
  if (vfs.empty()) {
    // What a replacement left that did not come to its end.
    const auto fresh = disk.path_ + ".new";
    for (const auto& left : {fresh, journal_of(fresh)})
      if (auto gone = remove_if_there(left); !gone)
        return tl::unexpected{error{errc::io, std::move(gone.error().what)}};
    if (missing == missing_store::leave && !exists(disk.path_))
      return disk;
  }
  auto file = history_store::open(disk.path_, vfs);
  if (!file)
    return tl::unexpected{std::move(file.error())};
  auto found = file->read();
  if (!found)
    return tl::unexpected{std::move(found.error())};
  disk.file_.emplace(std::move(*file));
  disk.found_ = std::move(*found);
  return disk;
}

std::uint64_t store_disk::size_bytes() const {
  struct stat found {};
  return vfs_.empty() && ::stat(path_.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

std::optional<cluster::stored_store> store_disk::take_found() {
  return std::exchange(found_, std::nullopt);
}

expected<void> store_disk::persist(const cluster::staged_changes& changes) {
  if (!broken_ && !file_)
    broken_ = error{errc::bug, path_ + " does not exist"};
  if (broken_)
    return tl::unexpected{*broken_};
  auto written = file_->persist(changes);
  if (!written && written.error().code != errc::full)
    broken_ = error{errc::unavailable, written.error().what};
  return written;
}

expected<std::string> store_disk::replace(const cluster::stored_store& store, old_store old) {
  if (!vfs_.empty())
    return fail(errc::unavailable, path_ + ": a store on the disk of another VFS cannot be replaced");
  const auto fresh = path_ + ".new";
  auto done = remove_if_there(fresh).and_then([&] { return remove_if_there(journal_of(fresh)); }).and_then([&] {
    auto file = history_store::open(fresh, vfs_);
    return file ? file->fill(store) : expected<void>{tl::unexpected{std::move(file.error())}};
  });
  if (done)
    return swap_files(fresh, old);
  ::unlink(fresh.c_str());  // what stays is removed by the next try or start
  ::unlink(journal_of(fresh).c_str());
  if (done.error().code != errc::full)
    done.error().code = errc::unavailable;
  return tl::unexpected{std::move(done.error())};
}

std::string store_disk::path_aside() const {
  return exists(path_) ? free_name_of(path_) : std::string{};
}

expected<std::string> store_disk::swap_files(const std::string& fresh, old_store old) {
  expected<std::string> aside{std::string{}};
  if (old == old_store::set_aside && exists(path_))
    aside = name_aside(path_);
  if (!aside)
    return aside;
  file_.reset();
  // A journal of the old file would be taken for one of the new file.
  auto done = remove_if_there(journal_of(path_)).and_then([&] { return remove_if_there(journal_of(fresh)); });
  if (done && ::rename(fresh.c_str(), path_.c_str()) != 0)
    done = tl::unexpected{system_error(path_, "put the new one in its place", errno)};
  if (!done) {
    if (auto again = reopen(); !again)
      broken_ = std::move(again.error());
    return tl::unexpected{std::move(done.error())};
  }
  if (auto durable = sync_folder_of(path_).and_then([this] { return reopen(); }); !durable) {
    broken_ = durable.error();
    durable.error().code = errc::unknown_outcome;
    return tl::unexpected{std::move(durable.error())};
  }
  broken_.reset();
  return aside;
}

expected<void> store_disk::reopen() {
  if (!exists(path_))
    return {};
  auto file = history_store::open(path_, vfs_);
  if (!file)
    return tl::unexpected{std::move(file.error())};
  file_.emplace(std::move(*file));
  return {};
}

expected<std::string> set_store_aside(const std::string& data_dir) {
  const auto path = data_dir + "/store.db";
  auto aside = name_aside(path);
  if (!aside)
    return aside;
  for (const auto& each : {journal_of(path), path})
    if (auto gone = remove_if_there(each); !gone)
      return tl::unexpected{std::move(gone.error())};
  if (auto durable = sync_folder_of(path); !durable)
    return tl::unexpected{std::move(durable.error())};
  return aside;
}

}  // namespace troupe::actors
