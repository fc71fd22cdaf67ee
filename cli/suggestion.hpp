// What a user may have meant by a word that does not exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// The known word that a few slips of the fingers turn into `word`: a letter too many, too few, another, or two
/// swapped; or the only one that begins with it. Empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// ` (did you mean 'deploy'?)`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace troupe::cli
