// Names in an open folder, read through its descriptor: nobody can put another folder in its place meanwhile.
#pragma once

#include <dirent.h>

#include <memory>

namespace troupe::functions {

/// Owns the folder. Without the names of itself and its parent.
class folder_names {
public:
  /// @param folder  a descriptor open for reading, owned from here on; -1 is none, as after an `open` that failed.
  explicit folder_names(int folder) noexcept;

  /// Whether it could be opened; if not, `errno` says why.
  explicit operator bool() const noexcept { return names_ != nullptr; }
  int folder() const noexcept { return ::dirfd(names_.get()); }
  /// Null at the end and after a failure; `errno` is 0 at the end. Valid until the next call.
  const char* next() noexcept;

private:
  struct closer {
    void operator()(DIR* names) const noexcept { ::closedir(names); }
  };
  std::unique_ptr<DIR, closer> names_;
};

}  // namespace troupe::functions
