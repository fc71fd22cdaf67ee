// The names that a JavaScript module exports, as far as its text shows them plainly. No parser: a guess that saves
// typing
// `--handler`, made in linear time whatever the text is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// Knows `exports.NAME =`, `module.exports.NAME =`, `module.exports = { NAME, ... }`, `export { x as NAME }` and
/// `export` before const, let, var, class and function; skips comments and strings. Each name once, in order.
std::vector<std::string> exported_names(std::string_view javascript);

}  // namespace troupe::cli
