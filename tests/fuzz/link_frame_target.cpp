// Frames between nodes: however the stream is cut, memory for a frame only once its length is known to be allowed, and
// what is understood is what was written.
#include <algorithm>

#include "cluster/link_frame.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::cluster;

namespace {

enum outcome : std::size_t { frames, hellos, unknown_kind, broken, too_long };

/// All that a frame says; reads every byte that its views claim to have.
std::string described(const link_frame& frame) {
  std::string out;
  for (const auto number : {static_cast<std::uint64_t>(frame.kind), frame.call_id, frame.number, frame.sent,
                            frame.topic, frame.remaining_ms, frame.total, std::uint64_t{frame.last}})
    out += std::to_string(number) + ' ';
  for (const auto text : {frame.head, frame.body, frame.text, frame.fields})
    out.append(std::to_string(text.size())).append(":").append(text).append(" ");
  return out;
}

bool write_hello_again(buffer& out, const link_frame& frame) {
  const auto hello = read_hello(frame);
  if (!hello || !compatible(*hello, {}))
    return false;
  happened(hellos);
  buffer again;
  append_hello(again, *hello);
  link_frame_reader reader;
  reader.feed(again.view());
  const auto read = reader.next();
  require(read && *read && read_hello(**read) && *read_hello(**read) == *hello,
          "a hello that is written again is the same");
  out.append(again.view());
  return false;  // fields of newer nodes are gone, and so the frame differs
}

bool write_again(buffer& out, const link_frame& frame) {
  const auto fits = frame.head.size() + frame.body.size() <= max_link_frame_bytes - link_frame_slack;
  const bool brief = frame.text.size() <= 1'000 && frame.number > 0 && frame.number <= 0xff;
  switch (frame.kind) {
    case link_kind::ping: append_ping(out, frame.number, frame.sent); return frame.call_id == 0;
    case link_kind::pong: append_pong(out, frame.number, frame.sent); return frame.call_id == 0;
    case link_kind::call:
      if (fits && frame.topic <= 0xff)
        append_call(out, frame.call_id, static_cast<link_topic>(frame.topic), frame.remaining_ms, frame.head,
                    frame.total, frame.body);
      return fits && frame.topic <= 0xff;
    case link_kind::answer:
      if (fits)
        append_answer(out, frame.call_id, frame.head, frame.total, frame.body);
      return fits;
    case link_kind::data: append_data(out, frame.call_id, frame.body, frame.last); return true;
    case link_kind::credit: append_credit(out, frame.call_id, frame.number); return true;
    case link_kind::not_run:
      if (brief)
        append_not_run(out, frame.call_id, static_cast<errc>(frame.number), frame.text);
      return brief;
    case link_kind::failed:
      if (brief)
        append_failed(out, frame.call_id, static_cast<errc>(frame.number), frame.text);
      return brief;
    case link_kind::cancel: append_cancel(out, frame.call_id); return true;
    case link_kind::goodbye: append_goodbye(out); return frame.call_id == 0;
    case link_kind::hello: return write_hello_again(out, frame);
    case link_kind::refuse_hello:
    case link_kind::unknown: return false;
  }
  return false;
}

struct reading {
  std::vector<std::string> frames;
  std::string again;                      ///< each frame that can be written, written
  std::vector<std::string> again_frames;  ///< what they say
  std::string fault;
};

reading read_all(std::string_view bytes, std::size_t piece, sim::seeded choices) {
  link_frame_reader reader;
  reading out;
  while (!bytes.empty()) {
    const std::string own{bytes.substr(0, piece == 0 ? 1 + choices.below(60) : piece)};
    bytes.remove_prefix(own.size());
    reader.feed(own);
    for (;;) {
      const auto next = reader.next();
      if (!next) {
        require(!reader.next(), "a broken stream stays broken");
        out.fault = std::string{to_string(next.error().code)};
        return out;
      }
      if (!*next)
        break;
      out.frames.push_back(described(**next));
      buffer again;
      if (write_again(again, **next)) {
        out.again += again.view();
        out.again_frames.push_back(out.frames.back());
      }
      if ((*next)->kind == link_kind::unknown)
        happened(unknown_kind);
    }
  }
  return out;
}

template <class Append>
std::string seed(Append append) {
  buffer out;
  append(out);
  return std::string{out.view()};
}

link_hello hello() {
  link_hello said;
  said.cluster = "troupe";
  said.node_name = "node-1";
  said.address = "10.0.0.1:7001";
  said.cursor.value = 7;
  said.generation = {1, ~0ULL};
  said.control_port = 7000;
  return said;
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {seed([](buffer& out) { append_hello(out, hello()); }),
                seed([](buffer& out) { append_refuse_hello(out, "another cluster"); }), seed([](buffer& out) {
                  append_call(out, 8193, link_topic::invoke, 3000, "head", 300, std::string(90, 'x'));
                }),
                seed([](buffer& out) { append_answer(out, 8193, "head", 5, "body."); }),
                seed([](buffer& out) { append_data(out, 8193, "more", true); }),
                seed([](buffer& out) { append_data(out, 8193, std::string(12'000, 'y'), false); }),
                seed([](buffer& out) { append_credit(out, 0, 65536); }),
                seed([](buffer& out) { append_not_run(out, 8193, errc::stale, "slept"); }),
                seed([](buffer& out) { append_failed(out, 8193, errc::function_crashed, ""); }),
                seed([](buffer& out) { append_ping(out, 1, 1'000'000); }),
                seed([](buffer& out) { append_cancel(out, 8193); }), seed([](buffer& out) { append_goodbye(out); }),
                std::string("\x04\0\0\0\x93\x20\x01\x05", 8)},
      .words = {"\xc0",
                "\xc1",
                "\x92",
                "\x97",
                "\x9f",
                std::string("\xdc\0\x03", 3),
                "\xdc\xff\xff",
                "\xc4\x01x",
                std::string("\xc4\0", 2),
                "\xc5\xff\xff",
                "\xc6\xff\xff\xff\xff",
                "\xa1y",
                "\xd9\xff",
                "\xda\xff\xff",
                "\xdb\xff\xff\xff\xff",
                "\xcc\xff",
                "\xcd\x20\x01",
                "\xce\xff\xff\xff\xff",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                std::string("\0\0\x01\0", 4),
                std::string("\x01\0\x01\0", 4)},
      .outcomes = {"frames", "hellos", "unknown kinds", "broken streams", "frames over the limit"},
      .form = input_form::frames,
      .max_bytes = 30'000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  const auto choices = choices_for(bytes);
  const auto whole = read_all(bytes, bytes.size() + 1, choices);
  const auto check_same = [&](const reading& other) {
    require(other.frames == whole.frames && other.fault == whole.fault, "the cuts of a stream do not matter");
  };
  check_same(read_all(bytes, 0, choices));
  if (bytes.size() < 400)
    check_same(read_all(bytes, 1, choices));
  require(whole.frames.size() <= bytes.size() / 7 + 1, "no more frames than bytes");
  const auto again = read_all(whole.again, whole.again.size() + 1, choices);
  require(again.fault.empty() && again.frames == whole.again_frames, "what is written again says the same");
  if (!whole.frames.empty())
    happened(frames);
  if (!whole.fault.empty())
    happened(whole.fault == to_string(errc::too_big) ? too_long : broken);
  return 0;
}
