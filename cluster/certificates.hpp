// Makes the authority of a cluster and the certificates of its nodes: EC keys on P-256, signed with SHA-256, as PEM
// texts that links and CAF both take. Neither files nor a clock: the caller has both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/errc.hpp"

namespace troupe::cluster {

/// From when to when a certificate counts, in seconds since 1970.
struct validity {
  std::int64_t from_unix_s = 0;
  std::int64_t to_unix_s = 0;
};

struct certified_key {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM (PKCS #8), without a passphrase: a secret
  validity valid;
};

struct certificate_request {
  std::string node;                    ///< 1 to 64 of A-Z a-z 0-9 . _ -
  std::vector<std::string> addresses;  ///< IP addresses and host names by which others may know it, at most 32
  validity valid;                      ///< ends with the authority at the latest
};

/// A self-signed authority that signs nodes and nothing that signs in turn.
/// @param cluster  1 to 64 of A-Z a-z 0-9 . _ -
/// @returns `errc::bad_usage` for another name, `errc::bug` if OpenSSL fails. From any thread.
expected<certified_key> make_authority(const std::string& cluster, validity valid);

/// A certificate with which a node may dial and be dialed. Its DNS names are the node's name and the host names among
/// the addresses: as any of these the node is let in.
/// @param authority  certificate and key are read; more certificates behind the first are passed over.
/// @returns `errc::bad_usage` for a name or an address that is none, `errc::refused` when `authority` is no authority,
///          has another's key or ends before the certificate would begin. From any thread.
expected<certified_key> issue_certificate(const certified_key& authority, const certificate_request& request);

}  // namespace troupe::cluster
