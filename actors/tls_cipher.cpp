#include "actors/tls_cipher.hpp"

#include <string>
#include <utility>

namespace troupe::actors {

tls_cipher::tls_cipher(std::shared_ptr<const tls_context> context, tls_role role)
    : context_{std::move(context)}, session_{*context_, role} {
  take_output();
}

void tls_cipher::take_output() {
  const auto bytes = session_.output();
  output_.append(bytes);
  session_.consume_output(bytes.size());
}

expected<void> tls_cipher::feed(std::string_view ciphertext) {
  auto fed = session_.feed(ciphertext);
  if (fed)
    fed = session_.take_plaintext(plaintext_);
  if (fed && session_.established() && !early_.empty()) {
    fed = session_.write(early_.view());
    early_.release();
  }
  // Also after an error: what is left then tells the peer why.
  take_output();
  return fed;
}

expected<void> tls_cipher::encrypt(std::string_view plain) {
  if (!session_.established()) {
    // A hello and no more: nobody sends calls before the other's hello.
    if (early_.size() + plain.size() > tls_session::max_handshake_bytes)
      return fail(errc::too_big, "too much to send before the peer has proved who it is");
    early_.append(plain);
    return {};
  }
  auto written = session_.write(plain);
  take_output();
  return written;
}

expected<void> tls_cipher::check_peer(std::string_view node_name) const {
  if (session_.allows(node_name))
    return {};
  std::string names;
  for (const auto& name : session_.peer_names())
    names += (names.empty() ? "'" : ", '") + name + "'";
  return fail(errc::refused, "a node that calls itself '" + std::string{node_name} + "' has the certificate of " +
                                 (names.empty() ? "nobody" : names));
}

}  // namespace troupe::actors
