#include "functions/blob_parts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_suffix = ".part";

tl::unexpected<error> failure_at(std::string_view what, const fs::path& path) {
  return system_failure(std::string{what} + " " + in_quotes(path.native()));
}

/// Of a file that need not be there.
expected<std::uint64_t> size_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0)
    return static_cast<std::uint64_t>(status.st_size);
  if (errno == ENOENT)
    return std::uint64_t{0};
  return failure_at("cannot look at", path);
}

}  // namespace

expected<blob_parts> blob_parts::open(const fs::path& data_dir) {
  blob_parts parts{data_dir / "parts"};
  return make_folder(parts.folder_).map([&] { return parts; });
}

fs::path blob_parts::path_of(const digest& blob) const {
  return folder_ / (to_string(blob) + std::string{part_suffix});
}

expected<blob_progress> blob_parts::progress(blob_store& blobs, const digest& blob) const {
  const auto absent = blobs.confirm({&blob, 1});
  if (!absent)
    return tl::unexpected{absent.error()};
  if (absent->empty())
    return blob_progress{0, true};
  return size_of(path_of(blob)).map([](std::uint64_t stored) { return blob_progress{stored, false}; });
}

expected<blob_progress> blob_parts::append(blob_store& blobs, const digest& blob, std::uint64_t offset,
                                           std::uint64_t total, std::string_view bytes) {
  if (total > max_part_bytes)
    return fail(errc::too_big, "a blob of " + std::to_string(total) + " bytes, at most " +
                                   std::to_string(max_part_bytes) + " are taken");
  if (offset > total || bytes.size() > total - offset)
    return fail(errc::bad_usage, "bytes behind the end of blob " + to_string(blob));
  auto known = progress(blobs, blob);
  if (!known || known->whole)
    return known.map([&](blob_progress) { return blob_progress{total, true}; });
  if (known->stored > total) {
    // Left over from somebody who said that it is longer: one of them is wrong, and only the digest can tell.
    if (auto dropped = drop(blob); !dropped)
      return tl::unexpected{dropped.error()};
    known->stored = 0;
  }
  if (known->stored != offset)
    return known;
  const auto path = path_of(blob);
  {
    const unix_file file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!file)
      return failure_at("cannot create", path);
    // What was written before the disk ran full counts: the next try goes on behind it.
    if (auto written = write_whole(file.get(), bytes, path.native()); !written)
      return tl::unexpected{written.error()};
  }
  if (offset + bytes.size() == total)
    return finish(blobs, blob, total);
  return blob_progress{offset + bytes.size(), false};
}

expected<blob_progress> blob_parts::finish(blob_store& blobs, const digest& blob, std::uint64_t total) {
  const auto path = path_of(blob);
  const auto file = open_regular(path);
  if (!file)
    return tl::unexpected{file.error()};
  const auto found = hash_to_end(file->get(), total, path.native());
  if (!found && found.error().code != errc::too_big)
    return tl::unexpected{found.error()};
  if (!found || found->sha256 != blob) {
    if (auto dropped = drop(blob); !dropped)
      return tl::unexpected{dropped.error()};
    return fail(errc::corrupt, "the bytes that came for blob " + to_string(blob) + " have another digest");
  }
  return blobs.adopt(path, blob).map([&] { return blob_progress{total, true}; });
}

expected<void> blob_parts::drop(const digest& blob) {
  const auto path = path_of(blob);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return failure_at("cannot remove", path);
  return {};
}

expected<void> blob_parts::collect(std::int64_t before) {
  std::error_code problem;
  for (fs::directory_iterator it{folder_, problem}, end; !problem && it != end; it.increment(problem)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) == 0 && status.st_mtime < before && ::unlink(it->path().c_str()) != 0)
      return failure_at("cannot remove", it->path());
  }
  if (!problem)
    return {};
  errno = problem.value();
  return failure_at("cannot list folder", folder_);
}

}  // namespace troupe::functions
