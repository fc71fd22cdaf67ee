#include "actors/tls_cipher.hpp"

#include <string>

namespace troupe::actors {

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
