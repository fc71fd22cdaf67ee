// Descriptors and whole reads and writes of files, with the operating system's refusals as errors of ours. Blocking:
// for the files thread and the command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "config/text.hpp"

namespace troupe::functions {

/// Owns a file descriptor; -1 is none.
class unix_file {
public:
  unix_file() = default;
  explicit unix_file(int fd) noexcept : fd_{fd} {}
  unix_file(unix_file&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  unix_file& operator=(unix_file&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unix_file();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// The error of a system call that has just failed: `what`, a colon and the system's words.
/// `errc::full` for a full disk or quota, else `errc::io`.
tl::unexpected<error> system_failure(std::string_view what);

/// Opens a regular file for reading; never blocks on a FIFO, never follows a link in the last segment.
/// @returns `errc::io` with the reason, or `errc::refused` when it is something else than a regular file.
expected<unix_file> open_regular(const std::filesystem::path& path);

/// Makes durable which files a folder has, and under which names. @returns 0, or the `errno` of the refusal.
int sync_folder(const std::filesystem::path& folder) noexcept;

expected<void> write_whole(int fd, std::string_view bytes, std::string_view name);
/// @returns `errc::too_big` when the file has more than `max_bytes`.
expected<std::string> read_whole(const std::filesystem::path& path, std::uint64_t max_bytes);

bool path_exists(const std::filesystem::path& path);            ///< also a link that leads nowhere
expected<void> make_folder(const std::filesystem::path& path);  ///< with its parents, unless it is there
expected<void> move_path(const std::filesystem::path& from, const std::filesystem::path& to);
/// Sets the time of the last change to now. @returns false when there is nothing of that name.
expected<bool> touch_path(const std::filesystem::path& path);

struct hashed_bytes {
  digest sha256;
  std::uint64_t size = 0;
};

/// Hashes from the descriptor's position to the end of the file.
/// @returns `errc::too_big` as soon as there are more than `max_bytes`.
expected<hashed_bytes> hash_to_end(int fd, std::uint64_t max_bytes, std::string_view name);

/// Fills the empty file `to` with the contents of `from` (position 0), sharing the blocks where the file system can,
/// and hashes what arrived. The same errors as `hash_to_end`.
expected<hashed_bytes> copy_hashed(int from, int to, std::uint64_t max_bytes, std::string_view name);

}  // namespace troupe::functions
