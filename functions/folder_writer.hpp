// Writes a checked tree of files and links below a folder that nobody else writes to. Nothing existing is ever opened
// or replaced: names that the file system takes for the same are an error.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/errc.hpp"
#include "functions/unix_file.hpp"

namespace troupe::functions {

class folder_writer {
public:
  explicit folder_writer(std::filesystem::path root) : root_{std::move(root)} {}

  /// Makes the file's folders and the empty file, open for reading and writing.
  /// @param mode  permission bits; the umask does not count.
  expected<unix_file> create_file(std::string_view path, unsigned mode);
  /// Call it after all files: then no file is written through a link.
  expected<void> create_link(std::string_view path, const std::string& target);

private:
  expected<void> make_folder_of(std::string_view path);

  std::filesystem::path root_;
  std::string last_folder_;
};

}  // namespace troupe::functions
