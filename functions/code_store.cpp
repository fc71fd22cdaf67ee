#include "functions/code_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>

#include "functions/folder_writer.hpp"

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view boot_file = ".boot";
constexpr std::string_view object_suffix = ".so";
/// What Python workers compile of a folder's code lies beside the folder and goes with it.
constexpr std::string_view bytecode_suffix = ".pycache";
/// 100,000 entries with long paths.
constexpr std::uint64_t max_manifest_bytes = 256ull * 1024 * 1024;

/// What is copied out can be read and run, not written: two instances of a function share it.
unsigned copy_mode(file_mode mode) {
  return mode == file_mode::plain ? 0444 : 0555;
}

/// Whether a file of the client's is simply not there any more as announced: then it is asked for.
bool is_absent(const error& why) {
  return why.code == errc::corrupt || why.code == errc::refused || why.code == errc::io;
}

}  // namespace

expected<code_store> code_store::open(const fs::path& data_dir) {
  auto blobs = blob_store::open(data_dir);
  if (!blobs)
    return tl::unexpected{blobs.error()};
  auto parts = blob_parts::open(data_dir);
  if (!parts)
    return tl::unexpected{parts.error()};
  code_store store{std::move(*blobs), std::move(*parts)};
  store.code_ = data_dir / "code";
  if (auto dropped = store.drop_earlier_boots(); !dropped)
    return tl::unexpected{dropped.error()};
  return store;
}

/// What was written out before the machine last started may have lost its tail with the power, and nothing would
/// notice: blobs are checked whenever they are copied, copies are not.
expected<void> code_store::drop_earlier_boots() {
  const auto now = boot_id();
  const auto before = read_whole(code_ / boot_file, 64);
  if (before && !now.empty() && *before == now)
    return {};
  if (path_exists(code_)) {
    auto aside = blobs_.work().set_aside(code_);
    if (!aside)
      return aside;
  }
  if (auto made = make_folder(code_); !made)
    return made;
  const auto path = code_ / boot_file;
  const unix_file file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file)
    return system_failure("cannot create " + in_quotes(path.native()));
  return write_whole(file.get(), now, path.native());
}

expected<std::vector<digest>> code_store::import_folder(const manifest& package, const fs::path& root) {
  const auto text = package.encode();
  if (auto stored = blobs_.put(text, sha256(text)); !stored)
    return tl::unexpected{stored.error()};
  std::set<digest> seen;
  std::vector<digest> missing;
  for (const auto& entry : package.entries()) {
    if (entry.is_link() || !seen.insert(entry.sha256).second)
      continue;
    const auto absent = blobs_.confirm({&entry.sha256, 1});
    if (!absent)
      return tl::unexpected{absent.error()};
    if (absent->empty())
      continue;
    if (root.empty()) {
      missing.push_back(entry.sha256);
      continue;
    }
    const auto stored = blobs_.put_from_path(root / entry.path, entry.sha256, entry.size);
    if (!stored && !is_absent(stored.error()))
      return tl::unexpected{stored.error()};
    if (!stored)
      missing.push_back(entry.sha256);
  }
  return missing;
}

expected<bool> code_store::import_file(const digest& blob, const fs::path& path) {
  std::error_code problem;
  const auto size = fs::file_size(path, problem);
  if (problem || size > max_package_bytes)
    return blobs_.has(blob);
  const auto stored = blobs_.put_from_path(path, blob, size);
  if (!stored && !is_absent(stored.error()))
    return tl::unexpected{stored.error()};
  return stored.has_value();
}

expected<manifest> code_store::import_zip(const digest& archive, const zip_limits& limits) {
  const auto bytes = blobs_.read(archive);
  if (!bytes)
    return tl::unexpected{bytes.error()};
  const auto folder = blobs_.work().create_folder();
  if (!folder)
    return tl::unexpected{folder.error()};
  auto package = unpack_zip(*bytes, folder->path(), limits);
  if (!package)
    return package;
  for (const auto& entry : package->entries())
    if (!entry.is_link())
      if (auto adopted = blobs_.adopt(folder->path() / entry.path, entry.sha256); !adopted)
        return tl::unexpected{adopted.error()};
  const auto text = package->encode();
  if (auto stored = blobs_.put(text, sha256(text)); !stored)
    return tl::unexpected{stored.error()};
  return package;
}

expected<manifest> code_store::read_manifest(const digest& code) {
  return blobs_.read(code, max_manifest_bytes).and_then([](const std::string& text) { return parse_manifest(text); });
}

expected<std::vector<digest>> code_store::blobs_of(const code_ref& ref) {
  std::vector<digest> blobs{ref.code};
  if (ref.form != code_form::folder)
    return blobs;
  const auto package = read_manifest(ref.code);
  if (!package)
    return tl::unexpected{package.error()};
  std::set<digest> seen{ref.code};
  for (const auto& entry : package->entries())
    if (!entry.is_link() && seen.insert(entry.sha256).second)
      blobs.push_back(entry.sha256);
  return blobs;
}

