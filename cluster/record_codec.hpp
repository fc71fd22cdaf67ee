// Records as the store keeps them: keys, and msgpack maps as values. Also the picture of all records that routing
// reads, and how commits change it. Which records may be written when is not decided here.
#pragma once

#include <string>
#include <string_view>

#include "cluster/catalog.hpp"
#include "cluster/catalog_store.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// The form in which this program writes records of its own making.
inline constexpr std::uint64_t record_schema = 1;

/// `function/<name>`
std::string function_key(std::string_view name);
/// `route/<api>/<route key>`; `api` holds no `/`.
std::string route_record_key(std::string_view api, std::string_view key);

/// The value of a record, for `write::value`. Name, api and route key are part of the key only. Unknown fields and a
/// higher schema number stay as they were read.
std::string encode(const function_record& function);
std::string encode(const route_record& route);

/// Reads a stored record, its revision included.
/// @returns `errc::corrupt` naming the key when the bytes are no msgpack map, a field has another type than it should,
/// a required field is missing, or the key is of another kind.
expected<function_record> decode_function(const record& stored);
expected<route_record> decode_route(const record& stored);

}  // namespace troupe::cluster
