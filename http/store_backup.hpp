// A backup of the store as text: what `GET /v1/store/backup` answers and `troupe backup` writes. One JSON object per
// line: a head, the records, and an end that proves that nothing is missing. And what of a history is in no other.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "cluster/history.hpp"
#include "cluster/store_restore.hpp"
#include "config/errc.hpp"

namespace troupe::http {

using store_backup = cluster::backed_up_store;

/// Keys must be UTF-8, as those of all records are.
std::string backup_text(const store_backup& what);

/// @returns `errc::corrupt` naming the line when the text was cut or changed; `errc::refused` when it is of a form that
///          only newer programs know.
expected<store_backup> parse_backup(std::string_view text);

/// The commits of a history after `cut`, one JSON object per line behind a head: what a restore elsewhere left out, for
/// people to read. Of commits whose rows are not kept any more only the records are there that they left.
std::string commits_text(const cluster::store_identity& identity, const cluster::history& records, cluster::cursor cut);

}  // namespace troupe::http
