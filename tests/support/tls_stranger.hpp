// A TLS end that keeps none of troupe's rules: driven through OpenSSL itself, with whatever a test gives it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "actors/tls_session.hpp"

namespace troupe::tests {

class tls_stranger {
public:
  struct traits {
    actors::tls_role role = actors::tls_role::client;
    std::string certificate;  ///< path; empty: shows none
    std::string key;
    std::string authority;  ///< path; empty: believes everybody
    int oldest = TLS1_2_VERSION;
    int newest = TLS1_3_VERSION;
  };

  explicit tls_stranger(const traits& what) : context_{SSL_CTX_new(TLS_method()), &SSL_CTX_free} {
    auto* context = context_.get();
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, what.oldest);
    SSL_CTX_set_max_proto_version(context, what.newest);
    if (!what.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(context, what.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context, what.key.c_str(), SSL_FILETYPE_PEM);
    }
    if (!what.authority.empty()) {
      SSL_CTX_load_verify_file(context, what.authority.c_str());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    session_.reset(SSL_new(context));
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(session_.get(), in, out);
    if (what.role == actors::tls_role::client)
      SSL_set_connect_state(session_.get());
    else
      SSL_set_accept_state(session_.get());
    advance();
  }

  /// Takes bytes, goes on as far as they reach; plaintext is dropped.
  void feed(std::string_view bytes) {
    BIO_write(SSL_get_rbio(session_.get()), bytes.data(), static_cast<int>(bytes.size()));
    advance();
    char dropped[1024];
    while (SSL_is_init_finished(session_.get()) == 1 && SSL_read(session_.get(), dropped, sizeof dropped) > 0) {
    }
  }
  std::string output() {
    char* begin = nullptr;
    const auto size = BIO_get_mem_data(SSL_get_wbio(session_.get()), &begin);
    std::string bytes{begin, static_cast<std::size_t>(size)};
    BIO_reset(SSL_get_wbio(session_.get()));
    return bytes;
  }
  bool write(std::string_view text) {
    return SSL_write(session_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  void advance() { SSL_do_handshake(session_.get()); }
  SSL* native() const { return session_.get(); }

private:
  struct freer {
    void operator()(SSL* session) const noexcept { SSL_free(session); }
  };
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, freer> session_;
};

}  // namespace troupe::tests
