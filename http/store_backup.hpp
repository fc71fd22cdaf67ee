// A backup of the store as text: what `GET /v1/store/backup` answers and `troupe backup` writes. One JSON object per
// line: a head, the records, and an end that proves that nothing is missing. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "config/errc.hpp"

namespace troupe::http {

struct store_backup {
  cluster::store_identity identity;
  cluster::loaded contents;
};

/// Keys must be UTF-8, as those of all records are.
std::string backup_text(const store_backup& what);

/// @returns `errc::corrupt` naming the line when the text was cut or changed, or is of a form that only newer programs
///          know.
expected<store_backup> parse_backup(std::string_view text);

}  // namespace troupe::http
