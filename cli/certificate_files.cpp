#include "cli/certificate_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "cli/new_file.hpp"
#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

constexpr std::uint64_t max_pem_bytes = 1 << 20;

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
      return exists_already(path);
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
  if (auto written = write_new_file(key, pair.key, file_secrecy::secret); !written)
    return tl::unexpected{std::move(written).error()};
  auto written = write_new_file(certificate, pair.certificate, file_secrecy::open);
  if (!written) {
    ::unlink(key.c_str());
    return tl::unexpected{std::move(written).error()};
  }
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
