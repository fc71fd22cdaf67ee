// The folder that a node owns: locked while it runs, and the home of its identity.
#pragma once

#include <string>
#include <utility>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cli {

class data_directory {
public:
  /// Makes the folder (mode 0700) if it is absent, locks it, reads or makes the node's id.
  /// @returns `errc::bad_setting` naming the path when it cannot be made, written or locked.
  static expected<data_directory> open(const std::string& path);
  data_directory(data_directory&& other) noexcept
      : path_{std::move(other.path_)}, id_{other.id_}, lock_{std::exchange(other.lock_, -1)} {}
  data_directory& operator=(data_directory&&) = delete;
  ~data_directory();

  const std::string& path() const noexcept { return path_; }  ///< absolute
  const uuid& node_id() const noexcept { return id_; }
  /// Writes a file below the folder, whole or not at all, and durably.
  expected<void> write_file(const std::string& name, std::string_view contents) const;
  /// What is root's in the folder becomes that of the user who started a node here last, or of the folder's owner when
  /// none was started: a node of that user could not open it. Links and files with several names are left as they are.
  /// For a caller who is not root nothing is done.
  /// @returns the errors of the system, naming the file; those before it have been given.
  expected<void> give_to_owner() const;

private:
  data_directory() = default;
  std::string path_;
  uuid id_;
  int lock_ = -1;
};

}  // namespace troupe::cli
