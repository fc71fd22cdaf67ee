#include "actors/tls_failure.hpp"

#include <openssl/err.h>

#include <exception>
#include <string>

#include "actors/tls_certificate.hpp"

namespace troupe::actors {

namespace {

int note_verification(int accepted, X509_STORE_CTX* chain) noexcept {
  if (accepted == 1)
    return accepted;
  const auto* session =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* wires = session == nullptr ? nullptr : static_cast<tls_wires*>(SSL_get_app_data(session));
  try {
    if (wires != nullptr && wires->refusal.empty())
      wires->refusal = "the certificate of " + subject_of(X509_STORE_CTX_get0_cert(chain)) +
                       " does not count here: " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
  } catch (const std::exception&) {
    // Refused without the reason in words.
  }
  return accepted;
}

/// A reason that the peer sent as an alert.
bool is_alert(int reason) {
  return reason > SSL_AD_REASON_OFFSET;
}

/// Whether the peer's alert is about this node's certificate.
bool is_about_certificate(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_NO_CERTIFICATE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
}

/// Whether the bytes are no TLS at all, as those of a port scanner or an HTTP client.
bool is_foreign(int reason) {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_TOO_SMALL:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_LENGTH_TOO_SHORT: return true;
    default: return false;
  }
}

}  // namespace

void remember_refusals(SSL* session, tls_wires& wires) {
  SSL_set_app_data(session, &wires);
  SSL_set_verify(session, SSL_get_verify_mode(session), note_verification);
}

error describe_failure(const SSL* session, int result, const tls_wires& wires) {
  const auto code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const char* words = ERR_reason_error_string(code);
  const std::string text = words == nullptr ? "OpenSSL gives no reason" : words;
  const bool memory = SSL_get_error(session, result) == SSL_ERROR_SYSCALL && code == 0;
  const bool shaking = SSL_is_init_finished(session) == 0 || SSL_in_init(session) != 0;
  ERR_clear_error();
  if (!wires.refusal.empty())
    return {errc::refused, "TLS: " + wires.refusal};
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return {errc::refused, "TLS: the peer shows no certificate"};
  if (is_alert(reason))
    return {is_about_certificate(reason) ? errc::refused : errc::io,
            (is_about_certificate(reason) ? "TLS: the peer does not accept this node's certificate: "
                                          : "TLS: the peer gives up: ") +
                text};
  if (memory)
    return {errc::io, "TLS: there is no memory for the peer's bytes"};
  return {errc::io, (shaking && is_foreign(reason) ? "TLS: what the peer sends is no TLS: " : "TLS: ") + text};
}

}  // namespace troupe::actors
