#include "cluster/store_move.hpp"

#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr seconds fresh{1};

}  // namespace

bool store_move::level(const history& records, cursor at, const digest& hash, time_point said_at, time_point now) {
  return at == records.barrier() && hash == records.hash() && now - said_at < fresh;
}

commit_result store_move::write_last_row(primary& store, milliseconds now) {
  written_ = true;
  return store.apply({{}, {{primary_key, encode_primary(to_), false}}, id_}, now);
}

node_id primary_of(const history& records) {
  const auto* stored = records.find(primary_key);
  return stored == nullptr ? node_id{} : decode_primary(*stored).value_or(node_id{});
}

}  // namespace troupe::cluster
