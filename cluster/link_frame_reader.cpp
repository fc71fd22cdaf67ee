#include <algorithm>
#include <array>
#include <string>

#include "cluster/link_frame.hpp"
#include "config/frame_value_reader.hpp"

namespace troupe::cluster {

namespace {

constexpr std::size_t max_hello_text_bytes = 255;
/// A reader without part of a frame keeps no more memory than this.
constexpr std::size_t max_idle_bytes = 8 * 1024;

/// Reads the fields of `out.kind`. @returns how many that were.
std::size_t read_fields(value_reader& in, link_frame& out) noexcept {
  switch (out.kind) {
    case link_kind::ping:
    case link_kind::pong:
      out.number = in.number();
      out.sent = in.number();
      return 2;
    case link_kind::call:
      out.topic = in.number();
      out.remaining_ms = in.number();
      out.head = in.bin();
      out.total = in.number();
      out.body = in.bin();
      return 5;
    case link_kind::answer:
      out.head = in.bin();
      out.total = in.number();
      out.body = in.bin();
      return 3;
    case link_kind::data:
      out.body = in.bin();
      out.last = in.number() != 0;
      return 2;
    case link_kind::credit: out.number = in.number(); return 1;
    case link_kind::not_run:
    case link_kind::failed:
      out.number = in.number();
      out.text = in.str();
      return 2;
    case link_kind::refuse_hello: out.text = in.str(); return 1;
    case link_kind::unknown:
    case link_kind::hello:
    case link_kind::cancel:
    case link_kind::goodbye: return 0;
  }
  return 0;
}

std::optional<link_frame> parse(std::string_view bytes) noexcept {
  value_reader in{bytes};
  const auto count = in.array();
  link_frame out;
  const auto kind = in.number();
  out.call_id = in.number();
  if (!in.good() || count < 2)
    return std::nullopt;
  if (kind <= static_cast<std::uint64_t>(link_kind::failed))
    out.kind = static_cast<link_kind>(kind);
  if (out.kind == link_kind::hello)
    out.fields = bytes.substr(bytes.size() - in.left());
  const auto known = 2 + read_fields(in, out);
  if (known > count)
    return std::nullopt;
  in.skip(count - known);
  if (!in.good() || !in.at_end())
    return std::nullopt;
  return out;
}

/// Of the frame that begins here; there are `length_bytes` at least.
std::size_t length_of(std::string_view bytes) noexcept {
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::size_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return length;
}

std::string too_long(std::size_t length) {
  return "frame of " + std::to_string(length) + " bytes: at most " + std::to_string(max_link_frame_bytes);
}

/// Reads the fields of a hello one after the other.
class hello_reader {
public:
  explicit hello_reader(std::string_view fields) : in_{fields} {}
  bool good() const noexcept { return good_ && in_.good(); }

  template <class Number>
  void number(Number& out) noexcept {
    const auto value = in_.number();
    out = static_cast<Number>(value);
    good_ = good_ && static_cast<std::uint64_t>(out) == value;
  }
  template <class Bytes>
  void bytes(Bytes& out) noexcept {
    const auto value = in_.bin();
    good_ = good_ && value.size() == out.size();
    if (good_)
      std::copy(value.begin(), value.end(), reinterpret_cast<char*>(out.data()));
  }
  void text(std::string& out) {
    const auto value = in_.str();
    good_ = good_ && value.size() <= max_hello_text_bytes;
    if (good_)
      out = value;
  }

private:
  value_reader in_;
  bool good_ = true;
};

}  // namespace

expected<link_hello> read_hello(const link_frame& frame) {
  link_hello hello;
  hello_reader in{frame.fields};
  in.number(hello.min_version);
  in.number(hello.max_version);
  if (frame.kind != link_kind::hello || !in.good() || hello.min_version > hello.max_version)
    return fail(errc::corrupt, "no hello of the link protocol");
  if (!compatible(hello, link_hello{}))
    return hello;
  in.text(hello.cluster);
  in.bytes(hello.store_id.bytes);
  in.number(hello.generation.counter);
  in.number(hello.generation.salt);
  in.number(hello.cursor.value);
  in.bytes(hello.history_hash.bytes);
  in.bytes(hello.primary.bytes);
  in.bytes(hello.node.bytes);
  in.text(hello.node_name);
  in.bytes(hello.incarnation.bytes);
  in.number(hello.purpose);
  in.number(hello.loop);
  in.text(hello.address);
  in.number(hello.control_port);
  if (!in.good() || hello.purpose < link_purpose::calls || hello.purpose > link_purpose::store)
    return fail(errc::corrupt, "a hello of the link protocol with fields that are missing or out of range");
  return hello;
}

expected<std::optional<link_frame>> link_frame_reader::next() {
  if (broken_)
    return tl::unexpected<error>{*broken_};
  if (held_taken_) {
    held_taken_ = false;
    if (held_.capacity() > max_idle_bytes)
      held_.release();
    held_.clear();
  }
  // Bytes are held only until their frame is whole; all others are read where they lie.
  const auto hold = [this](std::size_t wanted) {
    const auto piece = input_.substr(0, wanted - std::min(wanted, held_.size()));
    held_.append(piece);
    input_.remove_prefix(piece.size());
    return held_.size() >= wanted;
  };
  if ((!held_.empty() || input_.size() < length_bytes) && !hold(length_bytes))
    return std::nullopt;
  const auto length = length_of(held_.empty() ? input_ : held_.view());
  if (length > max_link_frame_bytes) {
    broken_ = error{errc::too_big, too_long(length)};
    return tl::unexpected<error>{*broken_};
  }
  const auto whole = length_bytes + length;
  if (held_.empty() && input_.size() >= whole) {
    const auto frame = input_.substr(length_bytes, length);
    input_.remove_prefix(whole);
    return take(frame);
  }
  held_.reserve(whole);
  if (!hold(whole))
    return std::nullopt;
  held_taken_ = true;
  return take(held_.view().substr(length_bytes));
}

expected<std::optional<link_frame>> link_frame_reader::take(std::string_view frame) {
  auto parsed = parse(frame);
  if (!parsed) {
    broken_ =
        error{errc::corrupt, "frame of " + std::to_string(frame.size()) + " bytes is not [kind, call id, fields...]"};
    return tl::unexpected<error>{*broken_};
  }
  return parsed;
}

}  // namespace troupe::cluster
