#include "functions/frame.hpp"

#include <charconv>
#include <string>

#include "config/frame_value_writer.hpp"

namespace troupe::functions {

namespace {

std::size_t open_frame(buffer& out, frame_kind kind, std::uint64_t call_id, std::size_t field_count) {
  const auto start = out.size();
  value_writer write{out};
  out.append({"\0\0\0\0", length_bytes});
  write.byte(tags::fix_array | (2 + field_count));
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
  value_writer write{out};
  write.number(version);
  write.str(runtime);
  close_frame(out, start);
}

void append_load(buffer& out, std::string_view json) {
  const auto start = open_frame(out, frame_kind::load, 0, 1);
  value_writer{out}.bin(json);
  close_frame(out, start);
}

void append_loaded(buffer& out, std::uint64_t init_us) {
  const auto start = open_frame(out, frame_kind::loaded, 0, 1);
  value_writer{out}.number(init_us);
  close_frame(out, start);
}

void append_answer(buffer& out, std::uint64_t call_id, std::string_view payload) {
  const auto start = open_frame(out, frame_kind::answer, call_id, 1);
  value_writer{out}.bin(payload);
  close_frame(out, start);
}

void append_error(buffer& out, std::uint64_t call_id, std::string_view json, std::string_view error_type) {
  const auto start = open_frame(out, frame_kind::error, call_id, 2);
  value_writer write{out};
  write.bin(json);
  write.str(error_type);
  close_frame(out, start);
}

void append_log(buffer& out, std::uint64_t call_id, std::string_view invocation_id, std::string_view line) {
  const auto start = open_frame(out, frame_kind::log, call_id, 2);
  value_writer write{out};
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
void append_shape(buffer& out, std::uint64_t number, std::string_view shape) {
  const auto start = open_frame(out, frame_kind::shape, number, 1);
  value_writer{out}.bin(shape);
  close_frame(out, start);
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
  value_writer write{out};
  write.byte(tags::bin32);
  write.big_endian(0, 4);
  mark.event = out.size();
  return mark;
}

error too_large_event(std::size_t bytes, std::size_t max_bytes) {
  return {errc::payload_too_large,
          "event of " + std::to_string(bytes) + " bytes: at most " + std::to_string(max_bytes)};
}

expected<void> end_call(buffer& out, call_mark mark, const call_fields& fields, std::size_t max_event_bytes) {
  const auto size = out.size() - mark.event;
  if (size > max_event_bytes) {
    out.truncate(mark.frame);
    return tl::unexpected{too_large_event(size, max_event_bytes)};
  }
  for (std::size_t i = 0; i < 4; ++i)
    out.data()[mark.event - 4 + i] = static_cast<char>(size >> (8 * (3 - i)) & 0xff);
  value_writer write{out};
  write.str(fields.invocation_id);
  write.number(fields.deadline_unix_ms);
  write.str(fields.trace_id);
  write.bin(fields.client_context);
  close_frame(out, mark.frame);
  return {};
}

void append_shaped_call(buffer& out, std::uint64_t call_id, std::uint64_t shape, const call_fields& fields,
                        std::string_view values) {
  const auto start = open_frame(out, frame_kind::shaped_call, call_id, 2);
  value_writer write{out};
  write.number(shape);
  write.byte(tags::bin32);
  write.big_endian(0, 4);
  const auto payload = out.size();
  char deadline[20];
  const auto digits = std::to_chars(deadline, deadline + sizeof deadline, fields.deadline_unix_ms).ptr - deadline;
  out.append("[\"");
  out.append(fields.invocation_id);
  out.append("\",");
  out.append({deadline, static_cast<std::size_t>(digits)});
  out.append(",\"");
  out.append(fields.trace_id);
  out.push_back('"');
  out.append(values);
  out.push_back(']');
  const auto size = out.size() - payload;
  for (std::size_t i = 0; i < 4; ++i)
    out.data()[payload - 4 + i] = static_cast<char>(size >> (8 * (3 - i)) & 0xff);
  close_frame(out, start);
}

}  // namespace troupe::functions
