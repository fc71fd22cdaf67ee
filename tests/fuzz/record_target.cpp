// Records as they lie in the store, written by this node, by others, or by whoever edited a backup: what is accepted is
// written again as the same, with the fields that only newer nodes know.

#include "cluster/catalog_view.hpp"
#include "cluster/history_row.hpp"
#include "cluster/record_codec.hpp"
#include "cluster/store_record_codec.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::cluster;

namespace {

enum outcome : std::size_t { functions_read, routes_read, nodes_read, own_records, bodies, bad, unknown_kept };

record stored_as(std::string key, std::string_view value) {
  return {std::move(key), std::string{value}, 7};
}

/// Decoding and encoding settles after one round: bytes that were read and written are read and written alike.
template <class Decode>
auto check_settles(const record& stored, Decode decode, outcome kind) {
  const auto read = decode(stored);
  if (!read) {
    require(read.error().code == errc::corrupt && !read.error().what.empty(), "a refusal says why");
    happened(bad);
    return read;
  }
  happened(kind);
  const auto bytes = encode(*read);
  const auto again = decode(stored_as(stored.key, bytes));
  require(again && encode(*again) == bytes, "a record that is written again is the same");
  return read;
}

void check_unknown(const unknown_fields& before, const unknown_fields& after) {
  require(before == after, "fields that are not known are kept");
  if (!before.empty())
    happened(unknown_kept);
}

void check_span_and_primary(std::string_view value) {
  if (const auto span = decode_span(stored_as(max_ttl_key, value)))
    require(decode_span(stored_as(max_ttl_key, encode_span(*span))) == *span, "a span comes back");
  if (const auto node = decode_primary(stored_as(primary_key, value)))
    require(decode_primary(stored_as(primary_key, encode_primary(*node))) == *node, "the primary comes back");
}

void check_body(std::string_view body) {
  const auto commit = decode_body({7}, body);
  if (!commit)
    return;
  happened(bodies);
  require(encode_body(*commit) == body, "a commit is written in one way");
  require(commit->puts.size() + commit->erased.size() <= body.size() / 4, "no more records than bytes");
}

void check_picture(const std::vector<record>& records) {
  const auto view = make_snapshot(records, {9});
  require(view.snapshot != nullptr && view.snapshot->cursor == 9, "there is always a picture");
  require(view.snapshot->functions.size() + view.snapshot->routes.size() + view.snapshot->nodes.size() +
                  view.snapshot->live.size() + view.unreadable.size() <=
              records.size(),
          "no more in the picture than in the store");
  const applied commit{{10}, records, {"function/f"}};
  const auto next = cluster::apply(*view.snapshot, std::vector<applied>{commit});
  require(next.snapshot != nullptr && next.snapshot->cursor == 10 && find_function(*next.snapshot, "f") == nullptr,
          "a commit changes the picture");
}

std::string function_seed() {
  function_record function;
  function.id = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
  function.version = 3;
  function.runtime = "nodejs20.x";
  function.handler = "index.handler";
  function.form = "folder";
  function.environment = {{"NAME", "value"}};
  function.tags = {{"a", "b"}};
  function.unknown = {{"later", "\x92\x01\xa1x"}};
  return encode(function);
}

std::string node_seed() {
  node_record node;
  node.name = "node-1";
  node.addresses = {"10.0.0.1:7000"};
  node.unknown = {{"zone",
                   "\xa1"
                   "a"}};
  return encode(node);
}

}  // namespace

const target& fuzz::this_target() {
  static const uuid id = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
  static const target what{
      .seeds = {function_seed(), node_seed(), encode(route_record{"default", "GET /a", "f"}),
                encode(session_record{id, id, id, "a:1", milliseconds{10'000}}), encode(owner_record{id, id}),
                encode_primary(id), encode_span(milliseconds{-1}),
                encode_body({{7}, {{"function/a", "value", 7}, {"b", "", 7}}, {"c"}})},
      .words = {"\x80",
                "\x81",
                "\x8f",
                "\x90",
                "\x91",
                "\x92",
                "\xc0",
                "\xc2",
                "\xc3",
                "\xc4\x10",
                std::string("\xc4\0", 2),
                "\xc6\xff\xff\xff\xff",
                "\xde\xff\xff",
                "\xdf\xff\xff\xff\xff",
                "\xdd\xff\xff\xff\xff",
                "\xca\x3f\x80",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "\xd3\x80",
                "\xff",
                "\xa6schema\x02",
                "\xa6schema",
                "\xa2id",
                "\xa7version",
                "\xa4"
                "code",
                "\xa5later\x01",
                "\xab"
                "environment\x81\xa1"
                "a\xa1"
                "b",
                "\xa2ms",
                "\xa6ttl_ms",
                std::string("\x01\0\0\0", 4),
                "\xff\xff\xff\xff",
                "\xc7\x01\x01x",
                "\xd4\x01x"},
      .outcomes = {"functions", "routes", "nodes", "records of the store", "commits", "refused", "unknown fields kept"},
      .max_bytes = 1200};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = text_of(data, size);
  const auto function = stored_as("function/f", value);
  const auto route = stored_as("route/default/GET /a", value);
  const auto node = stored_as(node_key(parse_uuid("00112233-4455-4677-8899-aabbccddeeff")), value);
  if (const auto read = check_settles(function, &decode_function, functions_read))
    check_unknown(read->unknown, decode_function(stored_as(function.key, encode(*read)))->unknown);
  check_settles(route, &decode_route, routes_read);
  if (const auto read = check_settles(node, &decode_node, nodes_read))
    check_unknown(read->unknown, decode_node(stored_as(node.key, encode(*read)))->unknown);
  check_settles(stored_as("session/x", value), &decode_session, own_records);
  check_settles(stored_as("owner/x", value), &decode_owner, own_records);
  check_span_and_primary(value);
  check_body(value);
  check_picture({function, route, node, stored_as("live/00112233-4455-4677-8899-aabbccddeeff", value)});
  return 0;
}
