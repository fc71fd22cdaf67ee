// An authority and certificates of its making, in files, for tests of TLS.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace troupe::tests {

class test_authority {
public:
  /// Writes `<name>-ca.pem` into the folder.
  test_authority(std::string folder, const std::string& name)
      : folder_{std::move(folder)}, name_{name}, key_{make_key()}, certificate_{make_certificate(name + " authority",
                                                                                                 key_.get(), nullptr,
                                                                                                 nullptr)} {
    write(authority_file(), [&](std::FILE* file) { return PEM_write_X509(file, certificate_.get()); });
  }

  std::string authority_file() const { return folder_ + "/" + name_ + "-ca.pem"; }
  struct files {
    std::string certificate, key;
  };
  /// A certificate for a node of that name.
  files issue(const std::string& node) {
    const auto key = make_key();
    const auto certificate = make_certificate(node, key.get(), key_.get(), certificate_.get());
    const files made{folder_ + "/" + name_ + "-" + node + ".pem", folder_ + "/" + name_ + "-" + node + ".key"};
    write(made.certificate, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
    write(made.key, [&](std::FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return made;
  }

private:
  using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

  static key_ptr make_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

  static certificate_ptr make_certificate(const std::string& subject, EVP_PKEY* key, EVP_PKEY* issuer_key,
                                          X509* issuer) {
    certificate_ptr made{X509_new(), &X509_free};
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key);
    auto* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(subject.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(made.get(), issuer == nullptr ? name : X509_get_subject_name(issuer));
    auto* constraint = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints,
                                           issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    X509_add_ext(made.get(), constraint, -1);
    X509_EXTENSION_free(constraint);
    if (X509_sign(made.get(), issuer_key == nullptr ? key : issuer_key, EVP_sha256()) == 0)
      throw std::runtime_error{"a certificate cannot be signed"};
    return made;
  }

  template <class Write>
  static void write(const std::string& path, Write job) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr || job(file) != 1)
      throw std::runtime_error{"cannot write " + path};
    std::fclose(file);
  }

  inline static long serial_ = 0;
  std::string folder_;
  std::string name_;
  key_ptr key_;
  certificate_ptr certificate_;
};

}  // namespace troupe::tests
