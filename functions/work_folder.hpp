// Where files and folders lie until they are whole: made here, renamed to their place, or removed. What a killed
// process left is swept later, beside the work of the next one.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "config/errc.hpp"
#include "functions/unix_file.hpp"

namespace troupe::functions {

/// Something below the work folder that is removed unless it became something lasting.
class unfinished_path {
public:
  explicit unfinished_path(std::filesystem::path path) : path_{std::move(path)} {}
  unfinished_path(unfinished_path&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  unfinished_path& operator=(unfinished_path&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~unfinished_path();

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Renames it to its lasting place on the same file system.
  expected<void> become(const std::filesystem::path& place);

private:
  std::filesystem::path path_;
};

struct unfinished_file {
  unfinished_path place;
  unix_file file;  ///< empty, open for reading and writing
};

class work_folder {
public:
  /// Uses `<data_dir>/tmp`; what was there is set aside.
  static expected<work_folder> open(const std::filesystem::path& data_dir);

  expected<unfinished_file> create_file();
  expected<unfinished_path> create_folder();
  /// Takes `place` away at once, by a rename, and removes it.
  expected<void> remove(const std::filesystem::path& place);
  /// Takes `place` away at once; `sweep` removes it.
  expected<void> set_aside(const std::filesystem::path& place);
  /// Removes what was set aside. May take long.
  expected<void> sweep();

private:
  work_folder() = default;
  std::filesystem::path data_dir_;
  std::filesystem::path tmp_;
};

}  // namespace troupe::functions