expected<missing_code> code_store::missing_of(const code_ref& ref) {
  auto wanted = blobs_of(ref);
  if (!wanted && (wanted.error().code != errc::corrupt || blobs_.has(ref.code)))
    return tl::unexpected{wanted.error()};
  if (!wanted)
    wanted = std::vector<digest>{ref.code};
  missing_code result;
  for (const auto& blob : *wanted) {
    const auto found = parts_.progress(blobs_, blob);
    if (!found)
      return tl::unexpected{found.error()};
    if (!found->whole)
      result.blobs.push_back({blob, found->stored});
  }
  return result;
}

expected<void> code_store::write_out(const manifest& package, const fs::path& folder) {
  folder_writer writer{folder};
  for (const auto& entry : package.entries()) {
    if (entry.is_link())
      continue;
    const auto file = writer.create_file(entry.path, copy_mode(entry.mode));
    if (!file)
      return tl::unexpected{file.error()};
    if (auto copied = blobs_.copy_to(entry.sha256, entry.size, file->get()); !copied)
      return copied;
  }
  for (const auto& entry : package.entries())
    if (entry.is_link())
      if (auto made = writer.create_link(entry.path, entry.link); !made)
        return made;
  return {};
}

expected<fs::path> code_store::materialize_folder(const digest& code) {
  auto place = code_ / to_string(code);
  if (const auto there = touch_path(place); !there || *there)
    return there.map([&](bool) { return place; });
  const auto package = read_manifest(code);
  if (!package)
    return tl::unexpected{package.error()};
  auto folder = blobs_.work().create_folder();
  if (!folder)
    return tl::unexpected{folder.error()};
  return write_out(*package, folder->path()).and_then([&] { return folder->become(place); }).map([&] { return place; });
}

expected<mapped_file> code_store::archive_of(const code_ref& ref, const std::string& name) {
  if (ref.form == code_form::object)
    return materialize_object(ref.code).and_then(
        [&](const fs::path& object) { return zip_file(object, name, blobs_.work()); });
  const auto package = read_manifest(ref.code);
  if (!package)
    return tl::unexpected{package.error()};
  return materialize_folder(ref.code).and_then(
      [&](const fs::path& folder) { return zip_folder(*package, folder, blobs_.work()); });
}

expected<fs::path> code_store::materialize_object(const digest& code) {
  auto place = code_ / (to_string(code) + std::string{object_suffix});
  if (const auto there = touch_path(place); !there || *there)
    return there.map([&](bool) { return place; });
  auto object = blobs_.work().create_file();
  if (!object)
    return tl::unexpected{object.error()};
  if (auto copied = blobs_.copy_to(code, max_package_bytes, object->file.get()); !copied)
    return tl::unexpected{copied.error()};
  if (::fchmod(object->file.get(), copy_mode(file_mode::executable)) != 0)
    return system_failure("cannot protect " + in_quotes(object->place.path().native()));
  return object->place.become(place).map([&] { return place; });
}

expected<collected_code> code_store::collect(std::span<const code_ref> referenced, std::chrono::seconds min_age,
                                             std::chrono::system_clock::time_point now) {
  std::set<digest> wanted;
  for (const auto& ref : referenced) {
    if (ref.form == code_form::program || !wanted.insert(ref.code).second || ref.form == code_form::object)
      continue;
    const auto package = read_manifest(ref.code);
    if (!package)
      return tl::unexpected{package.error()};
    for (const auto& entry : package->entries())
      if (!entry.is_link())
        wanted.insert(entry.sha256);
  }
  const auto before = std::chrono::duration_cast<std::chrono::seconds>((now - min_age).time_since_epoch()).count();
  const auto places = collect_places(referenced, before);
  if (!places)
    return tl::unexpected{places.error()};
  if (auto collected = parts_.collect(before); !collected)
    return tl::unexpected{collected.error()};
  return blobs_.collect([&](const digest& blob) { return wanted.contains(blob); }, before)
      .map([&](const blob_store::removed& gone) {
        return collected_code{gone.blobs, gone.bytes, *places};
      });
}

expected<std::size_t> code_store::collect_places(std::span<const code_ref> referenced, std::int64_t before) {
  std::set<std::string> wanted{std::string{boot_file}};
  for (const auto& ref : referenced) {
    wanted.insert(to_string(ref.code) + std::string{ref.form == code_form::object ? object_suffix : ""});
    if (ref.form == code_form::folder)
      wanted.insert(to_string(ref.code) + std::string{bytecode_suffix});
  }
  std::vector<fs::path> old;
  std::error_code problem;
  for (fs::directory_iterator it{code_, problem}, end; !problem && it != end; it.increment(problem)) {
    struct stat status {};
    if (!wanted.contains(it->path().filename().native()) && ::lstat(it->path().c_str(), &status) == 0 &&
        status.st_mtime < before)
      old.push_back(it->path());
  }
  if (problem) {
    errno = problem.value();
    return system_failure("cannot list folder " + in_quotes(code_.native()));
  }
  for (const auto& place : old)
    if (auto removed = blobs_.work().remove(place); !removed)
      return tl::unexpected{removed.error()};
  return old.size();
}

}  // namespace troupe::functions
