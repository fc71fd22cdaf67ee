// Keys and rules of mutual TLS, read once from three PEM files: each side shows a certificate that the authority
// signed, or there is no connection. Making certificates belongs to cluster/certificates, a connection to
// actors/tls_session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/errc.hpp"

struct ssl_ctx_st;

namespace troupe::actors {

/// Paths of PEM files.
struct tls_files {
  std::string certificate;  ///< this node's, and those between it and the authority if there are any
  std::string key;          ///< without a passphrase
  std::string authority;    ///< one or more; nothing else is trusted, the system's authorities neither
};

/// Does not change; from any thread.
class tls_context {
public:
  /// Reads the files and checks that they belong together and count now: what other nodes would refuse is refused here.
  /// @returns `errc::bad_setting` with one line that names the file at fault. Blocks on the disk.
  static expected<std::shared_ptr<const tls_context>> open(const tls_files& files);
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;
  ~tls_context();

  /// The DNS names of this node's certificate.
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// Whether this node may call itself `name`.
  bool allows(std::string_view name) const noexcept;
  /// When this node's certificate ends, in seconds since 1970.
  std::int64_t ends_unix_s() const noexcept { return ends_unix_s_; }

  ssl_ctx_st* native() const noexcept { return context_; }  ///< for actors/tls_session

private:
  tls_context() = default;
  ssl_ctx_st* context_ = nullptr;
  std::vector<std::string> names_;
  std::int64_t ends_unix_s_ = 0;
};

}  // namespace troupe::actors
