// Archives that somebody uploads: whatever they hold, nothing is written beside the folder, no limit is passed, and the
// manifest says what is on the disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "functions/package.hpp"
#include "functions/unix_file.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/zip_writer.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::functions;
using tests::zip_item;
using tests::zip_writer;

namespace {

enum outcome : std::size_t { unpacked, refused, with_links, too_large, damaged_data };

namespace fs = std::filesystem;

constexpr zip_limits limits{.max_unpacked_bytes = 1'400, .max_entries = 12, .max_ratio = 50, .ratio_free_bytes = 1'000};

/// A folder in a folder: what was written beside the inner one shows.
struct place {
  tests::temp_folder outer;
  fs::path inner = fs::path{outer.path()} / "inner";
};

/// All files and links below `root`, by path.
std::map<std::string, fs::file_status> found_below(const fs::path& root) {
  std::map<std::string, fs::file_status> found;
  for (const auto& each : fs::recursive_directory_iterator{root})
    if (const auto status = each.symlink_status(); status.type() != fs::file_type::directory)
      found.emplace(each.path().lexically_relative(root).string(), status);
  return found;
}

void check_entry(const fs::path& root, const manifest_entry& entry, const fs::file_status& status) {
  const auto full = root / entry.path;
  if (entry.is_link()) {
    happened(with_links);
    require(status.type() == fs::file_type::symlink && fs::read_symlink(full) == entry.link,
            "a link is as it is listed");
    std::error_code dangling;
    const auto end = fs::weakly_canonical(full, dangling);
    if (!dangling)
      require((end.string() + "/").starts_with(fs::canonical(root).string() + "/"), "no link leads out of the folder");
    return;
  }
  require(status.type() == fs::file_type::regular, "a file is a file");
  const auto wanted = entry.mode == file_mode::plain ? fs::perms{0644} : fs::perms{0755};
  require(status.permissions() == wanted, "a file has one of two modes");
  const auto bytes = read_whole(full.string(), limits.max_unpacked_bytes);
  require(bytes && bytes->size() == entry.size && sha256(*bytes) == entry.sha256, "a file is as it is listed");
}

void check_unpacked(const fs::path& root, const manifest& package) {
  happened(unpacked);
  auto found = found_below(root);
  require(package.total_bytes() <= limits.max_unpacked_bytes, "no more bytes than allowed");
  require(found.size() == package.entries().size() && found.size() <= limits.max_entries,
          "all that is there is listed");
  for (const auto& entry : package.entries())
    check_entry(root, entry, found[entry.path]);
  const auto again = parse_manifest(package.encode());
  require(again && again->entries() == package.entries(), "a manifest that is written again is the same");
}

void check_leftovers(const fs::path& root) {
  std::uint64_t bytes = 0;
  for (const auto& [path, status] : found_below(root))
    if (status.type() == fs::file_type::regular)
      bytes += fs::file_size(root / path);
  require(bytes <= limits.max_unpacked_bytes, "also a refused archive writes no more than allowed");
}

/// "hello hello ..." deflated, so that the bytes of the archive are compressed ones.
zip_item deflated_item() {
  static const std::string packed{"\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x00", 10};
  zip_item item{"deflated.txt", packed};
  item.method = 8;
  item.declared_size = 17;
  return item;
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {zip_writer{}.add({"index.mjs", "export {}"}).add({"lib/a.js", "x", 0100755}).bytes(),
                zip_writer{}.add({"a/", "", 0040755}).add({"a/b", "text"}).add({"l", "a/b", 0120777}).bytes(),
                zip_writer{}.add({"a", "1"}).add({"b/c/d", "2"}).add({"b/up", "../a", 0120777}).bytes_64(),
                zip_writer{}.add({"big", std::string(1500, 'x')}).bytes(), zip_writer{}.add(deflated_item()).bytes()},
      .words = {"PK\1\2",
                "PK\3\4",
                "PK\5\6",
                "PK\6\6",
                "PK\6\7",
                "../",
                "..",
                "/",
                "/etc/x",
                "a/../../x",
                "\\",
                "./",
                std::string(1, '\0'),
                "\x08\0",
                std::string("\0\0\xff\xa1", 4),
                std::string("\0\0\xed\x41", 4),
                std::string("\0\0\xed\x89", 4),
                "\xff\xff",
                "\xff\xff\xff\xff",
                std::string("\x01\0", 2),
                std::string("\x10\0", 2),
                "a",
                "\xc3\xa9",
                "\xff"},
      .outcomes = {"unpacked", "refused", "with links", "too large", "damaged data"},
      .enough = 1'500,
      .max_bytes = 3000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const place there;
  fs::remove_all(there.inner);
  fs::create_directory(there.inner);
  const auto package = unpack_zip(text_of(data, size), there.inner, limits);
  if (package) {
    check_unpacked(there.inner, *package);
  } else {
    const auto code = package.error().code;
    require(code == errc::bad_usage || code == errc::too_big, "a refusal blames the archive");
    happened(code == errc::too_big ? too_large : refused);
    if (package.error().what.find("damaged") != std::string::npos)
      happened(damaged_data);
    check_leftovers(there.inner);
  }
  const auto beside = fs::directory_iterator{there.outer.path()};
  require(std::distance(begin(beside), end(beside)) == 1, "nothing is written beside the folder");
  return 0;
}
