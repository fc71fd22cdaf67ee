// One line of a store's history and the chain of hashes that ties it to all lines before it. How it reaches a disk or
// another node is not decided here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

enum class row_kind : std::uint8_t {
  commit = 1,
  voided = 2,  ///< the id was settled as "never"; changes nothing
};

/// What a row says even after its body was dropped.
struct row_head {
  cursor at;
  commit_id id;
  row_kind kind = row_kind::commit;
  milliseconds time{0};  ///< on the store's own clock (`primary`)
  digest body;           ///< SHA-256 of the body
  digest hash;           ///< SHA-256 of the previous row's hash and of everything above
};

struct history_row {
  row_head head;
  std::string body;  ///< puts and erasures, `encode_body`
};

/// About what a row takes beside its body, in bytes.
inline constexpr std::size_t row_overhead = 128;

/// The hash that `head` must carry when the row before it carries `previous`.
digest chain_hash(const digest& previous, const row_head& head);

/// What a commit is answered whose row stands in the history.
commit_result answer_of(cursor at, row_kind kind);

std::string encode_body(const applied& commit);
/// @returns what followers see of a row, or `errc::corrupt` naming the cursor.
expected<applied> decode_body(cursor at, std::string_view body);

}  // namespace troupe::cluster
