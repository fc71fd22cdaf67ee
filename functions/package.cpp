#include "functions/package.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "functions/folder_names.hpp"
#include "functions/folder_writer.hpp"
#include "functions/unix_file.hpp"

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view never_packed = ".git";

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes / (1024 * 1024)) + " MB";
}

/// Finds what belongs to the package; hashes nothing yet.
class folder_walk {
public:
  explicit folder_walk(fs::path root) : root_{std::move(root)} {}

  expected<std::vector<manifest_entry>> run() {
    std::vector<std::string> open_folders{""};
    while (!open_folders.empty()) {
      const auto folder = std::move(open_folders.back());
      open_folders.pop_back();
      if (auto listed = list(folder, open_folders); !listed)
        return tl::unexpected{listed.error()};
    }
    return std::move(entries_);
  }

private:
  expected<void> list(const std::string& folder, std::vector<std::string>& open_folders) {
    const auto full = root_ / folder;
    folder_names names{::open(full.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (folder.empty() ? 0 : O_NOFOLLOW))};
    if (!names)
      return system_failure("cannot open folder " + in_quotes(full.native()));
    while (const auto* name = names.next()) {
      if (name == never_packed)
        continue;
      auto path = folder.empty() ? std::string{name} : folder + "/" + name;
      if (auto added = add(names.folder(), name, std::move(path), open_folders); !added)
        return added;
    }
    if (errno != 0)
      return system_failure("cannot list folder " + in_quotes(full.native()));
    return {};
  }

  expected<void> add(int folder, const char* name, std::string path, std::vector<std::string>& open_folders) {
    // Checked here as well as in the manifest: a walk must not go deeper than any package can be.
    if (auto allowed = check_package_path(path); !allowed)
      return allowed;
    struct stat status {};
    if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return system_failure("cannot look at " + in_quotes(path));
    if (S_ISDIR(status.st_mode)) {
      open_folders.push_back(std::move(path));
      return {};
    }
    manifest_entry entry;
    if (S_ISLNK(status.st_mode)) {
      if (auto target = read_link(folder, name, path); target)
        entry.link = std::move(*target);
      else
        return tl::unexpected{target.error()};
    } else if (S_ISREG(status.st_mode)) {
      entry.mode = (status.st_mode & S_IXUSR) != 0 ? file_mode::executable : file_mode::plain;
      entry.size = static_cast<std::uint64_t>(status.st_size);
      bytes_ += entry.size;
    } else {
      return fail(errc::bad_usage, in_quotes(path) + " is neither file, folder nor link; a package cannot hold it");
    }
    entry.path = std::move(path);
    entries_.push_back(std::move(entry));
    if (entries_.size() > max_package_entries)
      return fail(errc::too_big, in_quotes(root_.native()) + " holds more than " + std::to_string(max_package_entries) +
                                     " files; is it the folder that you mean?");
    if (bytes_ > max_package_bytes)
      return fail(errc::too_big, in_quotes(root_.native()) + " holds more than " + megabytes(max_package_bytes) +
                                     " of files, the limit of a package");
    return {};
  }

  static expected<std::string> read_link(int folder, const char* name, const std::string& path) {
    std::array<char, max_package_path + 1> target;
    const auto length = ::readlinkat(folder, name, target.data(), target.size());
    if (length < 0)
      return system_failure("cannot read link " + in_quotes(path));
    return std::string{target.data(), static_cast<std::size_t>(length)};
  }

  fs::path root_;
  std::vector<manifest_entry> entries_;
  std::uint64_t bytes_ = 0;
};

expected<void> hash_entry(const fs::path& root, manifest_entry& entry) {
  const auto full = root / entry.path;
  const auto file = open_regular(full);
  if (!file)
    return tl::unexpected{file.error()};
  const auto hashed = hash_to_end(file->get(), max_package_bytes, full.native());
  if (!hashed)
    return tl::unexpected{hashed.error()};
  entry.sha256 = hashed->sha256;
  entry.size = hashed->size;
  return {};
}

}  // namespace

expected<scanned_folder> scan_folder(const fs::path& folder, const scan_progress& progress) {
  std::error_code problem;
  auto root = fs::canonical(folder, problem);
  if (problem)
    return fail(errc::io, "cannot open folder " + in_quotes(folder.native()) + ": " + problem.message());
  auto entries = folder_walk{root}.run();
  if (!entries)
    return tl::unexpected{entries.error()};
  if (entries->empty())
    return fail(errc::bad_usage, "folder " + in_quotes(root.native()) + " holds no files");
  // In the order of paths, so that what is reported first does not depend on the file system.
  std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  for (std::size_t i = 0; i < entries->size(); ++i) {
    if (!(*entries)[i].is_link())
      if (auto hashed = hash_entry(root, (*entries)[i]); !hashed)
        return tl::unexpected{hashed.error()};
    if (progress)
      progress(i + 1, entries->size());
  }
  auto package = make_manifest(std::move(*entries));
  if (!package)
    return tl::unexpected{package.error()};
  return scanned_folder{std::move(*package), std::move(root)};
}

expected<manifest> unpack_zip(std::string_view archive, const fs::path& directory, const zip_limits& limits) {
  const auto zip = zip_archive::open(archive, limits);
  if (!zip)
    return tl::unexpected{zip.error()};
  folder_writer writer{directory};
  std::vector<manifest_entry> entries;
  entries.reserve(zip->members().size());
  for (const auto& member : zip->members()) {
    entries.push_back({member.path, member.mode, member.size, {}, member.link});
    if (!member.link.empty())
      continue;
    const auto file = writer.create_file(member.path, member.mode == file_mode::plain ? 0644 : 0755);
    if (!file)
      return tl::unexpected{file.error()};
    sha256_stream hash;
    auto read = zip->read(member, [&](std::string_view piece) {
      hash.update(piece);
      return write_whole(file->get(), piece, member.path);
    });
    if (!read)
      return tl::unexpected{read.error()};
    entries.back().sha256 = hash.finish();
  }
  auto package = make_manifest(std::move(entries));
  if (!package)
    return package;
  for (const auto& entry : package->entries())
    if (entry.is_link())
      if (auto made = writer.create_link(entry.path, entry.link); !made)
        return tl::unexpected{made.error()};
  return package;
}

std::string boot_id() {
  // A file of procfs has no size to announce, so the limit alone bounds the read.
  auto text = read_whole("/proc/sys/kernel/random/boot_id", 64);
  if (!text)
    return {};
  while (!text->empty() && text->back() == '\n')
    text->pop_back();
  return *text;
}

}  // namespace troupe::functions
