#include "cli/certificate_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

constexpr mode_t secret_mode = 0600;
constexpr mode_t public_mode = 0644;
constexpr std::uint64_t max_pem_bytes = 1 << 20;

tl::unexpected<error> exists(const std::string& path) {
  return fail(errc::refused, path + " is there already; remove it first if no node needs it any more");
}

/// A new file with these contents, on the disk for good; nothing when that fails.
expected<void> write_new(const std::string& path, std::string_view contents, mode_t mode) {
  const functions::unix_file file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!file && errno == EEXIST)
    return exists(path);
  if (!file)
    return functions::system_failure("cannot write " + path);
  auto done = functions::write_whole(file.get(), contents, path);
  if (done && ::fsync(file.get()) != 0)
    done = functions::system_failure("cannot write " + path);
  if (!done)
    ::unlink(path.c_str());
  return done;
}

expected<void> sync_folder(const std::string& path) {
  const functions::unix_file folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder || ::fsync(folder.get()) != 0)
    return functions::system_failure("cannot write " + path);
  return {};
}

expected<void> make_private_folder(const std::string& path) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem))
    return {};
  if (const auto parent = std::filesystem::path{path}.parent_path(); !parent.empty())
    if (auto made = functions::make_folder(parent); !made)
      return made;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return functions::system_failure("cannot make the folder " + path);
  return {};
}

}  // namespace

expected<void> certificate_files::check_free(const std::string& name) const {
  for (const auto& path : {certificate_path(name), key_path(name)})
    if (functions::path_exists(path))
      return exists(path);
  return {};
}

expected<std::vector<written_file>> certificate_files::write(const std::string& name,
                                                             const cluster::certified_key& pair) const {
  if (auto checked = check_free(name); !checked)
    return tl::unexpected{std::move(checked).error()};
  if (auto made = make_private_folder(folder_); !made)
    return tl::unexpected{std::move(made).error()};
  const auto key = key_path(name);
  const auto certificate = certificate_path(name);
  if (auto written = write_new(key, pair.key, secret_mode); !written)
    return tl::unexpected{std::move(written).error()};
  auto written = write_new(certificate, pair.certificate, public_mode);
  if (!written) {
    ::unlink(key.c_str());
    return tl::unexpected{std::move(written).error()};
  }
  if (auto synced = sync_folder(folder_); !synced)
    return tl::unexpected{std::move(synced).error()};
  return std::vector<written_file>{{certificate, "certificate"}, {key, "key"}};
}

expected<cluster::certified_key> certificate_files::read_authority() const {
  cluster::certified_key found;
  if (!functions::path_exists(certificate_path(authority)))
    return fail(errc::refused, "there is no authority in " + folder_ + "; `troupe certs init --dir " + folder_ +
                                   "` makes one, once for the whole cluster");
  for (const auto& [path, target] :
       {std::pair{certificate_path(authority), &found.certificate}, std::pair{key_path(authority), &found.key}}) {
    auto text = functions::read_whole(path, max_pem_bytes);
    if (!text)
      return tl::unexpected{std::move(text).error()};
    *target = std::move(*text);
  }
  return found;
}

}  // namespace troupe::cli
