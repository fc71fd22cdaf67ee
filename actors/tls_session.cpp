#include "actors/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <new>
#include <utility>

#include "actors/tls_certificate.hpp"
#include "actors/tls_failure.hpp"
#include "actors/tls_wires.hpp"

namespace troupe::actors {

namespace {

/// The plaintext of one record.
constexpr std::size_t record_bytes = std::size_t{16} * 1024;

error too_much(const char* what, std::size_t most) {
  return {errc::too_big, std::string{"TLS: "} + what + " is more than " + std::to_string(most) + " bytes"};
}

}  // namespace

void tls_session::ssl_freer::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

tls_session::tls_session(const tls_context& context, tls_role role)
    : wires_{std::make_unique<tls_wires>()}, session_{SSL_new(context.native())} {
  BIO* bio = session_ == nullptr ? nullptr : make_wire_bio(*wires_);
  if (bio == nullptr)
    throw std::bad_alloc{};
  SSL_set_bio(session_.get(), bio, bio);
  remember_refusals(session_.get(), *wires_);
  if (role == tls_role::client)
    SSL_set_connect_state(session_.get());
  else
    SSL_set_accept_state(session_.get());
  if (role == tls_role::client)
    shake_hands();
}

tls_session::tls_session(tls_session&&) noexcept = default;
tls_session& tls_session::operator=(tls_session&& other) noexcept {
  // In this order: the session points to the wires.
  session_ = std::move(other.session_);
  wires_ = std::move(other.wires_);
  peer_names_ = std::move(other.peer_names_);
  failure_ = std::move(other.failure_);
  handshake_bytes_ = other.handshake_bytes_;
  established_ = other.established_;
  ended_ = other.ended_;
  closed_ = other.closed_;
  return *this;
}
tls_session::~tls_session() = default;

expected<void> tls_session::fail_with(error why) {
  failure_ = std::move(why);
  return tl::unexpected{*failure_};
}

expected<void> tls_session::state() const {
  if (failure_)
    return tl::unexpected{*failure_};
  return {};
}

void tls_session::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) {
    established_ = true;
    const certificate_ptr peer{SSL_get1_peer_certificate(session_.get())};
    peer_names_ = peer == nullptr ? std::vector<std::string>{} : dns_names_of(peer.get());
  } else if (SSL_get_error(session_.get(), result) != SSL_ERROR_WANT_READ) {
    failure_ = describe_failure(session_.get(), result, *wires_);
  }
}

expected<void> tls_session::feed(std::string_view ciphertext) {
  if (failure_ || ended_)
    return state();
  if (wires_->from_peer.size() + ciphertext.size() > max_buffered_bytes)
    return fail_with(too_much("what the peer sent and nobody took", max_buffered_bytes));
  wires_->from_peer.append(ciphertext);
  if (established_)
    return {};
  // What follows the handshake in the same bytes counts as well: a client sends nothing before it is answered.
  handshake_bytes_ += ciphertext.size();
  shake_hands();
  if (!failure_ && !established_ && handshake_bytes_ > max_handshake_bytes)
    return fail_with(too_much("the peer's handshake", max_handshake_bytes));
  return state();
}

expected<void> tls_session::take_plaintext(buffer& out) {
  if (!established_)
    return state();
  while (!failure_ && !ended_) {
    const auto room = out.room(record_bytes);
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(session_.get(), room.data(), room.size(), &count);
    out.commit(count);
    if (result == 1)
      continue;
    const int kind = SSL_get_error(session_.get(), result);
    if (kind == SSL_ERROR_WANT_READ)
      break;
    if (kind == SSL_ERROR_ZERO_RETURN)
      ended_ = true;
    else
      failure_ = describe_failure(session_.get(), result, *wires_);
  }
  return state();
}

expected<void> tls_session::write(std::string_view plaintext) {
  if (failure_)
    return state();
  if (!established_)
    return fail(errc::not_ready, "TLS: the peer has not proved yet who it is");
  if (closed_)
    return fail(errc::refused, "TLS: this side is closed already");
  if (wires_->to_peer.size() + plaintext.size() > max_buffered_bytes)
    return fail_with(too_much("what is written and not sent", max_buffered_bytes));
  if (plaintext.empty())
    return {};
  std::size_t count = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(session_.get(), plaintext.data(), plaintext.size(), &count);
  if (result != 1)
    return fail_with(describe_failure(session_.get(), result, *wires_));
  return {};
}

void tls_session::close() {
  if (failure_ || closed_ || !established_)
    return;
  closed_ = true;
  ERR_clear_error();
  if (const int result = SSL_shutdown(session_.get()); result < 0)
    failure_ = describe_failure(session_.get(), result, *wires_);
}

std::string_view tls_session::output() const noexcept {
  return wires_->to_peer.view();
}

void tls_session::consume_output(std::size_t count) noexcept {
  wires_->to_peer.consume(count);
}

bool tls_session::allows(std::string_view name) const noexcept {
  return std::find(peer_names_.begin(), peer_names_.end(), name) != peer_names_.end();
}

std::string_view tls_session::version() const noexcept {
  return established_ ? SSL_get_version(session_.get()) : "";
}

}  // namespace troupe::actors
