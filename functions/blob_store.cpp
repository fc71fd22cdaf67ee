#include "functions/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

constexpr mode_t blob_mode = 0444;

tl::unexpected<error> missing(const digest& blob) {
  return fail(errc::corrupt, "blob " + to_string(blob) + " is missing");
}

}  // namespace

expected<blob_store> blob_store::open(const fs::path& data_dir) {
  auto work = work_folder::open(data_dir);
  if (!work)
    return tl::unexpected{work.error()};
  blob_store store{std::move(*work)};
  store.blobs_ = data_dir / "blobs";
  if (auto made = make_folder(store.blobs_); !made)
    return tl::unexpected{made.error()};
  store.data_dir_ = unix_file{::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!store.data_dir_)
    return system_failure("cannot open folder " + in_quotes(data_dir.native()));
  return store;
}

fs::path blob_store::path_of(const digest& blob) const {
  const auto name = to_string(blob);
  return blobs_ / name.substr(0, 2) / name;
}

bool blob_store::has(const digest& blob) const {
  return path_exists(path_of(blob));
}

expected<std::vector<digest>> blob_store::confirm(std::span<const digest> blobs) {
  std::vector<digest> absent;
  for (const auto& blob : blobs) {
    const auto found = touch_path(path_of(blob));
    if (!found)
      return tl::unexpected{found.error()};
    if (!*found)
      absent.push_back(blob);
  }
  return absent;
}

expected<void> blob_store::finish(unfinished_file& file, const digest& blob) {
  if (::fchmod(file.file.get(), blob_mode) != 0)
    return system_failure("cannot protect " + in_quotes(file.place.path().native()));
  const auto path = path_of(blob);
  return make_folder(path.parent_path()).and_then([&] { return file.place.become(path); });
}

expected<void> blob_store::put(std::string_view bytes, const digest& blob) {
  const auto actual = sha256(bytes);
  if (actual != blob)
    return fail(errc::corrupt, "the bytes have the sha256 " + to_string(actual) + ", not " + to_string(blob));
  if (const auto known = touch_path(path_of(blob)); !known || *known)
    return known.map([](bool) {});
  auto file = work_.create_file();
  if (!file)
    return tl::unexpected{file.error()};
  return write_whole(file->file.get(), bytes, file->place.path().native()).and_then([&] {
    return finish(*file, blob);
  });
}

expected<void> blob_store::put_from_path(const fs::path& source, const digest& blob, std::uint64_t size) {
  if (const auto known = touch_path(path_of(blob)); !known || *known)
    return known.map([](bool) {});
  const auto from = open_regular(source);
  if (!from)
    return tl::unexpected{from.error()};
  struct stat status {};
  if (::fstat(from->get(), &status) != 0)
    return system_failure("cannot look at " + in_quotes(source.native()));
  const auto changed = [&] {
    return fail(errc::corrupt, in_quotes(source.native()) + " has not the size and the sha256 " + to_string(blob) +
                                   " that it was announced with");
  };
  if (static_cast<std::uint64_t>(status.st_size) != size)
    return changed();
  auto file = work_.create_file();
  if (!file)
    return tl::unexpected{file.error()};
  const auto copied = copy_hashed(from->get(), file->file.get(), size, source.native());
  if (!copied && copied.error().code == errc::too_big)
    return changed();
  if (!copied)
    return tl::unexpected{copied.error()};
  if (copied->size != size || copied->sha256 != blob)
    return changed();
  return finish(*file, blob);
}

expected<void> blob_store::adopt(const fs::path& file, const digest& blob) {
  if (const auto known = touch_path(path_of(blob)); !known || *known)
    return known.map([](bool) {});
  if (::chmod(file.c_str(), blob_mode) != 0)
    return system_failure("cannot protect " + in_quotes(file.native()));
  const auto path = path_of(blob);
  return make_folder(path.parent_path()).and_then([&] { return move_path(file, path); });
}

tl::unexpected<error> blob_store::damaged(const digest& blob) {
  // If it cannot be removed it is found to be damaged again.
  std::error_code ignored;
  fs::remove(path_of(blob), ignored);
  return fail(errc::corrupt, "blob " + to_string(blob) + " was damaged on the disk and is removed");
}

expected<std::string> blob_store::read(const digest& blob, std::uint64_t max_bytes) {
  if (!has(blob))
    return missing(blob);
  auto bytes = read_whole(path_of(blob), max_bytes);
  if (bytes && sha256(*bytes) != blob)
    return damaged(blob);
  return bytes;
}

expected<std::optional<blob_piece>> blob_store::read_piece(const digest& blob, std::uint64_t offset,
                                                           std::size_t max_bytes) {
  const auto path = path_of(blob);
  if (const auto there = touch_path(path); !there || !*there)
    return there.map([](bool) { return std::optional<blob_piece>{}; });
  const auto file = open_regular(path);
  if (!file)
    return tl::unexpected{file.error()};
  struct stat status {};
  if (::fstat(file->get(), &status) != 0)
    return system_failure("cannot look at " + in_quotes(path.native()));
  blob_piece piece{static_cast<std::uint64_t>(status.st_size), {}};
  const auto left = piece.total - std::min(offset, piece.total);
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(max_bytes, left));
  piece.bytes.reserve(wanted);
  while (piece.bytes.size() < wanted) {
    const auto got = ::pread(file->get(), piece.bytes.room(1).data(), wanted - piece.bytes.size(),
                             static_cast<off_t>(offset + piece.bytes.size()));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return system_failure("cannot read " + in_quotes(path.native()));
    if (got == 0)
      break;
    piece.bytes.commit(static_cast<std::size_t>(got));
  }
  return piece;
}

expected<void> blob_store::copy_to(const digest& blob, std::uint64_t max_bytes, int file) {
  if (!has(blob))
    return missing(blob);
  const auto path = path_of(blob);
  const auto from = open_regular(path);
  if (!from)
    return tl::unexpected{from.error()};
  const auto copied = copy_hashed(from->get(), file, max_bytes, path.native());
  if (copied && copied->sha256 == blob)
    return {};
  if (!copied && copied.error().code != errc::too_big)
    return tl::unexpected{copied.error()};
  return damaged(blob);
}

expected<void> blob_store::sync_all() {
  if (::syncfs(data_dir_.get()) != 0)
    return system_failure("cannot write the blobs to the disk");
  return {};
}

expected<blob_store::removed> blob_store::collect(const std::function<bool(const digest&)>& keep, std::int64_t before) {
  removed result;
  std::error_code problem;
  for (fs::recursive_directory_iterator it{blobs_, problem}, end; !problem && it != end; it.increment(problem)) {
    digest blob;
    struct stat status {};
    if (!parse_digest(it->path().filename().native(), blob) || keep(blob) ||
        ::lstat(it->path().c_str(), &status) != 0 || status.st_mtime >= before)
      continue;
    if (::unlink(it->path().c_str()) != 0)
      return system_failure("cannot remove " + in_quotes(it->path().native()));
    ++result.blobs;
    result.bytes += static_cast<std::uint64_t>(status.st_size);
  }
  if (!problem)
    return result;
  errno = problem.value();
  return system_failure("cannot list folder " + in_quotes(blobs_.native()));
}

}  // namespace troupe::functions
