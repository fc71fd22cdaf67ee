#include "cli/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/new_file.hpp"
#include "functions/folder_names.hpp"
#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

struct owner {
  uid_t user;
  gid_t group;
};

bool is_roots(const struct stat& one) {
  return one.st_uid == 0 && (S_ISDIR(one.st_mode) || (S_ISREG(one.st_mode) && one.st_nlink == 1));
}

constexpr auto open_folder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/// Of a folder and what is in it. By descriptors and never over a link: other processes of the user may change the
/// folder meanwhile.
expected<void> give(functions::folder_names& names, const owner& to, const std::string& path) {
  while (const auto* name = names.next()) {
    auto place = path;
    place.append("/").append(name);
    const functions::unix_file one{::openat(names.folder(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct stat found {};
    if (!one || ::fstat(one.get(), &found) != 0)
      return functions::system_failure("cannot open " + place);
    if (!is_roots(found))
      continue;
    if (S_ISDIR(found.st_mode)) {
      functions::folder_names inner{::openat(one.get(), ".", open_folder)};
      if (!inner)
        return functions::system_failure("cannot open " + place);
      if (auto given = give(inner, to, place); !given)
        return given;
    }
    if (::fchownat(one.get(), "", to.user, to.group, AT_EMPTY_PATH) != 0)
      return functions::system_failure("cannot change the owner of " + place);
  }
  if (errno != 0)
    return functions::system_failure("cannot list " + path);
  return {};
}

}  // namespace

expected<void> data_directory::give_to_owner() const {
  functions::folder_names names{::open(path_.c_str(), open_folder)};
  struct stat found {};
  if (!names || (::fstatat(names.folder(), "node.json", &found, AT_SYMLINK_NOFOLLOW) != 0 &&
                 ::fstat(names.folder(), &found) != 0))
    return functions::system_failure("cannot open " + path_);
  if (::geteuid() != 0 || found.st_uid == 0)
    return {};
  return give(names, {found.st_uid, found.st_gid}, path_);
}

expected<data_directory> data_directory::open(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::bad_setting, "data_dir '" + path + "': " + why);
  };
  std::error_code problem;
  const bool existed = std::filesystem::exists(path, problem);
  if (!existed) {
    std::filesystem::create_directories(path, problem);
    if (problem)
      return refuse("cannot be made: " + problem.message());
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, problem);
  }
  data_directory result;
  result.path_ = std::filesystem::absolute(path, problem).lexically_normal().string();
  if (result.path_.size() > 1 && result.path_.back() == '/')
    result.path_.pop_back();
  const auto lock_path = result.path_ + "/lock";
  result.lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (result.lock_ < 0)
    return refuse(std::string{"cannot be written: "} + std::strerror(errno));
  if (::flock(result.lock_, LOCK_EX | LOCK_NB) != 0)
    return refuse(errno == EWOULDBLOCK ? "is in use by another node" : std::strerror(errno));
  const auto id_path = result.path_ + "/node-id";
  if (std::ifstream file{id_path}; file) {
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    result.id_ = parse_uuid(text);
    if (result.id_ == uuid{})
      return refuse("its file node-id holds no node id");
  } else {
    result.id_ = make_uuid();
    if (auto written = replace_file(id_path, to_string(result.id_) + "\n", file_secrecy::secret); !written)
      return refuse("cannot be written: " + written.error().what);
  }
  return result;
}

data_directory::~data_directory() {
  if (lock_ >= 0)
    ::close(lock_);
}

expected<void> data_directory::write_file(const std::string& name, std::string_view contents) const {
  return replace_file(path_ + "/" + name, contents, file_secrecy::secret);
}

}  // namespace troupe::cli
