#include "functions/work_folder.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view aside_prefix = "tmp-";

std::string random_name() {
  return to_string(make_fast_uuid());
}

expected<void> remove_tree(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (!problem)
    return {};
  errno = problem.value();
  return system_failure("cannot remove " + in_quotes(path.native()));
}

}  // namespace

unfinished_path::~unfinished_path() {
  // What resists stays for the sweep of the next start.
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
}

expected<void> unfinished_path::become(const fs::path& place) {
  auto moved = move_path(path_, place);
  if (moved)
    path_.clear();
  return moved;
}

expected<work_folder> work_folder::open(const fs::path& data_dir) {
  work_folder folder;
  folder.data_dir_ = data_dir;
  folder.tmp_ = data_dir / "tmp";
  if (path_exists(folder.tmp_))
    if (auto aside = folder.set_aside(folder.tmp_); !aside)
      return tl::unexpected{aside.error()};
  if (auto made = make_folder(folder.tmp_); !made)
    return tl::unexpected{made.error()};
  return folder;
}

expected<unfinished_file> work_folder::create_file() {
  auto path = tmp_ / random_name();
  unix_file file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!file)
    return system_failure("cannot create " + in_quotes(path.native()));
  return unfinished_file{unfinished_path{std::move(path)}, std::move(file)};
}

expected<unfinished_path> work_folder::create_folder() {
  auto path = tmp_ / random_name();
  if (auto made = make_folder(path); !made)
    return tl::unexpected{made.error()};
  return unfinished_path{std::move(path)};
}

expected<void> work_folder::remove(const fs::path& place) {
  const auto name = tmp_ / random_name();
  return move_path(place, name).and_then([&] { return remove_tree(name); });
}

expected<void> work_folder::set_aside(const fs::path& place) {
  return move_path(place, data_dir_ / (std::string{aside_prefix} + random_name()));
}

expected<void> work_folder::sweep() {
  std::error_code problem;
  for (fs::directory_iterator it{data_dir_, problem}, end; !problem && it != end; it.increment(problem))
    if (it->path().filename().native().starts_with(aside_prefix))
      if (auto removed = remove_tree(it->path()); !removed)
        return removed;
  if (!problem)
    return {};
  errno = problem.value();
  return system_failure("cannot list folder " + in_quotes(data_dir_.native()));
}

}  // namespace troupe::functions
