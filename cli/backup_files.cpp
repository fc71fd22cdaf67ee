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

/// Before that no clock was right: a machine without one of its own begins in 1970.
constexpr std::chrono::sys_days first_believed{std::chrono::year{2020} / 1 / 1};

/// What a clock may be set back without having been wrong: the newest backups bear such names then.
constexpr std::chrono::hours max_step_back{24};

struct marked_file {
  std::string path;
  std::chrono::system_clock::time_point at;
};

/// The one that was written or marked last. A time that is still to come, or that cannot have been, was given by a
/// clock that was wrong: it says nothing.
std::optional<marked_file> last_marked(const std::string& folder, const std::vector<std::string>& names,
                                       std::chrono::system_clock::time_point now) {
  std::optional<marked_file> last;
  for (const auto& name : names) {
    std::error_code problem;
    const auto path = folder + "/" + name;
    const auto changed = std::filesystem::last_write_time(path, problem);
    if (problem)
      continue;
    const auto at =
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(std::chrono::file_clock::to_sys(changed));
    if (at <= now && at >= first_believed && (!last || at >= last->at))
      last = marked_file{path, at};
  }
  return last;
}

/// Says that the file is as of `when`.
expected<void> mark(const std::string& path, std::chrono::system_clock::time_point when) {
  std::error_code problem;
  std::filesystem::last_write_time(path, std::chrono::file_clock::from_sys(when), problem);
  if (problem)
    return fail(errc::io, "cannot mark " + path + ": " + problem.message());
  return {};
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
  if (const auto last = last_marked(path, *names, now); last && last->path.ends_with("Z-" + contents))
    return mark(last->path, now);
  const auto name = stamp_of(now) + contents;
  const auto fresh = path + "/" + name;
  if (auto written =
          replace_file(fresh, http::backup_text(what), file_secrecy::secret).and_then([&] { return mark(fresh, now); });
      !written)
    return written;
  // Never the new one, also when the clock went back. A name that is long to come was given by a clock that ran ahead
  // and tells no age: those go first, or they would stay for ever and push out what a right clock has named.
  std::erase(*names, name);
  std::stable_partition(names->begin(), names->end(),
                        [latest = stamp_of(now + max_step_back)](const std::string& each) {
                          return each.substr(0, stamp_size) > latest;
                        });
  for (std::size_t i = 0; i + keep < names->size() + 1; ++i)
    if (!std::filesystem::remove(path + "/" + (*names)[i], problem) && problem)
      return fail(errc::io, "cannot remove " + path + "/" + (*names)[i] + ": " + problem.message());
  return {};
}

std::optional<std::chrono::milliseconds> backup_folder::age(std::chrono::system_clock::time_point now) const {
  const auto names = names_in(path);
  if (!names || names->empty())
    return std::nullopt;
  const auto last = last_marked(path, *names, now);
  if (!last)
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - last->at);
}

}  // namespace troupe::cli
