#include <algorithm>
#include <string>

#include "config/frame_value_reader.hpp"
#include "functions/frame.hpp"

namespace troupe::functions {

namespace {

constexpr std::size_t read_size = 65536;

/// Reads the fields of `out.kind`. @returns how many that were.
std::size_t read_fields(value_reader& in, frame& out) noexcept {
  switch (out.kind) {
    case frame_kind::hello:
      out.number = in.number();
      out.text = in.str();
      return 2;
    case frame_kind::loaded: out.number = in.number(); return 1;
    case frame_kind::load:
    case frame_kind::chunk:
    case frame_kind::shape:
    case frame_kind::answer: out.payload = in.bin(); return 1;
    case frame_kind::call:
      out.payload = in.bin();
      out.text = in.str();
      out.number = in.number();
      out.trace_id = in.str();
      out.client_context = in.bin();
      return 5;
    case frame_kind::shaped_call:
      out.number = in.number();
      out.payload = in.bin();
      return 2;
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
  value_reader in{bytes};
  const auto count = in.array();
  frame out;
  out.kind_number = in.number();
  out.call_id = in.number();
  if (!in.good() || count < 2)
    return std::nullopt;
  if (out.kind_number <= static_cast<std::uint64_t>(frame_kind::shaped_call))
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
  // A frame over the limit gets no room: the next `next` refuses it. Of a large one exactly what is missing has some,
  // so that its last bytes do not double the memory.
  if (const auto length = length_of(bytes_.view()); length && *length <= max_frame_bytes_ && *length > read_size) {
    const auto whole = length_bytes + *length;
    wanted = whole > bytes_.size() ? whole - bytes_.size() : read_size;
  }
  // What a large frame needed is given back after it, also when the worker never pauses.
  if (bytes_.capacity() > 8 * read_size && bytes_.size() + wanted <= 2 * read_size) {
    buffer smaller;
    smaller.reserve(2 * read_size);
    smaller.append(bytes_.view());
    bytes_ = std::move(smaller);
  }
  return bytes_.room(wanted);
}

void frame_reader::pause() noexcept {
  if (begin_ != bytes_.size() || bytes_.capacity() <= 8 * read_size)
    return;
  bytes_.release();
  begin_ = 0;
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
