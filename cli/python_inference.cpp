#include "cli/python_inference.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace troupe::cli {

namespace {

constexpr std::array<std::string_view, 5> usual_modules = {"app.py", "lambda_function.py", "handler.py", "main.py",
                                                           "index.py"};
constexpr std::array<std::string_view, 2> usual_functions = {"lambda_handler", "handler"};
/// More names than this in a message help nobody.
constexpr std::size_t shown_names = 8;

bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string_view take_name(std::string_view& text) {
  const auto end = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), in_name) - text.begin());
  const auto name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

/// The name that one line at the margin defines; empty when it defines none.
std::string_view defined_by(std::string_view line) {
  if (line.starts_with("def ")) {
    line = without_blanks(line.substr(4));
    const auto name = take_name(line);
    return without_blanks(line).starts_with('(') ? name : std::string_view{};
  }
  const auto name = take_name(line);
  line = without_blanks(line);
  return line.starts_with('=') && !line.starts_with("==") ? name : std::string_view{};
}

/// Follows triple quotes over the end of a line. @param open  the quotes that are open before it, or empty.
std::string_view open_after(std::string_view line, std::string_view open) {
  while (!line.empty()) {
    if (!open.empty()) {
      const auto end = line.find(open);
      if (end == line.npos)
        return open;
      line.remove_prefix(end + open.size());
      open = {};
    } else if (line.starts_with("\"\"\"") || line.starts_with("'''")) {
      open = line.substr(0, 3) == "'''" ? "'''" : "\"\"\"";
      line.remove_prefix(3);
    } else if (line.front() == '#') {
      return {};
    } else if (line.front() == '"' || line.front() == '\'') {
      const char quote = line.front();
      std::size_t at = 1;
      while (at < line.size() && line[at] != quote)
        at += line[at] == '\\' ? 2 : 1;
      line.remove_prefix(std::min(at + 1, line.size()));
    } else {
      line.remove_prefix(1);
    }
  }
  return open;
}

bool has(const std::vector<std::string>& names, std::string_view wanted) {
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

tl::unexpected<error> ask_for_handler(const std::string& why) {
  return fail(errc::bad_usage, why + "; say it with --handler FILE.FUNCTION");
}

std::vector<std::string> candidates_of(const package_files& files) {
  std::vector<std::string> candidates;
  for (const auto module : usual_modules)
    if (has(files.paths, module))
      candidates.emplace_back(module);
  if (!candidates.empty())
    return candidates;
  for (const auto& path : files.paths)
    if (path.find('/') == path.npos && path.ends_with(".py"))
      candidates.push_back(path);
  return candidates.size() == 1 ? candidates : std::vector<std::string>{};
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), shown_names); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return text + (names.size() > shown_names ? ", ..." : "");
}

}  // namespace

std::vector<std::string> python_names(std::string_view text) {
  std::vector<std::string> names;
  std::set<std::string_view> seen;
  std::string_view open;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto name = open.empty() ? defined_by(line) : std::string_view{};
        !name.empty() && seen.insert(name).second)
      names.emplace_back(name);
    open = open_after(line, open);
  }
  return names;
}

expected<std::string> infer_python_handler(const package_files& files) {
  const auto candidates = candidates_of(files);
  std::string found;
  for (const auto& path : candidates) {
    const auto text = files.read(path);
    if (!text)
      return ask_for_handler("cannot read '" + path + "'");
    const auto names = python_names(*text);
    const auto module = path.substr(0, path.size() - 3);
    for (const auto function : usual_functions)
      if (has(names, function)) {
        if (module.find('.') != module.npos)
          return ask_for_handler("'" + path + "' cannot be named in a handler, where a dot stands between packages");
        return module + "." + std::string{function};
      }
    if (found.empty())
      found = "cannot tell which function of '" + path + "' is the handler: it defines neither lambda_handler nor " +
              "handler at its top level" + (names.empty() ? "" : " (but " + list_of(names) + ")");
  }
  if (!found.empty())
    return ask_for_handler(found);
  return ask_for_handler(
      "cannot tell which file holds the handler: there is none of app.py, lambda_function.py, handler.py, main.py and "
      "index.py, nor a single other Python file");
}

bool lacks_requirements(const package_files& files) {
  const bool installed = std::any_of(files.paths.begin(), files.paths.end(),
                                     [](const std::string& path) { return path.find(".dist-info/") != path.npos; });
  return has(files.paths, "requirements.txt") && !installed;
}

}  // namespace troupe::cli
