#include "functions/zip_directory.hpp"

#include <optional>
#include <string>

namespace troupe::functions {

namespace {

// Sizes and signatures of APPNOTE.TXT 6.3, sections 4.3.12 to 4.3.16 and 4.5.3.
constexpr std::size_t end_bytes = 22;
constexpr std::size_t locator64_bytes = 20;
constexpr std::size_t end64_bytes = 56;
constexpr std::size_t header_bytes = 46;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t header_signature = 0x02014b50;
constexpr std::uint16_t zip64_field = 0x0001;
constexpr std::size_t longest_comment = 0xffff;

template <class T>
T little(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[at + i]));
  return value;
}

constexpr auto u16 = little<std::uint16_t>;
constexpr auto u32 = little<std::uint32_t>;
constexpr auto u64 = little<std::uint64_t>;

tl::unexpected<error> not_a_zip(const std::string& why) {
  return fail(errc::bad_usage, "not a zip archive that can be trusted: " + why);
}

struct directory_place {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

std::optional<std::size_t> find_end(std::string_view archive) {
  if (archive.size() < end_bytes)
    return std::nullopt;
  const auto last = archive.size() - end_bytes;
  const auto first = last > longest_comment ? last - longest_comment : 0;
  for (auto at = last + 1; at-- > first;)
    if (u32(archive, at) == end_signature && at + end_bytes + u16(archive, at + 20) == archive.size())
      return at;
  return std::nullopt;
}

/// The 64-bit end record counts where there is one; the short one must then agree or be saturated.
expected<directory_place> place_64(std::string_view archive, std::size_t locator, const directory_place& brief) {
  const auto at = u64(archive, locator + 8);
  if (at > locator || locator - at < end64_bytes || u32(archive, at) != end64_signature)
    return not_a_zip("its zip64 end record is not where it should be");
  if (u32(archive, locator + 4) != 0 || u32(archive, locator + 16) > 1 || u32(archive, at + 16) != 0 ||
      u32(archive, at + 20) != 0 || u64(archive, at + 24) != u64(archive, at + 32))
    return not_a_zip("it has several volumes");
  const directory_place place{u64(archive, at + 32), u64(archive, at + 48), u64(archive, at + 40)};
  const auto agrees = [](std::uint64_t small, std::uint64_t limit, std::uint64_t large) {
    return small == limit || small == large;
  };
  if (!agrees(brief.entries, 0xffff, place.entries) || !agrees(brief.offset, 0xffffffff, place.offset) ||
      !agrees(brief.bytes, 0xffffffff, place.bytes))
    return not_a_zip("its two end records differ");
  return place;
}

expected<directory_place> find_directory(std::string_view archive) {
  const auto end = find_end(archive);
  if (!end)
    return not_a_zip("it has no end record");
  if (u16(archive, *end + 4) != 0 || u16(archive, *end + 6) != 0 || u16(archive, *end + 8) != u16(archive, *end + 10))
    return not_a_zip("it has several volumes");
  expected<directory_place> place =
      directory_place{u16(archive, *end + 10), u32(archive, *end + 16), u32(archive, *end + 12)};
  if (*end >= locator64_bytes && u32(archive, *end - locator64_bytes) == locator64_signature)
    place = place_64(archive, *end - locator64_bytes, *place);
  if (place && (place->offset > *end || place->bytes > *end - place->offset))
    return not_a_zip("its directory is outside the file");
  return place;
}

/// Takes 64-bit sizes from the extra field, for those that are saturated.
bool widen(zip_record& record, std::string_view extra) {
  const bool wide_size = record.size == 0xffffffff;
  const bool wide_packed = record.packed == 0xffffffff;
  if (!wide_size && !wide_packed)
    return true;
  while (extra.size() >= 4) {
    const std::size_t length = u16(extra, 2);
    if (length > extra.size() - 4)
      return false;
    if (u16(extra, 0) == zip64_field) {
      const auto needed = (wide_size ? 8u : 0u) + (wide_packed ? 8u : 0u);
      if (length < needed)
        return false;
      if (wide_size)
        record.size = u64(extra, 4);
      if (wide_packed)
        record.packed = u64(extra, wide_size ? 12 : 4);
      return true;
    }
    extra.remove_prefix(4 + length);
  }
  return false;
}

}  // namespace

expected<std::vector<zip_record>> read_zip_directory(std::string_view archive, std::size_t max_entries) {
  const auto place = find_directory(archive);
  if (!place)
    return tl::unexpected{place.error()};
  if (place->entries > max_entries)
    return fail(errc::too_big, "the archive has " + std::to_string(place->entries) + " entries, at most " +
                                   std::to_string(max_entries) + " are allowed");
  auto rest = archive.substr(place->offset, place->bytes);
  std::vector<zip_record> records;
  records.reserve(place->entries);
  while (records.size() < place->entries) {
    if (rest.size() < header_bytes || u32(rest, 0) != header_signature)
      return not_a_zip("its directory ends after " + std::to_string(records.size()) + " of " +
                       std::to_string(place->entries) + " entries");
    const std::size_t name = u16(rest, 28);
    const std::size_t extra = u16(rest, 30);
    const std::size_t comment = u16(rest, 32);
    if (rest.size() - header_bytes < name + extra + comment)
      return not_a_zip("an entry of its directory is cut off");
    zip_record record{rest.substr(header_bytes, name),    u16(rest, 8), u16(rest, 10), u32(rest, 20), u32(rest, 24),
                      static_cast<std::uint8_t>(rest[5]), u32(rest, 38)};
    if (!widen(record, rest.substr(header_bytes + name, extra)))
      return not_a_zip("an entry lacks its zip64 sizes");
    records.push_back(record);
    rest.remove_prefix(header_bytes + name + extra + comment);
  }
  if (!rest.empty())
    return not_a_zip("its directory holds more than its entries");
  return records;
}

}  // namespace troupe::functions
