// The table of contents of a code package: a blob of its own, whose digest names the package. Values only; files are
// the business of functions/package and functions/blob_store.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/package_rules.hpp"

namespace troupe::functions {

enum class file_mode : std::uint8_t { plain, executable };  ///< 0644 and 0755

/// A file, or a symbolic link when `link` is not empty; then only `path` and `link` count. Folders are implied by
/// paths.
struct manifest_entry {
  std::string path;  ///< relative, with `/`
  file_mode mode = file_mode::plain;
  std::uint64_t size = 0;  ///< bytes
  digest sha256;
  std::string link;  ///< the target, relative to the link's own folder

  bool is_link() const noexcept { return !link.empty(); }
  bool operator==(const manifest_entry&) const = default;
};

/// A checked package: whatever it names can be written out below one folder without touching anything else.
class manifest {
public:
  /// In the canonical order: by the bytes of their paths.
  const std::vector<manifest_entry>& entries() const noexcept { return entries_; }
  /// Of all files together.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  /// The canonical JSON: a list of `{"path","mode","size","sha256"}` and `{"path","link"}`, no blanks, members in this
  /// order, entries in theirs. Equal packages have equal bytes.
  std::string encode() const;
  /// SHA-256 of `encode()`.
  digest code() const { return sha256(encode()); }

private:
  friend expected<manifest> make_manifest(std::vector<manifest_entry> entries);
  std::vector<manifest_entry> entries_;
  std::uint64_t total_bytes_ = 0;
};

/// Checks the rules of `check_package_tree`; that there is at least one entry, at most 250 MB in all, and one size per
/// digest.
/// @returns `errc::bad_usage` naming the entry, or `errc::too_big`.
expected<manifest> make_manifest(std::vector<manifest_entry> entries);

/// Reads a list of entries in any order. Unknown members are refused by name.
expected<manifest> manifest_of(const nlohmann::json& list);
/// The same from JSON text.
expected<manifest> parse_manifest(std::string_view text);

}  // namespace troupe::functions
