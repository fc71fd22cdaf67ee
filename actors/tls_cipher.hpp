// Mutual TLS as the cipher of a link.
#pragma once

#include <memory>
#include <string_view>

#include "actors/stream_cipher.hpp"
#include "actors/tls_session.hpp"

namespace troupe::actors {

class tls_cipher final : public stream_cipher {
public:
  tls_cipher(std::shared_ptr<const tls_context> context, tls_role role)
      : context_{std::move(context)}, session_{*context_, role} {}

  expected<void> feed(std::string_view ciphertext) override { return session_.feed(ciphertext); }
  expected<void> take_plaintext(buffer& out) override { return session_.take_plaintext(out); }
  expected<void> write(std::string_view plaintext) override { return session_.write(plaintext); }
  std::string_view output() const noexcept override { return session_.output(); }
  void consume_output(std::size_t count) noexcept override { session_.consume_output(count); }
  bool established() const noexcept override { return session_.established(); }
  expected<void> check_peer(std::string_view node_name) const override;

private:
  std::shared_ptr<const tls_context> context_;
  tls_session session_;
};

}  // namespace troupe::actors
