#include "cluster/store_codec.hpp"

#include "cluster/store_fields_codec.hpp"

namespace troupe::cluster {

namespace {

/// Fields of a message stand in one msgpack array `[kind, map]`, the kind being the place in the variant.
template <std::size_t I = 0>
expected<store_message> read_kind(std::size_t kind, const msgpack::object& body) {
  if constexpr (I < std::variant_size_v<store_message>) {
    if (kind != I)
      return read_kind<I + 1>(kind, body);
    std::variant_alternative_t<I, store_message> message;
    wire::read(body, message);
    return store_message{std::move(message)};
  } else {
    return fail(errc::corrupt, "a message about the store of kind " + std::to_string(kind) + " is not known here");
  }
}

}  // namespace

std::string encode(const store_message& message) {
  msgpack::sbuffer bytes;
  wire::packer out{bytes};
  out.pack_array(2);
  out.pack(static_cast<std::uint64_t>(message.index()));
  std::visit([&](const auto& each) { wire::write(out, each); }, message);
  return {bytes.data(), bytes.size()};
}

expected<store_message> decode_store_message(std::string_view bytes) {
  if (bytes.size() > max_store_message_bytes)
    return fail(errc::too_big, "a message about the store of " + std::to_string(bytes.size()) + " bytes");
  try {
    // No container of a message has more members; a length that lies allocates little.
    constexpr std::size_t members = std::size_t{1} << 16;
    const auto most = bytes.size();
    std::size_t used = 0;
    const auto unpacked = msgpack::unpack(bytes.data(), bytes.size(), used, nullptr, nullptr,
                                          msgpack::unpack_limit{members, members, most, most, most, 16});
    const auto& whole = unpacked.get();
    if (used != bytes.size() || whole.type != msgpack::type::ARRAY || whole.via.array.size != 2)
      return fail(errc::corrupt, "a message about the store is not of the form that it should have");
    return read_kind(whole.via.array.ptr[0].as<std::size_t>(), whole.via.array.ptr[1]);
  } catch (const msgpack::unpack_error&) {
    return fail(errc::corrupt, "a message about the store is not msgpack");
  } catch (const msgpack::type_error&) {
    return fail(errc::corrupt, "a field of a message about the store is of another type than it should be");
  }
}

}  // namespace troupe::cluster
