// Messages between the stores of nodes: what is accepted is written again as the same, and fields that only newer nodes
// know change nothing.
#include <array>

#include "cluster/store_codec.hpp"
#include "tests/fuzz/store_samples.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::cluster;

namespace {

enum outcome : std::size_t { accepted, bad, with_calls, with_answers, with_rows };

/// A message of a newer node: `[kind, map]` whose map has one field more. @returns nothing for maps of another form.
std::string with_unknown_field(std::string bytes) {
  constexpr std::size_t map_at = 2;  // behind the array and the kind, each of one byte as they are written here
  const auto tag = static_cast<std::uint8_t>(bytes[map_at]);
  if (tag < 0x80 || tag >= 0x8f)
    return {};
  bytes[map_at] = static_cast<char>(tag + 1);
  return bytes.insert(map_at + 1, "\xa5later\x92\x01\xa1x");
}

void check_accepted(const store_message& message) {
  happened(accepted);
  if (std::holds_alternative<call_message>(message))
    happened(with_calls);
  if (std::holds_alternative<answer_message>(message))
    happened(with_answers);
  if (const auto* rows = std::get_if<rows_message>(&message); rows != nullptr && !rows->rows.empty())
    happened(with_rows);
  const auto bytes = encode(message);
  const auto again = decode_store_message(bytes);
  require(again && encode(*again) == bytes, "a message that is written again is the same");
  if (const auto newer = with_unknown_field(bytes); !newer.empty()) {
    const auto read = decode_store_message(newer);
    require(read && encode(*read) == bytes, "a field that is not known changes nothing");
  }
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{.seeds = store_message_samples(),
                           .words = {"\x80",
                                     "\x81",
                                     "\x90",
                                     "\x91",
                                     "\x92",
                                     "\xc0",
                                     "\xc1",
                                     "\xc2",
                                     "\xc3",
                                     "\xc4\x01x",
                                     std::string("\xc4\0", 2),
                                     "\xc6\xff\xff\xff\xff",
                                     "\xdc\xff\xff",
                                     "\xdd\xff\xff\xff\xff",
                                     "\xde\xff\xff",
                                     "\xdf\xff\xff\xff\xff",
                                     "\xca\x3f\x80",
                                     "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                                     "\xd3\x80",
                                     "\xd0\xff",
                                     "\xff",
                                     "\xa2"
                                     "at",
                                     "\xa4"
                                     "call",
                                     "\xa4rows",
                                     "\xa6number",
                                     "\xa5value",
                                     "\xa3key",
                                     "\xa4head",
                                     "\xa2id",
                                     "\xa6"
                                     "answer",
                                     "\xc7\x01\x01x",
                                     "\xd4\x01x"},
                           .outcomes = {"accepted", "refused", "calls", "answers", "rows"}};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = decode_store_message(text_of(data, size));
  if (read) {
    check_accepted(*read);
    return 0;
  }
  happened(bad);
  require(read.error().code == errc::corrupt && !read.error().what.empty(), "a refusal says why");
  return 0;
}
