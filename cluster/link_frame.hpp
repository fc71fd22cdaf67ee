// What two nodes say to each other on a link: a little-endian u32 length, then a msgpack array `[kind, call id,
// fields...]` of unsigned integers, str, bin and nil. Bytes only; what follows from a frame is decided in link_state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// Fixed numbers: other versions know them too. Never renumber.
enum class link_kind : std::uint8_t {
  unknown = 0,       ///< a kind that only newer nodes know: passed over
  hello = 1,         ///< both sides, first
  refuse_hello = 2,  ///< acceptor, in place of a hello: text = reason; then it closes
  ping = 3,          ///< number, sent
  pong = 4,          ///< the ping's number and sent
  call = 5,          ///< topic, remaining ms, head, bytes of the whole body, the first of them
  data = 6,          ///< the next bytes of a body, whether they are the last
  credit = 7,        ///< number = bytes; call id 0: of the link
  answer = 8,        ///< head, bytes of the whole body, the first of them
  not_run = 9,       ///< in place of an answer: the call certainly did not run. number = errc, text
  cancel = 10,       ///< nobody waits for the answer any more; the other side settles the call by not_run at once
  goodbye = 11,      ///< the sender takes no new calls
  failed = 12,       ///< in place of an answer: the call may have run, and no answer will come. number = errc, text
};

/// What calls are about; the receiver has a service for each. Never renumber.
enum class link_topic : std::uint8_t { invoke = 1, store = 2, code = 3, control = 4 };

/// What the dialer wants a link for: `calls` go to the loop that the hello names, `control` and `store` stay on the
/// control loop; on those for `store` both sides call.
enum class link_purpose : std::uint8_t { calls = 1, control = 2, store = 3 };

inline constexpr std::uint64_t link_protocol_version = 1;
inline constexpr std::size_t max_link_frame_bytes = 64 * 1024;  ///< the array, without its length
inline constexpr std::size_t max_link_head_bytes = 48 * 1024;
/// What a frame has beside head and body bytes, at most.
inline constexpr std::size_t link_frame_slack = 64;

/// Who a node is and what it believes, told by both sides first of all. No text has more than 255 bytes.
struct link_hello {
  std::uint64_t min_version = link_protocol_version;  ///< of the protocol
  std::uint64_t max_version = link_protocol_version;
  std::string cluster;  ///< `cluster.name`
  uuid store_id;
  cluster::generation generation;
  cluster::cursor cursor;
  digest history_hash;  ///< of the history up to `cursor`
  uuid primary;         ///< node id
  uuid node;            ///< node id, of the data directory
  std::string node_name;
  uuid incarnation;  ///< of this start
  link_purpose purpose = link_purpose::calls;
  std::uint64_t loop = 0;          ///< of the dialer; the acceptor takes it modulo its own number of loops
  std::string address;             ///< `HOST:PORT` at which the sender accepts links
  std::uint16_t control_port = 0;  ///< of its control plane
  bool operator==(const link_hello&) const = default;
};

/// Whether both have a protocol version in common.
bool compatible(const link_hello& a, const link_hello& b) noexcept;
/// Whether both are one node, in different starts: whoever starts anew has forgotten the calls of its life before.
inline bool is_other_life(const link_hello& a, const link_hello& b) noexcept {
  return a.node == b.node && a.incarnation != b.incarnation;
}
/// One line that names both ranges, for whoever reads it at either end.
std::string versions_text(const link_hello& own, const link_hello& peer);

/// One received frame. Fields that its kind does not have are empty. The views hold until the reader's next `next`.
struct link_frame {
  link_kind kind = link_kind::unknown;
  std::uint64_t call_id = 0;
  std::uint64_t number = 0;        ///< ping, pong, credit, not_run, failed
  std::uint64_t sent = 0;          ///< ping, pong: whatever its sender wanted to have back
  std::uint64_t topic = 0;         ///< call
  std::uint64_t remaining_ms = 0;  ///< call
  std::uint64_t total = 0;         ///< call, answer: bytes of the whole body
  std::string_view head;           ///< call, answer
  std::string_view body;           ///< call, answer, data
  bool last = false;               ///< data
  std::string_view text;           ///< refuse_hello, not_run, failed
  std::string_view fields;         ///< hello: for `read_hello`
};

/// @returns `errc::corrupt` for what is no hello. When the versions of the sender and of this program do not overlap,
/// only the versions are read.
expected<link_hello> read_hello(const link_frame& frame);

void append_hello(buffer& out, const link_hello& hello);
void append_refuse_hello(buffer& out, std::string_view reason);
void append_ping(buffer& out, std::uint64_t number, std::uint64_t sent);
void append_pong(buffer& out, std::uint64_t number, std::uint64_t sent);
/// `head` and `first` together have at most `max_link_frame_bytes - link_frame_slack` bytes; so for `append_answer`.
void append_call(buffer& out, std::uint64_t call_id, link_topic topic, std::uint64_t remaining_ms,
                 std::string_view head, std::uint64_t total, std::string_view first);
void append_answer(buffer& out, std::uint64_t call_id, std::string_view head, std::uint64_t total,
                   std::string_view first);
void append_data(buffer& out, std::uint64_t call_id, std::string_view bytes, bool last);
void append_credit(buffer& out, std::uint64_t call_id, std::uint64_t bytes);
/// `detail` beyond 1,000 bytes is cut off; so for `append_failed` and `append_refuse_hello`.
void append_not_run(buffer& out, std::uint64_t call_id, errc code, std::string_view detail);
void append_failed(buffer& out, std::uint64_t call_id, errc code, std::string_view detail);
void append_cancel(buffer& out, std::uint64_t call_id);
void append_goodbye(buffer& out);

/// Cuts a stream of bytes into frames where they lie; keeps only a frame that came in part. Belongs to one link.
///
///   reader.feed(bytes); while (auto f = reader.next(); f && *f) use **f
class link_frame_reader {
public:
  /// `bytes` stay as they are until `next` has returned nothing or an error.
  void feed(std::string_view bytes) noexcept { input_ = bytes; }

  /// @returns the next whole frame, nothing when more bytes are needed, `errc::too_big` for a length over
  /// `max_link_frame_bytes`, `errc::corrupt` for anything else that is no frame. After an error the stream is lost: the
  /// same error again, for ever.
  expected<std::optional<link_frame>> next();

  /// What was fed and not taken yet: for whoever reads only the first frame and hands the rest on.
  std::string_view rest() const noexcept { return held_.empty() || held_taken_ ? input_ : held_.view(); }

private:
  expected<std::optional<link_frame>> take(std::string_view frame);

  buffer held_;  ///< the beginning of a frame
  bool held_taken_ = false;
  std::string_view input_;
  std::optional<error> broken_;
};

}  // namespace troupe::cluster
