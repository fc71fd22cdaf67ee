// Code as a zip archive, made on demand in a file that has no name: it costs page cache, not memory of the process.
// Blocking: for the files thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "config/errc.hpp"
#include "functions/manifest.hpp"
#include "functions/work_folder.hpp"

namespace troupe::functions {

/// A file of this process alone, mapped for reading; gone with this object.
class mapped_file {
public:
  /// @returns `errc::io`.
  static expected<mapped_file> open(const std::filesystem::path& path);
  mapped_file(mapped_file&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_file();

  std::string_view view() const noexcept { return {static_cast<const char*>(data_), size_}; }

private:
  mapped_file() = default;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Packs the files of a package that lies written out in `folder`. Equal packages give equal archives.
expected<mapped_file> zip_folder(const manifest& package, const std::filesystem::path& folder, work_folder& work);
/// Packs one executable file as `name`.
expected<mapped_file> zip_file(const std::filesystem::path& file, const std::string& name, work_folder& work);

}  // namespace troupe::functions
