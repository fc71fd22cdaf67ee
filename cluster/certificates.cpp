#include "cluster/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace troupe::cluster {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;

constexpr std::size_t max_addresses = 32;
constexpr std::size_t max_name = 64;
constexpr std::size_t max_host_name = 253;
/// Enough that two certificates never share one, whoever made them.
constexpr int serial_bits = 127;

bool consists_of(std::string_view text, std::string_view extra, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

bool is_name(std::string_view text) {
  return consists_of(text, "._-", max_name);
}

bool is_ip_address(const std::string& text) {
  in6_addr any;
  return ::inet_pton(AF_INET, text.c_str(), &any) == 1 || ::inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

tl::unexpected<error> openssl_failed(const char* step) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fail(errc::bug, std::string{"OpenSSL could not "} + step + (reason == nullptr ? "" : ": ") +
                             (reason == nullptr ? "" : reason));
}

/// What makes an authority or a node of a certificate.
struct profile {
  std::string organization;
  std::string name;
  const char* constraints;
  const char* key_usage;
  std::string alternative_names;  ///< empty: none
  validity valid;
};

bool add_extension(X509* to, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const extension_ptr made{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  return made != nullptr && X509_add_ext(to, made.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const number_ptr number{BN_new()};
  return number != nullptr && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_name(X509_NAME* to, const char* field, const std::string& text) {
  return X509_NAME_add_entry_by_txt(to, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

/// @param issuer  null: signs itself.
certificate_ptr sign(const profile& as, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  certificate_ptr made{X509_new()};
  X509* raw = made.get();
  X509* by = issuer == nullptr ? raw : issuer;
  const bool complete =
      raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
      ASN1_TIME_set(X509_getm_notBefore(raw), as.valid.from_unix_s) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(raw), as.valid.to_unix_s) != nullptr &&
      add_name(X509_get_subject_name(raw), "O", as.organization) &&
      add_name(X509_get_subject_name(raw), "CN", as.name) &&
      X509_set_issuer_name(raw, X509_get_subject_name(by)) == 1 && X509_set_pubkey(raw, key) == 1 &&
      add_extension(raw, by, NID_basic_constraints, as.constraints) &&
      add_extension(raw, by, NID_key_usage, as.key_usage) &&
      add_extension(raw, by, NID_subject_key_identifier, "hash") &&
      add_extension(raw, by, NID_authority_key_identifier, "keyid:always") &&
      (issuer == nullptr || add_extension(raw, by, NID_ext_key_usage, "serverAuth,clientAuth")) &&
      (as.alternative_names.empty() || add_extension(raw, by, NID_subject_alt_name, as.alternative_names.c_str())) &&
      X509_sign(raw, issuer_key, EVP_sha256()) != 0;
  return complete ? std::move(made) : nullptr;
}

std::string text_of(BIO* memory) {
  char* begin = nullptr;
  const auto size = BIO_get_mem_data(memory, &begin);
  return {begin, static_cast<std::size_t>(size)};
}

expected<certified_key> written(const certificate_ptr& certificate, const key_ptr& key, validity valid) {
  const bio_ptr certificate_text{BIO_new(BIO_s_mem())};
  const bio_ptr key_text{BIO_new(BIO_s_secmem())};
  if (certificate_text == nullptr || key_text == nullptr ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed("write a certificate");
  return certified_key{text_of(certificate_text.get()), text_of(key_text.get()), valid};
}

bio_ptr reading(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// A key with a passphrase is not asked for at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::int64_t end_of(const X509* certificate) {
  tm parts{};
  return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? ::timegm(&parts) : 0;
}

std::string organization_of(const X509* certificate) {
  std::string text(max_name + 1, '\0');
  const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_organizationName, text.data(),
                                               static_cast<int>(text.size()));
  text.resize(static_cast<std::size_t>(std::max(length, 0)));
  return is_name(text) ? text : "troupe";
}

expected<std::string> alternative_names_of(const certificate_request& request) {
  if (!is_name(request.node))
    return fail(errc::bad_usage,
                "'" + request.node + "' is no name of a node: allowed are 1 to 64 of A-Z a-z 0-9 . _ -");
  if (request.addresses.size() > max_addresses)
    return fail(errc::bad_usage, "a certificate holds at most " + std::to_string(max_addresses) + " addresses");
  auto names = "DNS:" + request.node;
  for (const auto& address : request.addresses) {
    const bool is_ip = is_ip_address(address);
    if (!is_ip && !consists_of(address, ".-", max_host_name))
      return fail(errc::bad_usage, "'" + address + "' is neither an IP address nor the name of a host");
    names.append(is_ip ? ",IP:" : ",DNS:").append(address);
  }
  return names;
}

}  // namespace

expected<certified_key> make_authority(const std::string& cluster, validity valid) {
  if (!is_name(cluster))
    return fail(errc::bad_usage, "'" + cluster + "' is no name of a cluster: allowed are 1 to 64 of A-Z a-z 0-9 . _ -");
  const key_ptr key{EVP_EC_gen("P-256")};
  if (key == nullptr)
    return openssl_failed("make a key");
  const auto certificate = sign(
      {cluster, "troupe cluster authority", "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", {}, valid},
      key.get(), nullptr, key.get());
  return certificate == nullptr ? openssl_failed("sign an authority") : written(certificate, key, valid);
}

expected<certified_key> issue_certificate(const certified_key& authority, const certificate_request& request) {
  const auto names = alternative_names_of(request);
  if (!names)
    return tl::unexpected{names.error()};
  const certificate_ptr issuer{PEM_read_bio_X509(reading(authority.certificate).get(), nullptr, nullptr, nullptr)};
  if (issuer == nullptr || X509_check_ca(issuer.get()) != 1)
    return fail(errc::refused, "the authority's certificate is none that may sign others");
  const key_ptr issuer_key{PEM_read_bio_PrivateKey(reading(authority.key).get(), nullptr, no_passphrase, nullptr)};
  if (issuer_key == nullptr)
    return fail(errc::refused, "the authority's key cannot be read: expected is PEM without a passphrase");
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
    return fail(errc::refused, "the authority's key does not belong to its certificate");
  auto valid = request.valid;
  valid.to_unix_s = std::min(valid.to_unix_s, end_of(issuer.get()));
  if (valid.to_unix_s <= valid.from_unix_s)
    return fail(errc::refused, "the authority's certificate has expired");
  ERR_clear_error();
  const key_ptr key{EVP_EC_gen("P-256")};
  if (key == nullptr)
    return openssl_failed("make a key");
  const auto certificate = sign(
      {organization_of(issuer.get()), request.node, "critical,CA:FALSE", "critical,digitalSignature", *names, valid},
      key.get(), issuer.get(), issuer_key.get());
  return certificate == nullptr ? openssl_failed("sign a certificate") : written(certificate, key, valid);
}

}  // namespace troupe::cluster
