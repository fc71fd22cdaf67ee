// What is kept of a stored record beside the fields that this program knows.
#pragma once

#include <map>
#include <string>

namespace troupe::cluster {

/// Fields of a stored record that this program does not know: name and msgpack bytes.
using unknown_fields = std::map<std::string, std::string>;

}  // namespace troupe::cluster
