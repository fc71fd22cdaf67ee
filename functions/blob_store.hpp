// Files on this node's disk, named by what is in them: `<data_dir>/blobs/<xx>/<sha256>`, read-only. Plain and
// single-threaded: it runs on the files thread. What the blobs mean is the business of functions/code_store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/unix_file.hpp"
#include "functions/work_folder.hpp"

namespace troupe::functions {

/// The largest blob that travels in one piece: a body of the admin port.
inline constexpr std::size_t max_blob_bytes = 70'000'000;

/// Some bytes of a blob.
struct blob_piece {
  std::uint64_t total = 0;  ///< bytes of the whole blob
  buffer bytes;
};

/// Every call blocks and may return `errc::io` or `errc::full` (no space, no quota) beside what it names.
class blob_store {
public:
  /// Opens the store below an existing, writable directory that no other process uses.
  static expected<blob_store> open(const std::filesystem::path& data_dir);

  bool has(const digest& blob) const;
  /// Keeps those that are there from being collected as young (their age begins anew).
  /// @returns the others, in order.
  expected<std::vector<digest>> confirm(std::span<const digest> blobs);

  /// @returns `errc::corrupt` when the bytes do not have that digest.
  expected<void> put(std::string_view bytes, const digest& blob);
  /// Shares blocks with the source where the file system can, else copies.
  /// @returns `errc::corrupt` when the source has not that size and digest, `errc::refused` when it is no regular file.
  expected<void> put_from_path(const std::filesystem::path& source, const digest& blob, std::uint64_t size);
  /// Takes over a file of the work folder whose digest the caller has just computed.
  expected<void> adopt(const std::filesystem::path& file, const digest& blob);

  /// @returns `errc::corrupt` when it is missing or its bytes have changed, `errc::too_big` above `max_bytes`.
  expected<std::string> read(const digest& blob, std::uint64_t max_bytes = max_blob_bytes);
  /// Some bytes of the blob from `offset` on, none behind its end, and keeps it from being collected as young. Whoever
  /// has put them together checks the digest.
  /// @returns nothing when the blob is not there.
  expected<std::optional<blob_piece>> read_piece(const digest& blob, std::uint64_t offset, std::size_t max_bytes);
  /// Fills an empty file with the blob, never sharing the inode; `errc::corrupt` as `read`.
  expected<void> copy_to(const digest& blob, std::uint64_t max_bytes, int file);

  /// Everything stored so far survives a loss of power once this returns: call it before the commit that refers to it.
  /// One `syncfs` in place of an `fsync` per blob.
  expected<void> sync_all();

  struct removed {
    std::size_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  /// Removes what `keep` does not want and what is older than `before` (seconds since 1970).
  expected<removed> collect(const std::function<bool(const digest&)>& keep, std::int64_t before);

  work_folder& work() noexcept { return work_; }

private:
  explicit blob_store(work_folder work) : work_{std::move(work)} {}
  std::filesystem::path path_of(const digest& blob) const;
  expected<void> finish(unfinished_file& file, const digest& blob);
  tl::unexpected<error> damaged(const digest& blob);

  work_folder work_;
  std::filesystem::path blobs_;
  unix_file data_dir_;
};

}  // namespace troupe::functions
