#include "functions/folder_names.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace troupe::functions {

folder_names::folder_names(int folder) noexcept : names_{folder >= 0 ? ::fdopendir(folder) : nullptr} {
  if (names_ != nullptr || folder < 0)
    return;
  const auto problem = errno;
  ::close(folder);
  errno = problem;
}

const char* folder_names::next() noexcept {
  for (;;) {
    errno = 0;
    const auto* found = ::readdir(names_.get());
    if (found == nullptr)
      return nullptr;
    const std::string_view name{found->d_name};
    if (name != "." && name != "..")
      return found->d_name;
  }
}

}  // namespace troupe::functions
