#include "functions/folder_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace troupe::functions {

expected<void> folder_writer::make_folder_of(std::string_view path) {
  const auto end = path.rfind('/');
  if (end == path.npos || path.substr(0, end) == last_folder_)
    return {};
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const auto folder = root_ / path.substr(0, slash);
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
      return system_failure("cannot create folder " + in_quotes(folder.native()));
  }
  last_folder_ = path.substr(0, end);
  return {};
}

expected<unix_file> folder_writer::create_file(std::string_view path, unsigned mode) {
  if (auto made = make_folder_of(path); !made)
    return tl::unexpected{made.error()};
  const auto full = root_ / path;
  unix_file file{::open(full.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file || ::fchmod(file.get(), static_cast<mode_t>(mode)) != 0)
    return system_failure("cannot create " + in_quotes(full.native()));
  return file;
}

expected<void> folder_writer::create_link(std::string_view path, const std::string& target) {
  if (auto made = make_folder_of(path); !made)
    return made;
  const auto full = root_ / path;
  if (::symlink(target.c_str(), full.c_str()) != 0)
    return system_failure("cannot create link " + in_quotes(full.native()));
  return {};
}

}  // namespace troupe::functions
