#include "cluster/store_record_codec.hpp"

#include <algorithm>

#include "cluster/field_codec.hpp"
#include "cluster/record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr std::string_view node_prefix = "node/";
/// Nothing that a store waits for is longer, and no sum with it overflows.
constexpr std::int64_t max_span_ms = 600'000;

milliseconds bounded(std::int64_t ms) {
  return milliseconds{std::clamp<std::int64_t>(ms, 0, max_span_ms)};
}

tl::unexpected<error> unreadable(const record& stored, const std::string& what) {
  return fail(errc::corrupt, "record '" + stored.key + "' cannot be read: " + what);
}

/// Opens `stored` and lets `read` take its fields.
template <class T, class Read>
expected<T> read_record(const record& stored, T found, Read read) {
  field_reader fields;
  if (const auto fault = fields.open(stored.value))
    return unreadable(stored, "the value " + *fault);
  read(fields, found);
  if (fields.first_fault())
    return unreadable(stored, *fields.first_fault());
  return found;
}

}  // namespace

bool same_registration(const node_record& left, const node_record& right) {
  return left.id == right.id && left.name == right.name && left.addresses == right.addresses &&
         left.protocol_min == right.protocol_min && left.protocol_max == right.protocol_max &&
         left.cores == right.cores && left.memory_mb == right.memory_mb;
}

std::string node_key(const node_id& node) {
  return std::string{node_prefix} + to_string(node);
}

std::string live_key(const node_id& node) {
  return "live/" + to_string(node);
}

std::string encode(const node_record& node) {
  msgpack::sbuffer bytes;
  field_packer out{bytes};
  out.pack_map(static_cast<std::uint32_t>(7 + node.unknown.size()));
  out.pack("schema").pack(std::max(node.schema, record_schema));
  out.pack("name").pack(node.name);
  out.pack("addresses").pack(node.addresses);
  out.pack("protocol_min").pack(node.protocol_min);
  out.pack("protocol_max").pack(node.protocol_max);
  out.pack("cores").pack(node.cores);
  out.pack("memory_mb").pack(node.memory_mb);
  pack_unknown(out, bytes, node.unknown);
  return {bytes.data(), bytes.size()};
}

std::string encode(const session_record& session) {
  msgpack::sbuffer bytes;
  field_packer out{bytes};
  out.pack_map(5);
  out.pack("session");
  pack_bytes(out, session.session.bytes);
  out.pack("node");
  pack_bytes(out, session.node.bytes);
  out.pack("incarnation");
  pack_bytes(out, session.incarnation.bytes);
  out.pack("address").pack(session.address);
  out.pack("ttl_ms").pack(session.ttl.count());
  return {bytes.data(), bytes.size()};
}

std::string encode(const owner_record& owner) {
  msgpack::sbuffer bytes;
  field_packer out{bytes};
  out.pack_map(2);
  out.pack("session");
  pack_bytes(out, owner.session.bytes);
  out.pack("node");
  pack_bytes(out, owner.node.bytes);
  return {bytes.data(), bytes.size()};
}

std::string encode_primary(const node_id& node) {
  msgpack::sbuffer bytes;
  field_packer out{bytes};
  out.pack_map(1);
  out.pack("node");
  pack_bytes(out, node.bytes);
  return {bytes.data(), bytes.size()};
}

std::string encode_span(milliseconds span) {
  msgpack::sbuffer bytes;
  field_packer out{bytes};
  out.pack_map(1);
  out.pack("ms").pack(span.count());
  return {bytes.data(), bytes.size()};
}

expected<node_record> decode_node(const record& stored) {
  node_record node;
  node.revision = stored.revision;
  if (!stored.key.starts_with(node_prefix))
    return unreadable(stored, "the key is not that of a node");
  node.id = parse_uuid(std::string_view{stored.key}.substr(node_prefix.size()));
  return read_record(stored, std::move(node), [](field_reader& fields, node_record& out) {
    fields.take("schema", out.schema, true);
    fields.take("name", out.name, true);
    fields.take("addresses", out.addresses);
    fields.take("protocol_min", out.protocol_min);
    fields.take("protocol_max", out.protocol_max);
    fields.take("cores", out.cores);
    fields.take("memory_mb", out.memory_mb);
    out.unknown = fields.rest();
  });
}

expected<session_record> decode_session(const record& stored) {
  return read_record(stored, session_record{}, [](field_reader& fields, session_record& out) {
    std::int64_t ttl = 0;
    fields.take_bytes("session", out.session.bytes);
    fields.take_bytes("node", out.node.bytes);
    fields.take_bytes("incarnation", out.incarnation.bytes);
    fields.take("address", out.address);
    fields.take("ttl_ms", ttl, true);
    out.ttl = bounded(ttl);
  });
}

expected<owner_record> decode_owner(const record& stored) {
  return read_record(stored, owner_record{}, [](field_reader& fields, owner_record& out) {
    fields.take_bytes("session", out.session.bytes);
    fields.take_bytes("node", out.node.bytes);
  });
}

expected<node_id> decode_primary(const record& stored) {
  return read_record(stored, node_id{},
                     [](field_reader& fields, node_id& out) { fields.take_bytes("node", out.bytes); });
}

expected<milliseconds> decode_span(const record& stored) {
  return read_record(stored, milliseconds{0}, [](field_reader& fields, milliseconds& out) {
    std::int64_t span = 0;
    fields.take("ms", span, true);
    out = bounded(span);
  });
}

}  // namespace troupe::cluster
