// Identities that every program derives alike from the same name.
#pragma once

#include <string_view>

#include "config/ids.hpp"

namespace troupe {

/// The UUID of a name within a name space (RFC 9562, version 5).
uuid make_name_uuid(const uuid& name_space, std::string_view name);

}  // namespace troupe
