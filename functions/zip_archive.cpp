#include "functions/zip_archive.hpp"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <memory>

#include "functions/unix_file.hpp"
#include "functions/zip_directory.hpp"

namespace troupe::functions {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::uint16_t stored = 0;
constexpr std::uint16_t deflated = 8;
/// Bit 0: encrypted, 6: strong encryption, 13: the directory itself is masked (APPNOTE.TXT 4.4.4).
constexpr std::uint16_t encryption_flags = 1u << 0 | 1u << 6 | 1u << 13;

zip_t* handle(void* zip) {
  return static_cast<zip_t*>(zip);
}

tl::unexpected<error> bad_record(std::string_view name, const std::string& why) {
  return fail(errc::bad_usage, "archive entry " + in_quotes(name) + ": " + why);
}

bool is_folder(const zip_record& record) {
  return record.name.ends_with('/');
}

expected<void> check_record(const zip_record& record) {
  if (record.name.find('\0') != record.name.npos)
    return bad_record(record.name, "the name holds a NUL byte");
  if (record.name.find('\\') != record.name.npos)
    return bad_record(record.name, "the name holds a backslash; zip separates folders with '/'");
  if ((record.flags & encryption_flags) != 0)
    return bad_record(record.name, "encrypted");
  if (record.method != stored && record.method != deflated)
    return bad_record(record.name, "compression method " + std::to_string(record.method) + "; only deflate is allowed");
  const auto mode = record.unix_mode();
  if ((mode & (S_ISUID | S_ISGID | S_ISVTX)) != 0 && !is_folder(record))
    return bad_record(record.name, "a setuid, setgid or sticky bit");
  const auto type = mode & S_IFMT;
  const bool fits = is_folder(record) ? type == 0 || type == S_IFDIR : type == 0 || type == S_IFREG || type == S_IFLNK;
  if (!fits)
    return bad_record(record.name, "neither file, folder nor link");
  if (type == S_IFLNK && record.size > max_package_path)
    return bad_record(record.name, "a link's target of " + std::to_string(record.size) + " bytes");
  return {};
}

expected<void> check_sizes(const std::vector<zip_record>& records, std::size_t archive_bytes,
                           const zip_limits& limits) {
  std::uint64_t packed = 0;
  std::uint64_t unpacked = 0;
  for (const auto& record : records) {
    if (record.size > limits.max_unpacked_bytes || (unpacked += record.size) > limits.max_unpacked_bytes)
      return fail(errc::too_big, "the archive unpacks to more than " + std::to_string(limits.max_unpacked_bytes) +
                                     " bytes (at " + in_quotes(record.name) + ")");
    if (record.packed > archive_bytes || (packed += record.packed) > archive_bytes)
      return bad_record(record.name, "its data lies over that of other entries");
  }
  if (unpacked > limits.ratio_free_bytes && unpacked / std::max<std::uint64_t>(packed, 1) > limits.max_ratio)
    return fail(errc::too_big, "the archive unpacks to " + std::to_string(unpacked) + " bytes, more than " +
                                   std::to_string(limits.max_ratio) + " times its size");
  return {};
}

/// Paths without their links: those are read only once it is known that nothing else is wrong.
expected<void> check_paths(const std::vector<zip_record>& records) {
  std::vector<package_node> nodes;
  nodes.reserve(records.size());
  for (const auto& record : records) {
    auto path = record.name;
    if (is_folder(record))
      path.remove_suffix(1);
    nodes.push_back({path, is_folder(record) ? package_node::kind_type::folder : package_node::kind_type::file, {}});
  }
  return check_package_tree(std::move(nodes));
}

expected<void> check_links(const std::vector<zip_member>& members) {
  std::vector<package_node> nodes;
  nodes.reserve(members.size());
  for (const auto& member : members) {
    const auto kind = member.link.empty() ? package_node::kind_type::file : package_node::kind_type::link;
    nodes.push_back({member.path, kind, member.link});
  }
  return check_package_tree(std::move(nodes));
}

/// libzip must see what was checked.
expected<void> compare(zip_t* zip, const std::vector<zip_record>& records) {
  if (zip_get_num_entries(zip, 0) != static_cast<zip_int64_t>(records.size()))
    return fail(errc::bad_usage, "not a zip archive that can be trusted: it can be read in two ways");
  for (std::size_t i = 0; i < records.size(); ++i) {
    zip_stat_t status;
    const auto* name = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
    if (name == nullptr || records[i].name != name || zip_stat_index(zip, i, ZIP_FL_ENC_RAW, &status) != 0 ||
        status.size != records[i].size || status.comp_size != records[i].packed ||
        status.encryption_method != ZIP_EM_NONE)
      return bad_record(records[i].name, "can be read in two ways");
  }
  return {};
}

expected<zip_t*> open_libzip(std::string_view bytes) {
  zip_error_t problem;
  zip_error_init(&problem);
  zip_t* zip = nullptr;
  if (auto* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &problem)) {
    zip = zip_open_from_source(source, ZIP_RDONLY, &problem);
    if (zip == nullptr)
      zip_source_free(source);
  }
  const std::string why = zip == nullptr ? zip_error_strerror(&problem) : "";
  zip_error_fini(&problem);
  if (zip == nullptr)
    return fail(errc::bad_usage, "not a zip archive: " + why);
  return zip;
}

}  // namespace

