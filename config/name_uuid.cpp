#include "config/name_uuid.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace troupe {

uuid make_name_uuid(const uuid& name_space, std::string_view name) {
  std::string text{reinterpret_cast<const char*>(name_space.bytes.data()), name_space.bytes.size()};
  text.append(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  if (EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha1(), nullptr) != 1)
    std::abort();  // out of memory, or an OpenSSL without SHA-1
  uuid id;
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x50);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace troupe
