// Mutual TLS as the cipher of a link.
#pragma once

#include <memory>
#include <string_view>

#include "actors/stream_cipher.hpp"
#include "actors/tls_session.hpp"

namespace troupe::actors {

class tls_cipher final : public stream_cipher {
public:
  tls_cipher(std::shared_ptr<const tls_context> context, tls_role role);

  expected<void> feed(std::string_view ciphertext) override;
  expected<void> encrypt(std::string_view plain) override;
  buffer& plaintext() noexcept override { return plaintext_; }
  buffer& output() noexcept override { return output_; }
  bool established() const noexcept override { return session_.established(); }
  expected<void> check_peer(std::string_view node_name) const override;

private:
  void take_output();

  std::shared_ptr<const tls_context> context_;
  tls_session session_;
  buffer early_;  ///< to be encrypted once the peer has proved who it is
  buffer plaintext_;
  buffer output_;
};

}  // namespace troupe::actors
