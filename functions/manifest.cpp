#include "functions/manifest.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "config/text.hpp"
#include "functions/unix_file.hpp"

namespace troupe::functions {

namespace {

using json = nlohmann::json;

constexpr std::string_view plain_mode = "0644";
constexpr std::string_view executable_mode = "0755";

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append("\"").append(name).append("\":\"");
  json_escape_append(out, text);
  out.push_back('"');
}

tl::unexpected<error> bad_entry(std::size_t index, const std::string& what) {
  return fail(errc::bad_usage, "manifest entry " + std::to_string(index) + ": " + what);
}

const std::string* text_of(const json& value) {
  return value.get_ptr<const std::string*>();
}

expected<void> read_member(manifest_entry& entry, const std::string& name, const json& value, std::size_t index) {
  const auto* text = text_of(value);
  if (name == "size") {
    if (!value.is_number_unsigned())
      return bad_entry(index, "'size' is not a number of bytes");
    entry.size = value.get<std::uint64_t>();
    return {};
  }
  if (text == nullptr)
    return bad_entry(index, in_quotes(name) + " is not a string");
  if (name == "path") {
    entry.path = *text;
  } else if (name == "link") {
    if (text->empty())
      return bad_entry(index, "'link' is empty");
    entry.link = *text;
  } else if (name == "mode") {
    if (*text != plain_mode && *text != executable_mode)
      return bad_entry(index, "mode " + in_quotes(*text) + ": allowed are \"0644\" and \"0755\"");
    entry.mode = *text == plain_mode ? file_mode::plain : file_mode::executable;
  } else if (!parse_digest(*text, entry.sha256)) {
    return bad_entry(index, "'sha256' is not 64 hex digits");
  }
  return {};
}

expected<manifest_entry> read_entry(const json& object, std::size_t index) {
  if (!object.is_object())
    return bad_entry(index, "not an object");
  const auto given = [&](const char* name) { return object.contains(name); };
  const std::vector<std::string> wanted = given("link") ? std::vector<std::string>{"path", "link"}
                                                        : std::vector<std::string>{"path", "mode", "size", "sha256"};
  for (const auto& name : wanted)
    if (!object.contains(name))
      return bad_entry(index, "'" + name + "' is missing");
  manifest_entry entry;
  for (const auto& [name, value] : object.items()) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end())
      return bad_entry(index,
                       "member " + in_quotes(name) + ": a file has path, mode, size and sha256, a link path and link");
    if (auto read = read_member(entry, name, value, index); !read)
      return tl::unexpected{read.error()};
  }
  return entry;
}

expected<void> check_sizes(const std::vector<manifest_entry>& entries, std::uint64_t& total) {
  std::map<digest, std::uint64_t> sizes;
  for (const auto& entry : entries) {
    if (entry.is_link())
      continue;
    // Each size alone is checked first, so that the sum cannot wrap around.
    if (entry.size > max_package_bytes || (total += entry.size) > max_package_bytes)
      return fail(errc::too_big, "the package has more than " + std::to_string(max_package_bytes) + " bytes (at " +
                                     in_quotes(entry.path) + ")");
    const auto [known, fresh] = sizes.emplace(entry.sha256, entry.size);
    if (!fresh && known->second != entry.size)
      return fail(errc::bad_usage, in_quotes(entry.path) + ": another file has the same sha256 and another size");
  }
  return {};
}

}  // namespace

std::string manifest::encode() const {
  std::string out;
  out.reserve(entries_.size() * 160);
  out.push_back('[');
  for (const auto& entry : entries_) {
    out.append(out.size() == 1 ? "{" : ",{");
    append_member(out, "path", entry.path);
    out.push_back(',');
    if (entry.is_link()) {
      append_member(out, "link", entry.link);
    } else {
      append_member(out, "mode", entry.mode == file_mode::plain ? plain_mode : executable_mode);
      out.append(",\"size\":").append(std::to_string(entry.size)).push_back(',');
      append_member(out, "sha256", to_string(entry.sha256));
    }
    out.push_back('}');
  }
  out.push_back(']');
  return out;
}

expected<manifest> make_manifest(std::vector<manifest_entry> entries) {
  if (entries.empty())
    return fail(errc::bad_usage, "the package has no files");
  std::vector<package_node> nodes;
  nodes.reserve(entries.size());
  for (const auto& entry : entries) {
    const auto kind = entry.is_link() ? package_node::kind_type::link : package_node::kind_type::file;
    nodes.push_back({entry.path, kind, entry.link});
  }
  if (auto tree = check_package_tree(std::move(nodes)); !tree)
    return tl::unexpected{tree.error()};
  for (auto& entry : entries)
    if (entry.is_link())
      entry = {std::move(entry.path), file_mode::plain, 0, {}, std::move(entry.link)};
  manifest result;
  if (auto sizes = check_sizes(entries, result.total_bytes_); !sizes)
    return tl::unexpected{sizes.error()};
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  result.entries_ = std::move(entries);
  return result;
}

expected<manifest> manifest_of(const nlohmann::json& list) {
  if (!list.is_array())
    return fail(errc::bad_usage, "the manifest is not a list");
  if (list.size() > max_package_entries)
    return fail(errc::too_big, "the manifest has " + std::to_string(list.size()) + " entries, at most " +
                                   std::to_string(max_package_entries) + " are allowed");
  std::vector<manifest_entry> entries;
  entries.reserve(list.size());
  for (const auto& object : list) {
    auto entry = read_entry(object, entries.size());
    if (!entry)
      return tl::unexpected{entry.error()};
    entries.push_back(std::move(*entry));
  }
  return make_manifest(std::move(entries));
}

expected<manifest> parse_manifest(std::string_view text) {
  const auto list = json::parse(text, nullptr, false);
  // For this parser a NUL ends the text.
  if (list.is_discarded() || text.find('\0') != text.npos)
    return fail(errc::bad_usage, "the manifest is not JSON");
  return manifest_of(list);
}

}  // namespace troupe::functions
