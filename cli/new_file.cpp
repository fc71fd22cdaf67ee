#include "cli/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

expected<void> sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path();
  if (folder.empty())
    folder = ".";
  if (const int why = functions::sync_folder(folder); why != 0) {
    errno = why;
    return functions::system_failure("cannot write " + path);
  }
  return {};
}

}  // namespace

tl::unexpected<error> exists_already(const std::string& path) {
  return fail(errc::refused, path + " is there already, and is never overwritten");
}

expected<void> replace_file(const std::string& path, std::string_view contents, file_secrecy secrecy) {
  const auto fresh = path + ".new";
  const functions::unix_file file{
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, static_cast<mode_t>(secrecy))};
  if (!file)
    return functions::system_failure("cannot write " + path);
  auto done = functions::write_whole(file.get(), contents, path);
  if (done && (::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0))
    done = functions::system_failure("cannot write " + path);
  if (!done)
    ::unlink(fresh.c_str());
  return done.and_then([&] { return sync_folder_of(path); });
}

expected<void> write_new_file(const std::string& path, std::string_view contents, file_secrecy secrecy) {
  const functions::unix_file file{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, static_cast<mode_t>(secrecy))};
  if (!file && errno == EEXIST)
    return exists_already(path);
  if (!file)
    return functions::system_failure("cannot write " + path);
  auto done = functions::write_whole(file.get(), contents, path);
  if (done && ::fsync(file.get()) != 0)
    done = functions::system_failure("cannot write " + path);
  if (done)
    done = sync_folder_of(path);
  if (!done)
    ::unlink(path.c_str());
  return done;
}

}  // namespace troupe::cli
