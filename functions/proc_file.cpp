#include "functions/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace troupe::functions {

std::string_view read_proc_file(const char* path, std::array<char, 4096>& space) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return {};
  ssize_t got = 0;
  do
    got = ::read(file, space.data(), space.size());
  while (got < 0 && errno == EINTR);
  ::close(file);
  return {space.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
}

}  // namespace troupe::functions
