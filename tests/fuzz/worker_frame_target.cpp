// Frames between a node and its workers: however the stream is cut, no more memory than its limit asks for, and what is
// understood is what was written.
#include <algorithm>
#include <cstring>

#include "functions/frame.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::functions;

namespace {

enum outcome : std::size_t { frames, unknown_kind, broken, too_long };

constexpr std::size_t max_payload_bytes = 1'000;
/// Room for the longest frame twice, or for some reads.
constexpr std::size_t max_room = 8 * 65536;

/// All that a frame says; reads every byte that its views claim to have.
std::string described(const frame& read) {
  std::string out =
      std::to_string(read.kind_number) + ' ' + std::to_string(read.call_id) + ' ' + std::to_string(read.number) + ' ';
  for (const auto text : {read.payload, read.text, read.trace_id, read.client_context})
    out.append(std::to_string(text.size())).append(":").append(text).append(" ");
  return out;
}

bool write_again(buffer& out, const frame& read) {
  switch (read.kind) {
    case frame_kind::hello: append_hello(out, read.number, read.text); return read.call_id == 0;
    case frame_kind::load: append_load(out, read.payload); return read.call_id == 0;
    case frame_kind::loaded: append_loaded(out, read.number); return read.call_id == 0;
    case frame_kind::answer: append_answer(out, read.call_id, read.payload); return true;
    case frame_kind::error: append_error(out, read.call_id, read.payload, read.text); return true;
    case frame_kind::cancel: append_cancel(out, read.call_id); return true;
    case frame_kind::cancelled: append_cancelled(out, read.call_id); return true;
    case frame_kind::log: append_log(out, read.call_id, read.text, read.payload); return true;
    case frame_kind::ping: append_ping(out, read.call_id); return true;
    case frame_kind::pong: append_pong(out, read.call_id); return true;
    case frame_kind::stop: append_stop(out); return read.call_id == 0;
    case frame_kind::call: {
      const auto mark = begin_call(out, read.call_id);
      out.append(read.payload);
      return end_call(out, mark, {read.text, read.number, read.trace_id, read.client_context}, 1'000'000).has_value();
    }
    case frame_kind::shape: append_shape(out, read.call_id, read.payload); return true;
    case frame_kind::shaped_call:
    case frame_kind::chunk:
    case frame_kind::unknown: return false;
  }
  return false;
}

struct reading {
  std::vector<std::string> frames;
  buffer again;                           ///< those that can be written, written
  std::vector<std::string> again_frames;  ///< what they say
  errc fault{};
};

reading read_all(std::string_view bytes, std::size_t piece, sim::seeded choices) {
  frame_reader reader{max_payload_bytes};
  reading out;
  for (;;) {
    for (;;) {
      const auto next = reader.next();
      if (!next) {
        out.fault = next.error().code;
        require(!reader.next(), "a broken stream stays broken");
        return out;
      }
      if (!*next)
        break;
      out.frames.push_back(described(**next));
      buffer again;
      if (write_again(again, **next)) {
        out.again.append(again.view());
        out.again_frames.push_back(out.frames.back());
      }
      if ((*next)->kind == frame_kind::unknown)
        happened(unknown_kind);
    }
    if (bytes.empty())
      return out;
    const auto room = reader.room();
    require(room.size() <= max_room, "no more room than the limit asks for");
    const auto count = std::min({room.size(), bytes.size(), piece == 0 ? 1 + choices.below(50) : piece});
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    bytes.remove_prefix(count);
  }
}

template <class Append>
std::string seed(Append append) {
  buffer out;
  append(out);
  return std::string{out.view()};
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {seed([](buffer& out) { append_hello(out, 1, "node 20"); }),
                seed([](buffer& out) { append_load(out, "{\"a\":1}"); }),
                seed([](buffer& out) { append_loaded(out, 123'456); }),
                seed([](buffer& out) { append_answer(out, 7, R"({"statusCode":200})"); }),
                seed([](buffer& out) { append_answer(out, 1ULL << 40, std::string(300, 'x')); }),
                seed([](buffer& out) { append_answer(out, 7, std::string(12'000, 'y')); }),
                seed([](buffer& out) { append_error(out, 8, "{}", "Error"); }),
                seed([](buffer& out) { append_log(out, 9, "00000000-0000-4000-8000-000000000000", "a line"); }),
                seed([](buffer& out) {
                  const auto mark = begin_call(out, 10);
                  out.append("{\"version\":\"2.0\"}");
                  static_cast<void>(end_call(out, mark, {"id", 1'700'000'000'000, "Root=1-2-3", "{}"}, 1000));
                }),
                seed([](buffer& out) { append_cancel(out, 11); }), seed([](buffer& out) { append_pong(out, 12); }),
                seed([](buffer& out) { append_stop(out); }),
                std::string("\x06\0\0\0\x95\x20\x01\x92\x01\xc0", 10) + std::string("\xa1\x61", 2)},
      .words = {"\xc0",
                "\xc1",
                "\x92",
                "\x94",
                "\x97",
                "\x9f",
                std::string("\xdc\0\x03", 3),
                "\xdc\xff\xff",
                "\xc4\x01x",
                "\xc5\x01",
                std::string("\xc6\xff\xff\xff\xff", 5),
                std::string("\xc6\0\0\0\x01x", 6),
                "\xd9\x01y",
                "\xda",
                "\xdb\x7f\xff\xff\xff",
                "\xa3"
                "abc",
                "\xbf",
                "\xcc\xff",
                "\xcd\xff\xff",
                "\xce\xff\xff\xff\xff",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "\x80",
                "\xff",
                "\xca",
                std::string(4, '\0')},
      .outcomes = {"frames", "unknown kinds", "broken streams", "frames over the limit"},
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
  const auto again = read_all(whole.again.view(), whole.again.size() + 1, choices);
  require(again.fault == errc{} && again.frames == whole.again_frames, "what is written again says the same");
  if (!whole.frames.empty())
    happened(frames);
  if (whole.fault != errc{})
    happened(whole.fault == errc::too_big ? too_long : broken);
  return 0;
}
