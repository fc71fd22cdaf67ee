#include "actors/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>

#include "actors/tls_certificate.hpp"

namespace troupe::actors {

namespace {

/// More than any chain takes; a wrong path shall not fill the memory.
constexpr std::size_t max_file_bytes = 1 << 20;
constexpr int max_chain = 4;
constexpr int security_level = 2;
// The cheapest on machines with AES instructions first; all of them are sound.
constexpr const char* suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* suites_12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char session_scope[] = "troupe";

struct bio_freer {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct key_freer {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct chain_freer {
  void operator()(X509_STORE_CTX* context) const noexcept { X509_STORE_CTX_free(context); }
};
using bio_ptr = std::unique_ptr<BIO, bio_freer>;
using key_ptr = std::unique_ptr<EVP_PKEY, key_freer>;

tl::unexpected<error> refuse(const char* what, const std::string& path, const std::string& why) {
  ERR_clear_error();
  return fail(errc::bad_setting, std::string{what} + " '" + path + "': " + why);
}

expected<std::string> contents_of(const char* what, const std::string& path) {
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.gcount() == 0 && errno != 0))
    return refuse(what, path, std::string{"cannot be read: "} + std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_file_bytes)
    return refuse(what, path, "is larger than a file of certificates can be");
  return text;
}

bio_ptr reading(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

expected<std::vector<certificate_ptr>> read_certificates(const char* what, const std::string& path) {
  const auto text = contents_of(what, path);
  if (!text)
    return tl::unexpected{text.error()};
  std::vector<certificate_ptr> found;
  const auto source = reading(*text);
  while (certificate_ptr each{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)})
    found.push_back(std::move(each));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (found.empty() || !at_end)
    return refuse(what, path, "is no PEM file with a certificate");
  return found;
}

/// A key with a passphrase is not asked for at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

expected<key_ptr> read_key(const std::string& path) {
  auto text = contents_of("key", path);
  if (!text)
    return tl::unexpected{text.error()};
  key_ptr key{PEM_read_bio_PrivateKey(reading(*text).get(), nullptr, no_passphrase, nullptr)};
  auto& secret = *text;
  OPENSSL_cleanse(secret.data(), secret.size());
  if (key == nullptr)
    return refuse("key", path, "is no PEM file with a private key without a passphrase");
  return key;
}

void configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_cipher_list(context, suites_12);
  SSL_CTX_set_ciphersuites(context, suites_13);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_verify_depth(context, max_chain);
  // Every connection proves both certificates anew: nothing is resumed that an expired one began.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_id_context(context, session_scope, sizeof session_scope - 1);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
}

/// Why peers would not accept the certificate in this role; null when they would.
const char* fault_of(SSL_CTX* context, X509* own, STACK_OF(X509) * between, const char* role) {
  const std::unique_ptr<X509_STORE_CTX, chain_freer> chain{X509_STORE_CTX_new()};
  if (chain == nullptr || X509_STORE_CTX_init(chain.get(), SSL_CTX_get_cert_store(context), own, between) != 1 ||
      X509_STORE_CTX_set_default(chain.get(), role) != 1)
    return "OpenSSL cannot check it";
  X509_STORE_CTX_set_depth(chain.get(), max_chain);
  return X509_verify_cert(chain.get()) == 1 ? nullptr
                                            : X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain.get()));
}

expected<void> install(SSL_CTX* context, const tls_files& files, std::span<const certificate_ptr> own, EVP_PKEY* key,
                       std::span<const certificate_ptr> authorities) {
  for (const auto& each : authorities)
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), each.get()) != 1)
      return refuse("authority", files.authority, "OpenSSL does not take it");
  if (SSL_CTX_use_certificate(context, own.front().get()) != 1)
    return refuse("certificate", files.certificate, "its key is too weak, or of a kind that TLS does not have");
  for (const auto& each : own.subspan(1))
    if (SSL_CTX_add1_chain_cert(context, each.get()) != 1)
      return refuse("certificate", files.certificate, "one of the certificates behind the first is too weak");
  if (SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
    return refuse("key", files.key, "does not belong to the certificate in '" + files.certificate + "'");
  STACK_OF(X509)* between = nullptr;
  SSL_CTX_get0_chain_certs(context, &between);
  for (const auto* role : {"ssl_server", "ssl_client"})
    if (const auto* fault = fault_of(context, own.front().get(), between, role); fault != nullptr)
      return refuse("certificate", files.certificate,
                    std::string{"does not count with the authority in '"} + files.authority + "': " + fault);
  return {};
}

std::int64_t end_of(const X509* certificate) {
  tm parts{};
  return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

expected<std::shared_ptr<const tls_context>> tls_context::open(const tls_files& files) {
  const auto own = read_certificates("certificate", files.certificate);
  if (!own)
    return tl::unexpected{own.error()};
  const auto key = read_key(files.key);
  if (!key)
    return tl::unexpected{key.error()};
  const auto authorities = read_certificates("authority", files.authority);
  if (!authorities)
    return tl::unexpected{authorities.error()};
  std::shared_ptr<tls_context> made{new tls_context};
  made->context_ = SSL_CTX_new(TLS_method());
  if (made->context_ == nullptr)
    return fail(errc::bug, "OpenSSL cannot be started");
  configure(made->context_);
  if (auto installed = install(made->context_, files, *own, key->get(), *authorities); !installed)
    return tl::unexpected{std::move(installed).error()};
  made->names_ = dns_names_of(own->front().get());
  made->ends_unix_s_ = end_of(own->front().get());
  return made;
}

tls_context::~tls_context() {
  SSL_CTX_free(context_);
}

bool tls_context::allows(std::string_view name) const noexcept {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

}  // namespace troupe::actors
