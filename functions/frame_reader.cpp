#include <algorithm>
#include <string>

#include "functions/frame.hpp"
#include "functions/frame_tags.hpp"

namespace troupe::functions {

namespace {

using namespace tags;

constexpr std::size_t read_size = 65536;

/// Reads the values of one frame. After the first fault everything is empty and `good` false.
class reader {
public:
  explicit reader(std::string_view bytes) noexcept : left_{bytes} {}

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return left_.empty(); }

  std::size_t array() noexcept {
    const auto tag = take_byte();
    if ((tag & 0xf0) == fix_array)
      return tag & 0x0f;
    return tag == array16 ? static_cast<std::size_t>(big_endian(2)) : refuse();
  }
  std::uint64_t number() noexcept {
    const auto tag = take_byte();
    if (tag < 0x80)
      return tag;
    return tag >= uint8 && tag <= uint64 ? big_endian(std::size_t{1} << (tag - uint8)) : refuse();
  }
  /// A bin or nil.
  std::string_view bin() noexcept {
    const auto tag = take_byte();
    if (tag >= bin8 && tag <= bin32)
      return take(big_endian(std::size_t{1} << (tag - bin8)));
    return none_unless_nil(tag);
  }
  /// A str or nil.
  std::string_view str() noexcept {
    const auto tag = take_byte();
    if ((tag & 0xe0) == fix_str)
      return take(tag & 0x1f);
    if (tag >= str8 && tag <= str32)
      return take(big_endian(std::size_t{1} << (tag - str8)));
    return none_unless_nil(tag);
  }
  /// Passes over `count` values, the elements of arrays among them included.
  void skip(std::size_t count) noexcept {
    for (; count > 0 && good_; --count) {
      const auto tag = left_.empty() ? never_used : static_cast<std::uint8_t>(left_.front());
      if ((tag & 0xf0) == fix_array || tag == array16)
        count += array();
      else if (tag < 0x80 || (tag >= uint8 && tag <= uint64))
        number();
      else if (tag >= bin8 && tag <= bin32)
        bin();
      else
        str();
    }
  }

private:
  std::uint8_t take_byte() noexcept {
    const auto byte = take(1);
    return byte.empty() ? never_used : static_cast<std::uint8_t>(byte.front());
  }
  std::string_view take(std::uint64_t count) noexcept {
    if (count > left_.size()) {
      refuse();
      return {};
    }
    const auto taken = left_.substr(0, static_cast<std::size_t>(count));
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::uint64_t big_endian(std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (const char c : take(count))
      value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view none_unless_nil(std::uint8_t tag) noexcept {
    if (tag != nil)
      refuse();
    return {};
  }
  std::size_t refuse() noexcept {
    good_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool good_ = true;
};

/// Reads the fields of `out.kind`. @returns how many that were.
std::size_t read_fields(reader& in, frame& out) noexcept {
  switch (out.kind) {
    case frame_kind::hello:
      out.number = in.number();
      out.text = in.str();
      return 2;
    case frame_kind::loaded: out.number = in.number(); return 1;
    case frame_kind::load:
    case frame_kind::chunk:
    case frame_kind::answer: out.payload = in.bin(); return 1;
    case frame_kind::call:
      out.payload = in.bin();
      out.text = in.str();
      out.number = in.number();
      out.trace_id = in.str();
      out.client_context = in.bin();
      return 5;
    case frame_kind::error:
      out.payload = in.bin();
      out.text = in.str();
      return 2;
    case frame_kind::log:
      out.text = in.str();
      out.payload = in.bin();
      return 2;
    case frame_kind::unknown:
    case frame_kind::cancel:
    case frame_kind::cancelled:
    case frame_kind::ping:
    case frame_kind::pong:
    case frame_kind::stop: return 0;
  }
  return 0;
}

std::optional<frame> parse(std::string_view bytes) noexcept {
  reader in{bytes};
  const auto count = in.array();
  frame out;
  out.kind_number = in.number();
  out.call_id = in.number();
  if (!in.good() || count < 2)
    return std::nullopt;
  if (out.kind_number <= static_cast<std::uint64_t>(frame_kind::stop))
    out.kind = static_cast<frame_kind>(out.kind_number);
  const auto known = 2 + read_fields(in, out);
  if (known > count)
    return std::nullopt;
  in.skip(count - known);
  if (!in.good() || !in.at_end())
    return std::nullopt;
  return out;
}

/// The announced length of the frame that begins here, without the length itself; nothing while that is incomplete.
std::optional<std::size_t> length_of(std::string_view bytes) noexcept {
  if (bytes.size() < length_bytes)
    return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::size_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return length;
}

}  // namespace

std::span<char> frame_reader::room() {
  if (begin_ > 0)
    bytes_.consume(begin_);
  begin_ = 0;
  auto wanted = read_size;
  // A frame over the limit gets no room: the next `next` refuses it.
  if (const auto length = length_of(bytes_.view()); length && *length <= max_frame_bytes_)
    wanted = std::max(wanted, length_bytes + *length - std::min(bytes_.size(), length_bytes + *length));
  // What a large frame needed is given back after it, also when the worker never pauses.
  if (bytes_.capacity() > 8 * read_size && bytes_.size() + wanted <= 2 * read_size) {
    buffer smaller;
    smaller.reserve(2 * read_size);
    smaller.append(bytes_.view());
    bytes_ = std::move(smaller);
  }
  return bytes_.room(wanted);
}

expected<std::optional<frame>> frame_reader::next() {
  if (broken_)
    return tl::unexpected<error>{*broken_};
  const auto left = bytes_.view().substr(begin_);
  const auto length = length_of(left);
  if (!length)
    return std::nullopt;
  if (*length > max_frame_bytes_) {
    broken_ = error{errc::too_big,
                    "frame of " + std::to_string(*length) + " bytes: at most " + std::to_string(max_frame_bytes_)};
    return tl::unexpected<error>{*broken_};
  }
  if (left.size() - length_bytes < *length)
    return std::nullopt;
  auto parsed = parse(left.substr(length_bytes, *length));
  if (!parsed) {
    broken_ = error{errc::corrupt, "frame of " + std::to_string(*length) + " bytes is not [kind, call id, fields...]"};
    return tl::unexpected<error>{*broken_};
  }
  begin_ += length_bytes + *length;
  return parsed;
}

}  // namespace troupe::functions
