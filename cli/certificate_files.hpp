// The files of a cluster's certificates in one folder: authority.pem and authority-key.pem, NODE.pem and NODE-key.pem.
// What is in them is cluster/certificates' business.
#pragma once

#include <string>
#include <vector>

#include "cluster/certificates.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

struct written_file {
  std::string path;
  std::string holds;  ///< `certificate` or `key`
};

class certificate_files {
public:
  /// Under which name the authority's files lie.
  static constexpr const char* authority = "authority";

  /// @param folder  made, for its owner only, when the first file is written.
  explicit certificate_files(std::string folder) : folder_{std::move(folder)} {}

  /// Neither file is there already: existing ones are never overwritten, as nodes may depend on them.
  /// @returns `errc::refused` naming the one that is.
  expected<void> check_free(const std::string& name) const;
  /// Writes NAME-key.pem (mode 0600) and NAME.pem, both or none, and syncs them.
  /// @returns as `check_free`, or `errc::io` or `errc::full` naming the file.
  expected<std::vector<written_file>> write(const std::string& name, const cluster::certified_key& pair) const;
  /// @returns `errc::refused` when there is no authority, with the command that makes one.
  expected<cluster::certified_key> read_authority() const;

private:
  std::string certificate_path(const std::string& name) const { return folder_ + "/" + name + ".pem"; }
  std::string key_path(const std::string& name) const { return folder_ + "/" + name + "-key.pem"; }

  std::string folder_;
};

}  // namespace troupe::cli
