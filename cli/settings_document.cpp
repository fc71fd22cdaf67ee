// docs/settings.md from the table of settings.
#include <algorithm>
#include <vector>

#include "cli/manual.hpp"
#include "config/settings.hpp"

namespace troupe::cli {

namespace {

constexpr std::string_view head =
    R"md(<!-- Printed by `troupe help settings.md`: change config/settings.cpp, not this file. -->
# Settings

Every setting of a node. The same is in `troupe help settings` and in troupe(1).

A setting is a line in the YAML file that `troupe serve --config` names, a variable `TROUPE_<KEY, dots as _>`
(`TROUPE_EDGE_MAX_FIELDS`), or a flag: `--set KEY=VALUE`, or one of its own (`troupe serve --help`). `admin` has no
variable: `TROUPE_ADMIN` tells the other commands which node to ask. Flags override the environment, which overrides the
file. In a file dots may be nesting; a list is a YAML list, in a variable it has commas:

<!-- docs: file troupe.yaml -->
```yaml
http: [127.0.0.1:8080, "[::1]:8080"]
edge:
  max_body_bytes: 1MB
  idle_timeout: 30s
drain.timeout: 10s
```
```sh
troupe config check troupe.yaml     # → troupe.yaml: 4 settings, nothing is wrong
```

Times are a number and `ms`, `s`, `m` or `h`; sizes a number and `B`, `KB`, `MB`, `GB` (powers of 1,000) or `KiB`, `MiB`, `GiB`
(powers of 1,024), or neither. An unknown key, or a value that is not allowed, stops the start with a line that says what is;
`troupe config check FILE` names all of them, and `troupe config show` tells what a node runs with and where that was written.
No setting is a secret: keys of certificates are named by their paths.
)md";

/// In a cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '|' ? std::string{"\\|"} : std::string(1, c);
  return out;
}

std::string row_of(const setting& each) {
  const auto value = each.print(each.rule, settings{});
  std::string row = "| `" + std::string{each.key} + "` | " + (value.empty() ? "none" : "`" + value + "`") + " | ";
  row.append(unit_text(each.rule)).append(each.is_list ? ", a list" : "").append(" | ");
  row.append(cell(bounds_text(each.rule))).append(" | ");
  row.append(each.changes == change_mode::at_reload ? "reload" : "restart").append(" | ");
  return row.append(cell(each.reason)).append(" |\n");
}

}  // namespace

std::vector<std::string_view> setting_sections() {
  std::vector<std::string_view> sections;
  for (const auto& each : all_settings())
    if (std::find(sections.begin(), sections.end(), section_of(each.key)) == sections.end())
      sections.push_back(section_of(each.key));
  return sections;
}

std::string settings_document() {
  std::string text{head};
  for (const auto section : setting_sections()) {
    text.append("\n## ").append(section).append(
        "\n\n| setting | default | unit | allowed | changes with | what for |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (const auto& each : all_settings())
      if (section_of(each.key) == section)
        text += row_of(each);
  }
  return text;
}

}  // namespace troupe::cli
