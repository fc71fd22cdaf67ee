// The body of a deployment: `PUT /v1/functions/<name>` (docs/admin-api.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/function_spec.hpp"
#include "functions/manifest.hpp"

namespace troupe::http {

/// A stored archive that the node unpacks.
struct zip_code {
  digest sha256;
};

struct object_code {
  digest sha256;
};

/// Where the client has the code on its own disk.
struct code_source {
  std::string root;     ///< absolute: the folder of a manifest, the file of an archive or object
  std::string boot_id;  ///< of the client's machine; the node looks only when it is its own
};

struct deploy_function {
  /// Checked by `functions::check`. `id` and `version` are the catalog's; of an archive `code` is not known yet.
  functions::function_spec spec;
  std::vector<std::string> routes;  ///< parsed and different; the default ones unless given; empty with `no_route`
  std::variant<functions::manifest, zip_code, object_code> code;
  std::optional<code_source> source;
};

/// Reads the body and fills in defaults. With a manifest of 3,000 files it takes some 10 ms.
/// @returns `errc::bad_usage` naming the member at fault, or `errc::too_big`.
expected<deploy_function> parse_deployment(const std::string& name, std::string_view body);

/// `ANY /<name>` and `ANY /<name>/{proxy+}`.
std::vector<std::string> default_routes(std::string_view function);

}  // namespace troupe::http
