// Blobs on their way to this node's disk: what has come so far lies in `<data_dir>/parts/<sha256>.part` and survives a
// restart, until it is whole and is checked. Plain and single-threaded: it runs on the files thread. Where the bytes
// come from is not known here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/blob_store.hpp"

namespace troupe::functions {

/// The largest blob that may come in pieces: the manifest of 100,000 entries with long paths.
inline constexpr std::uint64_t max_part_bytes = 256ull * 1024 * 1024;

struct blob_progress {
  std::uint64_t stored = 0;  ///< bytes on this disk, from the first on
  bool whole = false;        ///< checked and stored as a blob
};

/// Every call blocks and may return `errc::io` or `errc::full` beside what it names.
class blob_parts {
public:
  /// Opens the folder below an existing, writable directory that no other process uses.
  static expected<blob_parts> open(const std::filesystem::path& data_dir);

  /// How much of the blob is here; a blob that is whole is kept from being collected as young.
  expected<blob_progress> progress(blob_store& blobs, const digest& blob) const;
  /// Takes the next bytes of a blob of `total` bytes. Bytes that do not begin where the stored ones end are passed
  /// over: the answer says where to go on. With the last byte the blob is checked and stored; `blob_store::sync_all`
  /// makes it durable.
  /// @returns `errc::too_big` beyond `max_part_bytes`, `errc::bad_usage` for bytes behind the end, `errc::corrupt` when
  /// the whole has another digest: then nothing of it is kept.
  expected<blob_progress> append(blob_store& blobs, const digest& blob, std::uint64_t offset, std::uint64_t total,
                                 std::string_view bytes);
  /// Forgets what came so far.
  expected<void> drop(const digest& blob);
  /// Removes what got nothing since `before` (seconds since 1970).
  expected<void> collect(std::int64_t before);

private:
  explicit blob_parts(std::filesystem::path folder) : folder_{std::move(folder)} {}
  std::filesystem::path path_of(const digest& blob) const;
  expected<blob_progress> finish(blob_store& blobs, const digest& blob, std::uint64_t total);

  std::filesystem::path folder_;
};

}  // namespace troupe::functions
