#include "functions/frame.hpp"

#include <string>

#include "functions/frame_tags.hpp"

namespace troupe::functions {

namespace {

using namespace tags;

/// Writes one frame in place; the length is filled in by `close_frame`.
class writer {
public:
  explicit writer(buffer& out) : out_{out} {}

  void big_endian(std::uint64_t value, std::size_t count) {
    char bytes[8];
    for (std::size_t i = 0; i < count; ++i)
      bytes[i] = static_cast<char>(value >> (8 * (count - 1 - i)) & 0xff);
    out_.append({bytes, count});
  }
  void byte(std::uint64_t value) { out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    if (value < 0x80)
      return byte(value);
    const auto width = value <= 0xff ? 0u : value <= 0xffff ? 1u : value <= 0xffffffff ? 2u : 3u;
    byte(uint8 + width);
    big_endian(value, std::size_t{1} << width);
  }
  void bin(std::string_view bytes) {
    header(bin8, bytes.size());
    out_.append(bytes);
  }
  void str(std::string_view text) {
    if (text.size() < 32)
      byte(fix_str | text.size());
    else
      header(str8, text.size());
    out_.append(text);
  }

private:
  void header(std::uint8_t smallest, std::size_t size) {
    const auto width = size <= 0xff ? 0u : size <= 0xffff ? 1u : 2u;
    byte(smallest + width);
    big_endian(size, std::size_t{1} << width);
  }
  buffer& out_;
};

std::size_t open_frame(buffer& out, frame_kind kind, std::uint64_t call_id, std::size_t field_count) {
  const auto start = out.size();
  writer write{out};
  out.append({"\0\0\0\0", length_bytes});
  write.byte(fix_array | (2 + field_count));
  write.number(static_cast<std::uint64_t>(kind));
  write.number(call_id);
  return start;
}

void close_frame(buffer& out, std::size_t start) noexcept {
  const auto length = out.size() - start - length_bytes;
  for (std::size_t i = 0; i < length_bytes; ++i)
    out.data()[start + i] = static_cast<char>(length >> (8 * i) & 0xff);
}

void append_bare(buffer& out, frame_kind kind, std::uint64_t number) {
  close_frame(out, open_frame(out, kind, number, 0));
}

}  // namespace

void append_hello(buffer& out, std::uint64_t version, std::string_view runtime) {
  const auto start = open_frame(out, frame_kind::hello, 0, 2);
  writer write{out};
  write.number(version);
  write.str(runtime);
  close_frame(out, start);
}

void append_load(buffer& out, std::string_view json) {
  const auto start = open_frame(out, frame_kind::load, 0, 1);
  writer{out}.bin(json);
  close_frame(out, start);
}

void append_loaded(buffer& out, std::uint64_t init_us) {
  const auto start = open_frame(out, frame_kind::loaded, 0, 1);
  writer{out}.number(init_us);
  close_frame(out, start);
}

void append_answer(buffer& out, std::uint64_t call_id, std::string_view payload) {
  const auto start = open_frame(out, frame_kind::answer, call_id, 1);
  writer{out}.bin(payload);
  close_frame(out, start);
}

void append_error(buffer& out, std::uint64_t call_id, std::string_view json, std::string_view error_type) {
  const auto start = open_frame(out, frame_kind::error, call_id, 2);
  writer write{out};
  write.bin(json);
  write.str(error_type);
  close_frame(out, start);
}

void append_log(buffer& out, std::uint64_t call_id, std::string_view invocation_id, std::string_view line) {
  const auto start = open_frame(out, frame_kind::log, call_id, 2);
  writer write{out};
  write.str(invocation_id);
  write.bin(line);
  close_frame(out, start);
}

void append_cancel(buffer& out, std::uint64_t call_id) {
  append_bare(out, frame_kind::cancel, call_id);
}
void append_cancelled(buffer& out, std::uint64_t call_id) {
  append_bare(out, frame_kind::cancelled, call_id);
}
void append_ping(buffer& out, std::uint64_t number) {
  append_bare(out, frame_kind::ping, number);
}
void append_pong(buffer& out, std::uint64_t number) {
  append_bare(out, frame_kind::pong, number);
}
void append_stop(buffer& out) {
  append_bare(out, frame_kind::stop, 0);
}

call_mark begin_call(buffer& out, std::uint64_t call_id) {
  call_mark mark;
  mark.frame = open_frame(out, frame_kind::call, call_id, 5);
  writer write{out};
  write.byte(bin32);
  write.big_endian(0, 4);
  mark.event = out.size();
  return mark;
}

expected<void> end_call(buffer& out, call_mark mark, const call_fields& fields, std::size_t max_event_bytes) {
  const auto size = out.size() - mark.event;
  if (size > max_event_bytes) {
    out.truncate(mark.frame);
    return fail(errc::payload_too_large,
                "event of " + std::to_string(size) + " bytes: at most " + std::to_string(max_event_bytes));
  }
  for (std::size_t i = 0; i < 4; ++i)
    out.data()[mark.event - 4 + i] = static_cast<char>(size >> (8 * (3 - i)) & 0xff);
  writer write{out};
  write.str(fields.invocation_id);
  write.number(fields.deadline_unix_ms);
  write.str(fields.trace_id);
  write.bin(fields.client_context);
  close_frame(out, mark.frame);
  return {};
}

}  // namespace troupe::functions
