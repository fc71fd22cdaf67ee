#include "cli/inference.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/javascript_exports.hpp"
#include "cli/python_inference.hpp"
#include "config/text.hpp"
#include "functions/function_spec.hpp"

namespace troupe::cli {

namespace {

constexpr std::array<std::string_view, 3> extensions = {".js", ".mjs", ".cjs"};
constexpr std::string_view wanted_export = "handler";
/// Beyond this a file is a bundle whose exports no pattern finds; searching it would only take time.
constexpr std::size_t searched_bytes = 4 * 1024 * 1024;

bool is_javascript(std::string_view path) {
  return std::any_of(extensions.begin(), extensions.end(), [&](auto extension) { return path.ends_with(extension); });
}

/// `./src/index.js` → `src/index.js`.
std::string without_dot(std::string path) {
  while (path.starts_with("./"))
    path.erase(0, 2);
  while (path.ends_with('/'))
    path.pop_back();
  return path;
}

class node_package {
public:
  explicit node_package(const package_files& files) : files_{files} {}

  /// The file that Node.js would load for the package, or nothing.
  std::optional<std::string> entry() const {
    if (const auto main = declared_main())
      if (auto found = resolve(*main))
        return found;
    if (auto found = resolve("index"))
      return found;
    std::vector<std::string> candidates;
    for (const auto& path : files_.paths)
      if (path.find('/') == path.npos && is_javascript(path))
        candidates.push_back(path);
    if (candidates.size() == 1)
      return candidates.front();
    return std::nullopt;
  }

private:
  bool has(const std::string& path) const {
    return std::find(files_.paths.begin(), files_.paths.end(), path) != files_.paths.end();
  }

  std::optional<std::string> declared_main() const {
    if (!has("package.json"))
      return std::nullopt;
    const auto text = files_.read("package.json");
    const auto package = nlohmann::json::parse(text.value_or(""), nullptr, false);
    if (!package.is_object() || !package.contains("main") || !package["main"].is_string())
      return std::nullopt;
    return without_dot(package["main"].get<std::string>());
  }

  /// As `require` does: the file itself, with an extension, as a folder's index.
  std::optional<std::string> resolve(const std::string& module) const {
    if (is_javascript(module) && has(module))
      return module;
    for (const auto* between : {"", "/index"})
      for (const auto extension : extensions)
        if (auto path = module + between + std::string{extension}; has(path))
          return path;
    return std::nullopt;
  }

  const package_files& files_;
};

bool is_python(std::string_view path) {
  return path.ends_with(".py");
}

bool has_any(const package_files& files, bool (*is_kind)(std::string_view)) {
  return std::any_of(files.paths.begin(), files.paths.end(), is_kind);
}

bool has(const package_files& files, const std::string& path) {
  return std::find(files.paths.begin(), files.paths.end(), path) != files.paths.end();
}

/// Whether the module of a handler, up to its first dot, is a JavaScript file.
bool names_javascript(const package_files& files, const std::string& handler) {
  const auto module = handler.substr(0, handler.find('.'));
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](auto extension) { return has(files, module + std::string{extension}); });
}

/// Whether the module of a handler, up to its last dot, is a Python file.
bool names_python(const package_files& files, const std::string& handler) {
  auto module = handler.substr(0, handler.rfind('.'));
  std::replace(module.begin(), module.end(), '.', '/');
  return has(files, module + ".py") || has(files, module + "/__init__.py");
}

constexpr std::string_view say_runtime = "say which is meant with --runtime nodejs or --runtime python3";

tl::unexpected<error> ask_for_handler(const std::string& why) {
  return fail(errc::bad_usage, why + "; say it with --handler FILE.EXPORT");
}

}  // namespace

expected<std::string> infer_node_handler(const package_files& files) {
  const auto entry = node_package{files}.entry();
  if (!entry)
    return ask_for_handler(
        "cannot tell which file holds the handler: there is neither a `main` in package.json nor an "
        "index.js, index.mjs or index.cjs");
  const auto module = entry->substr(0, entry->rfind('.'));
  const auto slash = module.rfind('/');
  if (module.find('.', slash == module.npos ? 0 : slash) != module.npos)
    return ask_for_handler("'" + *entry + "' cannot be named in a handler, which is cut at the first dot");
  const auto text = files.read(*entry);
  if (!text)
    return ask_for_handler("cannot read '" + *entry + "'");
  const auto names = exported_names(std::string_view{*text}.substr(0, searched_bytes));
  const bool wanted = std::find(names.begin(), names.end(), wanted_export) != names.end();
  // Text that mentions it exports it in some other way: `module.exports = require(...)`, bundles, `export *`.
  if (wanted || (names.empty() && text->find(wanted_export) != text->npos))
    return module + "." + std::string{wanted_export};
  if (names.size() == 1)
    return module + "." + names.front();
  if (names.empty() && (text->find("module.exports") != text->npos || text->find("export *") != text->npos))
    return module + "." + std::string{wanted_export};
  std::string found;
  for (const auto& name : names)
    found += (found.empty() ? "" : ", ") + name;
  return ask_for_handler("cannot tell which export of '" + *entry + "' is the handler" +
                         (found.empty() ? " (it seems to export nothing)" : " (it exports " + found + ")"));
}

expected<inferred_code> infer_code(const package_files& files, const std::optional<std::string>& handler) {
  const bool any_python = has_any(files, is_python);
  const bool any_script = has_any(files, is_javascript);
  if (handler) {
    const bool python = names_python(files, *handler);
    if (python && names_javascript(files, *handler))
      return fail(errc::bad_usage, "handler " + in_quotes(*handler) + " is in a JavaScript and in a Python file; " +
                                       std::string{say_runtime});
    return inferred_code{python || (any_python && !any_script) ? "python3" : "nodejs", *handler};
  }
  const auto node = infer_node_handler(files);
  const auto python = infer_python_handler(files);
  if (node && python)
    return fail(errc::bad_usage, "there is a handler for Node.js (" + *node + ") and one for Python (" + *python +
                                     "); " + std::string{say_runtime});
  if (node)
    return inferred_code{"nodejs", *node};
  if (python)
    return inferred_code{"python3", *python};
  if (any_python && !any_script)
    return tl::unexpected{python.error()};
  return fail(errc::bad_usage, node.error().what + " (and --runtime, if it is not for Node.js)");
}

expected<std::string> infer_name(const std::string& stem) {
  functions::function_spec spec;
  spec.name = stem;
  spec.kind = functions::runtime_kind::native;
  if (!functions::check(spec))
    return fail(errc::bad_usage, "cannot make a function name of '" + stem +
                                     "' (allowed are 1 to 64 of a-z A-Z 0-9 - _); give one with --name");
  return stem;
}

}  // namespace troupe::cli
