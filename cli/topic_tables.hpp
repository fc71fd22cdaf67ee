// The tables in help topics, each made from the declarations that it shows.
#pragma once

#include <string>
#include <string_view>

namespace troupe::cli {

/// Every setting: key, default, environment variable, what is allowed, why it is there.
std::string settings_table();
/// The limits of the edge and of the queues, with their defaults.
std::string limits_table();
/// Each cause of a failed request with its two statuses.
std::string causes_table();

/// The table for a mark in a topic's prose; empty when there is none of that name.
std::string table_named(std::string_view name);

}  // namespace troupe::cli
