// A zip archive whose contents were checked before anything is unpacked. The only file that knows libzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/errc.hpp"
#include "functions/manifest.hpp"

namespace troupe::functions {

struct zip_limits {
  std::uint64_t max_unpacked_bytes = max_package_bytes;
  std::size_t max_entries = max_package_entries;  ///< folders counted
  /// Unpacked to packed bytes of the whole archive. Counts only above `ratio_free_bytes`: small archives may compress
  /// well.
  std::uint64_t max_ratio = 200;
  std::uint64_t ratio_free_bytes = 32ull * 1024 * 1024;
};

/// A file or link; folders are implied by paths.
struct zip_member {
  std::string path;
  file_mode mode = file_mode::plain;
  std::uint64_t size = 0;  ///< as declared; reading more or less is an error
  std::string link;        ///< target, empty for files
  std::uint64_t index = 0;
};

class zip_archive {
public:
  /// Checks everything but the packed bytes of files. `bytes` must outlive the archive.
  /// @returns what `unpack_zip` says of malformed and malicious archives and of limits.
  static expected<zip_archive> open(std::string_view bytes, const zip_limits& limits = {});

  const std::vector<zip_member>& members() const noexcept { return members_; }

  using sink = std::function<expected<void>(std::string_view piece)>;
  /// Unpacks one file piece by piece; stops at the first error of `take`.
  /// @returns `errc::bad_usage` when the bytes have not the declared size or checksum.
  expected<void> read(const zip_member& member, const sink& take) const;

private:
  struct closer {
    void operator()(void* zip) const noexcept;
  };
  zip_archive() = default;

  std::unique_ptr<void, closer> zip_;
  std::vector<zip_member> members_;
};

}  // namespace troupe::functions
