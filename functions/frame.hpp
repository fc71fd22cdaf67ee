// What a node and its workers say to each other on their socket pair: a little-endian u32 length, then a msgpack array
// `[kind, call id, fields...]` of unsigned integers, str, bin and nil. Bytes only; no socket here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/buffer.hpp"
#include "config/errc.hpp"

namespace troupe::functions {

/// Fixed numbers: shims in other languages know them too. Never renumber.
enum class frame_kind : std::uint8_t {
  unknown = 0,  ///< a kind that this node does not know; `frame::kind_number` says which
  hello = 1,    ///< worker: number = protocol version, text = runtime
  load = 2,     ///< node: payload = JSON
  loaded = 3,   ///< worker: number = microseconds that loading took
  call = 4,  ///< node: payload = event, text = invocation id, number = deadline (ms since 1970), trace, client context
  answer = 5,     ///< worker: payload = JSON as the handler sent it
  error = 6,      ///< worker: payload = JSON error, text = error type; call id 0: loading failed
  chunk = 7,      ///< reserved
  cancel = 8,     ///< node
  cancelled = 9,  ///< worker: the call did not run
  log = 10,       ///< worker: text = invocation id, payload = one line
  ping = 11,      ///< node: the call id is any number
  pong = 12,      ///< worker: the number of the ping
  stop = 13,      ///< node: finish and end; worker: takes no more calls and ends
  shape = 14,     ///< node: the call id is the shape's number, payload = what events of it are (functions/event_shapes)
  /// node: number = that of the shape, payload = a JSON array: invocation id, deadline, trace, then the event's values
  shaped_call = 15,
};

inline constexpr std::uint64_t frame_protocol_version = 1;
/// Of workers that take shapes and shaped calls as well.
inline constexpr std::uint64_t frame_protocol_with_shapes = 2;
/// What a frame may be larger than the payload that it carries: lengths, ids, invocation id, trace, client context.
inline constexpr std::size_t frame_slack = 16384;

/// One received frame. Fields that its kind does not have, and nil ones, are empty. The views point into the reader's
/// memory.
struct frame {
  frame_kind kind = frame_kind::unknown;
  std::uint64_t kind_number = 0;
  std::uint64_t call_id = 0;
  std::uint64_t number = 0;
  std::string_view payload;
  std::string_view text;
  std::string_view trace_id;
  std::string_view client_context;
};

void append_hello(buffer& out, std::uint64_t version, std::string_view runtime);
void append_load(buffer& out, std::string_view json);
void append_loaded(buffer& out, std::uint64_t init_us);
void append_answer(buffer& out, std::uint64_t call_id, std::string_view payload);
void append_error(buffer& out, std::uint64_t call_id, std::string_view json, std::string_view error_type);
void append_cancel(buffer& out, std::uint64_t call_id);
void append_cancelled(buffer& out, std::uint64_t call_id);
void append_log(buffer& out, std::uint64_t call_id, std::string_view invocation_id, std::string_view line);
void append_shape(buffer& out, std::uint64_t number, std::string_view shape);
void append_ping(buffer& out, std::uint64_t number);
void append_pong(buffer& out, std::uint64_t number);
void append_stop(buffer& out);

/// Where a call frame under construction begins and where its event does, as offsets into the output.
struct call_mark {
  std::size_t frame = 0;
  std::size_t event = 0;
};

struct call_fields {
  std::string_view invocation_id;
  std::uint64_t deadline_unix_ms = 0;
  std::string_view trace_id;
  std::string_view client_context;  ///< JSON, or empty
};

/// Opens a call frame: append the event to `out` next (nothing else), then `end_call`. So an event is written once, in
/// place.
call_mark begin_call(buffer& out, std::uint64_t call_id);
/// `errc::payload_too_large`.
error too_large_event(std::size_t bytes, std::size_t max_bytes);
/// Closes it. @returns `errc::payload_too_large` when the event has more than `max_event_bytes` (at most 2^32 - 1 less
/// `frame_slack`); then the frame is gone from `out` again.
expected<void> end_call(buffer& out, call_mark mark, const call_fields& fields, std::size_t max_event_bytes);

/// A call whose event has a shape that the worker was told. @param values  as of `append_values`; text of the fields is
/// free of quotes, backslashes and control characters, and there is no client context.
void append_shaped_call(buffer& out, std::uint64_t call_id, std::uint64_t shape, const call_fields& fields,
                        std::string_view values);

/// Cuts a stream of bytes into frames. Memory: one frame, or what one read brought. Belongs to one channel.
///
///   const auto room = reader.room(); reader.commit(recv into room); while (auto f = next...) use *f
class frame_reader {
public:
  /// @param max_payload_bytes  a frame longer than this and `frame_slack` is refused before memory is made for it.
  explicit frame_reader(std::size_t max_payload_bytes) noexcept : max_frame_bytes_{max_payload_bytes + frame_slack} {}

  /// Where to receive next: at least 64 KiB, or all that is missing of a larger frame, which may be less. Ends the
  /// views of earlier frames.
  std::span<char> room();
  /// `count` bytes were received into `room()`.
  void commit(std::size_t count) noexcept { bytes_.commit(count); }

  /// @returns the next complete frame (its views hold until `room`), nothing when more bytes are needed,
  /// `errc::too_big` for a length over the limit, `errc::corrupt` for anything else that is no frame. After an error
  /// the stream is lost: the same error again, for ever.
  expected<std::optional<frame>> next();
  /// Nothing more is there for now: gives back what a large frame needed, if it has been taken. Ends the views.
  void pause() noexcept;

private:
  buffer bytes_;
  std::size_t begin_ = 0;  // of what no `next` has taken yet
  std::size_t max_frame_bytes_;
  std::optional<error> broken_;
};

}  // namespace troupe::functions
