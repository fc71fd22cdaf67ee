// What troupe reads out of certificates. Only actors/tls_*.cpp include this.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace troupe::actors {

struct certificate_freer {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using certificate_ptr = std::unique_ptr<X509, certificate_freer>;

/// The DNS names among the alternative names. Names with bytes that no name of a node has are left out: nobody can be
/// meant by them.
std::vector<std::string> dns_names_of(const X509* certificate);

/// The subject's common name for an error line: strangers wrote it, so other than printable ASCII becomes `?`, and it
/// is cut at 64 characters; `(no name)` without one.
std::string subject_of(const X509* certificate);

}  // namespace troupe::actors
