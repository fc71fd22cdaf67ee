#include "cluster/link_frame.hpp"

#include "config/frame_value_writer.hpp"

namespace troupe::cluster {

namespace {

constexpr std::size_t max_text_bytes = 1000;
constexpr std::size_t max_number_bytes = 9;  ///< more than the header of a text

/// A frame under construction; its length is filled in at the end. Has its memory from the beginning: there is never a
/// piece of one.
class open_frame {
public:
  /// @param bytes  of its texts, at most.
  open_frame(buffer& out, link_kind kind, std::uint64_t call_id, std::size_t fields, std::size_t bytes = 0)
      : write{out}, out_{out}, start_{out.size()} {
    out.room(length_bytes + 3 + max_number_bytes * (2 + fields) + bytes);
    out.append({"\0\0\0\0", length_bytes});
    const auto count = 2 + fields;
    if (count < 16) {
      write.byte(tags::fix_array | count);
    } else {
      write.byte(tags::array16);
      write.big_endian(count, 2);
    }
    write.number(static_cast<std::uint64_t>(kind));
    write.number(call_id);
  }
  ~open_frame() {
    const auto length = out_.size() - start_ - length_bytes;
    for (std::size_t i = 0; i < length_bytes; ++i)
      out_.data()[start_ + i] = static_cast<char>(length >> (8 * i) & 0xff);
  }
  open_frame(const open_frame&) = delete;
  open_frame& operator=(const open_frame&) = delete;

  value_writer write;

private:
  buffer& out_;
  std::size_t start_;
};

template <class Bytes>
std::string_view view(const Bytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_reason(buffer& out, link_kind kind, std::uint64_t call_id, errc code, std::string_view detail) {
  detail = detail.substr(0, max_text_bytes);
  open_frame frame{out, kind, call_id, 2, detail.size()};
  frame.write.number(static_cast<std::uint64_t>(code));
  frame.write.str(detail);
}

void append_numbers(buffer& out, link_kind kind, std::uint64_t number, std::uint64_t sent) {
  open_frame frame{out, kind, 0, 2};
  frame.write.number(number);
  frame.write.number(sent);
}

}  // namespace

bool compatible(const link_hello& a, const link_hello& b) noexcept {
  return a.min_version <= b.max_version && b.min_version <= a.max_version;
}

std::string versions_text(const link_hello& own, const link_hello& peer) {
  const auto range = [](const link_hello& hello) {
    return std::to_string(hello.min_version) + " to " + std::to_string(hello.max_version);
  };
  return "this node speaks versions " + range(own) + " of the link protocol, the other " + range(peer);
}

void append_hello(buffer& out, const link_hello& hello) {
  open_frame frame{out, link_kind::hello, 0, 16,
                   hello.cluster.size() + hello.node_name.size() + hello.address.size() + sizeof hello};
  auto& write = frame.write;
  write.number(hello.min_version);
  write.number(hello.max_version);
  write.str(hello.cluster);
  write.bin(view(hello.store_id.bytes));
  write.number(hello.generation.counter);
  write.number(hello.generation.salt);
  write.number(hello.cursor.value);
  write.bin(view(hello.history_hash.bytes));
  write.bin(view(hello.primary.bytes));
  write.bin(view(hello.node.bytes));
  write.str(hello.node_name);
  write.bin(view(hello.incarnation.bytes));
  write.number(static_cast<std::uint64_t>(hello.purpose));
  write.number(hello.loop);
  write.str(hello.address);
  write.number(hello.control_port);
}

void append_refuse_hello(buffer& out, std::string_view reason) {
  reason = reason.substr(0, max_text_bytes);
  open_frame frame{out, link_kind::refuse_hello, 0, 1, reason.size()};
  frame.write.str(reason);
}

void append_ping(buffer& out, std::uint64_t number, std::uint64_t sent) {
  append_numbers(out, link_kind::ping, number, sent);
}
void append_pong(buffer& out, std::uint64_t number, std::uint64_t sent) {
  append_numbers(out, link_kind::pong, number, sent);
}

void append_call(buffer& out, std::uint64_t call_id, link_topic topic, std::uint64_t remaining_ms,
                 std::string_view head, std::uint64_t total, std::string_view first) {
  open_frame frame{out, link_kind::call, call_id, 5, head.size() + first.size()};
  frame.write.number(static_cast<std::uint64_t>(topic));
  frame.write.number(remaining_ms);
  frame.write.bin(head);
  frame.write.number(total);
  frame.write.bin(first);
}

void append_answer(buffer& out, std::uint64_t call_id, std::string_view head, std::uint64_t total,
                   std::string_view first) {
  open_frame frame{out, link_kind::answer, call_id, 3, head.size() + first.size()};
  frame.write.bin(head);
  frame.write.number(total);
  frame.write.bin(first);
}

void append_data(buffer& out, std::uint64_t call_id, std::string_view bytes, bool last) {
  open_frame frame{out, link_kind::data, call_id, 2, bytes.size()};
  frame.write.bin(bytes);
  frame.write.number(last ? 1 : 0);
}

void append_credit(buffer& out, std::uint64_t call_id, std::uint64_t bytes) {
  open_frame frame{out, link_kind::credit, call_id, 1};
  frame.write.number(bytes);
}

void append_not_run(buffer& out, std::uint64_t call_id, errc code, std::string_view detail) {
  append_reason(out, link_kind::not_run, call_id, code, detail);
}
void append_failed(buffer& out, std::uint64_t call_id, errc code, std::string_view detail) {
  append_reason(out, link_kind::failed, call_id, code, detail);
}

void append_cancel(buffer& out, std::uint64_t call_id) {
  open_frame frame{out, link_kind::cancel, call_id, 0};
}
void append_goodbye(buffer& out) {
  open_frame frame{out, link_kind::goodbye, 0, 0};
}

}  // namespace troupe::cluster
