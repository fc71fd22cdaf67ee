// Manifests of packages, as clients and other nodes send them: what is accepted is canonical, within its limits, and
// leads nowhere but into its folder.
#include <algorithm>
#include <filesystem>
#include <set>

#include "config/text.hpp"
#include "functions/manifest.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::functions;

namespace {

enum outcome : std::size_t { accepted, refused, with_links };

/// Where a path leads when each step is taken as it is written, links left out. @returns false when that is outside.
bool stays_inside(const std::filesystem::path& path) {
  int depth = 0;
  for (const auto& step : path) {
    if (step == "..")
      --depth;
    else if (step != "." && !step.empty())
      ++depth;
    if (depth < 0)
      return false;
  }
  return path.is_relative();
}

void check_accepted(const manifest& package) {
  happened(accepted);
  std::set<std::string> paths;
  std::uint64_t bytes = 0;
  for (const auto& entry : package.entries()) {
    require(paths.insert(entry.path).second, "no path stands there twice");
    require(is_utf8(entry.path) && entry.path.find('\0') == std::string::npos, "a path is text");
    const std::filesystem::path path{entry.path};
    require(stays_inside(path) && path.lexically_normal() == path && path.has_filename(), "a path is a plain one");
    for (auto parent = path.parent_path(); !parent.empty(); parent = parent.parent_path())
      require(!paths.contains(parent.string()), "nothing lies below a file or a link");
    if (entry.is_link()) {
      happened(with_links);
      // Targets may go through other links, which the checks of the package follow; the first step may not leave.
      require(std::filesystem::path{entry.link}.is_relative(), "a link is relative");
    }
    bytes += entry.size;
  }
  require(bytes == package.total_bytes() && bytes <= max_package_bytes, "no more bytes than allowed");
  const auto text = package.encode();
  parse_written_json(text, "a manifest is JSON");
  const auto again = parse_manifest(text);
  require(again && again->entries() == package.entries() && again->encode() == text && again->code() == package.code(),
          "a manifest that is written again is the same");
}

constexpr auto digest_text = "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";

std::string file_entry(const char* path) {
  return std::string{"{\"path\":\""} + path + "\",\"mode\":\"0644\",\"size\":3," + digest_text + "}";
}
std::string link_entry(const char* path, const char* to) {
  return std::string{"{\"path\":\""} + path + "\",\"link\":\"" + to + "\"}";
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {"[" + file_entry("index.mjs") + "," + file_entry("lib/\u00e9.js") + "," +
                    link_entry("l", "lib/../index.mjs") + "]",
                "[" + file_entry("a/b/c") + "," + link_entry("a/up", "../d") + "," + link_entry("d", "a") + "]",
                "[" + file_entry("x") + "]"},
      .words = {file_entry("y"),
                file_entry("a"),
                link_entry("m", "."),
                link_entry("n", ".."),
                link_entry("a", "b"),
                ",",
                "{",
                "}",
                "[",
                "]",
                "\"path\":",
                "\"link\":",
                "\"mode\":\"0755\"",
                "\"size\":",
                digest_text,
                "../",
                "/",
                "./",
                "..",
                ".",
                "\\u0000",
                "\\n",
                "\\u00e9",
                "\\ud800",
                "\xff",
                "250000001",
                "-1",
                "1.0",
                "18446744073709551615",
                "null"},
      .outcomes = {"accepted", "refused", "with links"}};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto package = parse_manifest(text_of(data, size));
  if (package) {
    require(!read_elsewhere(without_mark(text_of(data, size))).is_discarded(), "a manifest that is accepted is JSON");
    check_accepted(*package);
    return 0;
  }
  happened(refused);
  require(package.error().code == errc::bad_usage || package.error().code == errc::too_big, "a refusal says why");
  require(is_utf8(package.error().what), "a refusal can be shown");
  return 0;
}