void zip_archive::closer::operator()(void* zip) const noexcept {
  zip_discard(handle(zip));
}

expected<zip_archive> zip_archive::open(std::string_view bytes, const zip_limits& limits) {
  const auto records = read_zip_directory(bytes, limits.max_entries);
  if (!records)
    return tl::unexpected{records.error()};
  for (const auto& record : *records)
    if (auto checked = check_record(record); !checked)
      return tl::unexpected{checked.error()};
  auto checked = check_sizes(*records, bytes.size(), limits).and_then([&] { return check_paths(*records); });
  if (!checked)
    return tl::unexpected{checked.error()};
  auto opened = open_libzip(bytes);
  if (!opened)
    return tl::unexpected{opened.error()};
  zip_archive archive;
  archive.zip_.reset(*opened);
  if (auto same = compare(*opened, *records); !same)
    return tl::unexpected{same.error()};

  for (std::size_t i = 0; i < records->size(); ++i) {
    const auto& record = (*records)[i];
    if (is_folder(record))
      continue;
    zip_member member;
    member.path = record.name;
    member.mode = (record.unix_mode() & S_IXUSR) != 0 ? file_mode::executable : file_mode::plain;
    member.size = record.size;
    member.index = i;
    if ((record.unix_mode() & S_IFMT) == S_IFLNK) {
      auto read = archive.read(member, [&](std::string_view piece) -> expected<void> {
        member.link += piece;
        return {};
      });
      if (!read)
        return tl::unexpected{read.error()};
      if (member.link.empty())
        return bad_record(record.name, "a link without target");
    }
    archive.members_.push_back(std::move(member));
  }
  if (auto links = check_links(archive.members_); !links)
    return tl::unexpected{links.error()};
  return archive;
}

expected<void> zip_archive::read(const zip_member& member, const sink& take) const {
  auto* zip = handle(zip_.get());
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file{zip_fopen_index(zip, member.index, 0), zip_fclose};
  if (file == nullptr)
    return bad_record(member.path, zip_strerror(zip));
  const auto piece = std::make_unique_for_overwrite<char[]>(piece_bytes);
  std::uint64_t total = 0;
  for (;;) {
    const auto got = zip_fread(file.get(), piece.get(), piece_bytes);
    if (got < 0)
      return bad_record(member.path, std::string{"its data is damaged: "} + zip_file_strerror(file.get()));
    if (got == 0)
      break;
    total += static_cast<std::uint64_t>(got);
    if (total > member.size)
      return bad_record(member.path, "larger than declared");
    if (auto taken = take({piece.get(), static_cast<std::size_t>(got)}); !taken)
      return taken;
  }
  if (total != member.size)
    return bad_record(member.path, "smaller than declared");
  return {};
}

}  // namespace troupe::functions
