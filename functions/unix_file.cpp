#include "functions/unix_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "config/text.hpp"

namespace troupe::functions {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

tl::unexpected<error> too_long(std::string_view name, std::uint64_t max_bytes) {
  return fail(errc::too_big, in_quotes(name) + " has more than " + std::to_string(max_bytes) + " bytes");
}

/// Calls `take` with each piece of the file from its position on.
template <class Take>
expected<void> for_each_piece(int fd, std::string_view name, Take take) {
  const auto piece = std::make_unique_for_overwrite<char[]>(piece_bytes);
  for (;;) {
    const auto got = ::read(fd, piece.get(), piece_bytes);
    if (got == 0)
      return {};
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return system_failure("cannot read " + in_quotes(name));
    if (auto taken = take(std::string_view{piece.get(), static_cast<std::size_t>(got)}); !taken)
      return taken;
  }
}

}  // namespace

unix_file::~unix_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

tl::unexpected<error> system_failure(std::string_view what) {
  const int number = errno;
  const auto code = number == ENOSPC || number == EDQUOT ? errc::full : errc::io;
  return fail(code, std::string{what} + ": " + std::generic_category().message(number));
}

expected<unix_file> open_regular(const std::filesystem::path& path) {
  unix_file file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!file)
    return system_failure("cannot open " + in_quotes(path.native()));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return system_failure("cannot look at " + in_quotes(path.native()));
  if (!S_ISREG(status.st_mode))
    return fail(errc::refused, in_quotes(path.native()) + " is not a regular file");
  return file;
}

int sync_folder(const std::filesystem::path& folder) noexcept {
  const unix_file opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return opened && ::fsync(opened.get()) == 0 ? 0 : errno;
}

expected<void> write_whole(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return system_failure("cannot write " + in_quotes(name));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

expected<std::string> read_whole(const std::filesystem::path& path, std::uint64_t max_bytes) {
  auto file = open_regular(path);
  if (!file)
    return tl::unexpected{file.error()};
  struct stat status {};
  if (::fstat(file->get(), &status) != 0)
    return system_failure("cannot look at " + in_quotes(path.native()));
  const auto announced = static_cast<std::uint64_t>(status.st_size);
  if (announced > max_bytes)
    return too_long(path.native(), max_bytes);
  std::string bytes;
  bytes.reserve(announced);
  auto read = for_each_piece(file->get(), path.native(), [&](std::string_view piece) -> expected<void> {
    if (bytes.size() + piece.size() > max_bytes)
      return too_long(path.native(), max_bytes);
    bytes += piece;
    return {};
  });
  if (!read)
    return tl::unexpected{read.error()};
  return bytes;
}

bool path_exists(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

expected<void> make_folder(const std::filesystem::path& path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (!problem)
    return {};
  errno = problem.value();
  return system_failure("cannot create folder " + in_quotes(path.native()));
}

expected<void> move_path(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return system_failure("cannot rename " + in_quotes(from.native()) + " to " + in_quotes(to.native()));
  return {};
}

expected<bool> touch_path(const std::filesystem::path& path) {
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0)
    return true;
  if (errno == ENOENT)
    return false;
  return system_failure("cannot touch " + in_quotes(path.native()));
}

expected<hashed_bytes> hash_to_end(int fd, std::uint64_t max_bytes, std::string_view name) {
  sha256_stream hash;
  hashed_bytes result;
  auto read = for_each_piece(fd, name, [&](std::string_view piece) -> expected<void> {
    result.size += piece.size();
    if (result.size > max_bytes)
      return too_long(name, max_bytes);
    hash.update(piece);
    return {};
  });
  if (!read)
    return tl::unexpected{read.error()};
  result.sha256 = hash.finish();
  return result;
}

expected<hashed_bytes> copy_hashed(int from, int to, std::uint64_t max_bytes, std::string_view name) {
  // The clone is hashed, not the source: nobody else can write to it.
  if (::ioctl(to, FICLONE, from) == 0)
    return hash_to_end(to, max_bytes, name);
  sha256_stream hash;
  hashed_bytes result;
  auto copied = for_each_piece(from, name, [&](std::string_view piece) -> expected<void> {
    result.size += piece.size();
    if (result.size > max_bytes)
      return too_long(name, max_bytes);
    hash.update(piece);
    return write_whole(to, piece, name);
  });
  if (!copied)
    return tl::unexpected{copied.error()};
  result.sha256 = hash.finish();
  return result;
}

}  // namespace troupe::functions
