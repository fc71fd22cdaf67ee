// Messages between stores, for the targets that are about them.
#pragma once

#include <string>
#include <vector>

namespace troupe::fuzz {

/// One of each kind, every field set, encoded.
std::vector<std::string> store_message_samples();

}  // namespace troupe::fuzz
