#include "cli/backup_files.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cli/new_file.hpp"
#include "functions/unix_file.hpp"
#include "http/store_backup.hpp"

namespace troupe::cli {

namespace {

constexpr std::string_view ending = ".ndjson";
/// `20261126T071752Z-`
constexpr std::size_t stamp_size = 17;

std::string stamp_of(std::chrono::system_clock::time_point when) {
  const auto seconds = std::chrono::system_clock::to_time_t(when);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[stamp_size + 1];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ-", &utc)};
}

/// The part of a name that is the same for backups that say the same.
std::string contents_part(const cluster::backed_up_store& what) {
  return to_string(what.identity.store_id) + "-" + std::to_string(what.identity.generation.counter) + "-" +
         std::to_string(what.contents.cursor.value) + std::string{ending};
}

bool is_backup(const std::string& name) {
  return name.size() > stamp_size + ending.size() && name.ends_with(ending) && name[8] == 'T' &&
         name[stamp_size - 1] == '-' && name.find_first_not_of("0123456789TZ") == stamp_size - 1;
}

/// Oldest first.
expected<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (std::filesystem::directory_iterator each{folder, problem}, end; !problem && each != end; each.increment(problem))
    if (auto name = each->path().filename().string(); is_backup(name))
      names.push_back(std::move(name));
  if (problem && problem != std::errc::no_such_file_or_directory)
    return fail(errc::io, "cannot read " + folder + ": " + problem.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

expected<void> backup_folder::write(const cluster::backed_up_store& what,
                                    std::chrono::system_clock::time_point now) const {
  std::error_code problem;
  if (std::filesystem::create_directories(path, problem))
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, problem);
  if (problem)
    return fail(errc::io, "cannot make " + path + ": " + problem.message());
  auto names = names_in(path);
  if (!names)
    return tl::unexpected{names.error()};
  const auto contents = contents_part(what);
  if (!names->empty() && names->back().substr(stamp_size) == contents) {
    const auto marked = functions::touch_path(path + "/" + names->back());
    return marked.map([](bool) {});
  }
  const auto name = stamp_of(now) + contents;
  if (auto written = replace_file(path + "/" + name, http::backup_text(what), file_secrecy::secret); !written)
    return written;
  // Never the new one, also when the clock went back.
  std::erase(*names, name);
  for (std::size_t i = 0; i + keep < names->size() + 1; ++i)
    if (!std::filesystem::remove(path + "/" + (*names)[i], problem) && problem)
      return fail(errc::io, "cannot remove " + path + "/" + (*names)[i] + ": " + problem.message());
  return {};
}

std::optional<std::chrono::milliseconds> backup_folder::age(std::chrono::system_clock::time_point now) const {
  const auto names = names_in(path);
  if (!names || names->empty())
    return std::nullopt;
  std::error_code problem;
  const auto changed = std::filesystem::last_write_time(path + "/" + names->back(), problem);
  if (problem)
    return std::nullopt;
  const auto at = std::chrono::file_clock::to_sys(changed);
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(now - at), std::chrono::milliseconds{0});
}

}  // namespace troupe::cli
