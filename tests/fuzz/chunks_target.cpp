// Chunked bodies: the decoder agrees with a reader that is plain instead of fast, however the bytes come.
#include <optional>
#include <string>

#include "http/byte_class.hpp"
#include "http/chunk_decoder.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using http::chunk_decoder;

namespace {

enum outcome : std::size_t { done, more, refused };

constexpr http::chunk_limits limits{.max_body_bytes = 60, .max_extension_bytes = 8, .max_trailer_bytes = 24};

struct decoded {
  chunk_decoder::verdict state = chunk_decoder::verdict::more;
  std::size_t consumed = 0;
  std::string body;
  bool operator==(const decoded&) const = default;
};

/// RFC 9112 7.1 as it is written, byte after byte.
class plain_reader {
public:
  explicit plain_reader(std::string_view bytes) : bytes_{bytes} {}

  decoded run() {
    decoded out;
    try {
      while (const auto size = read_size(out.body.size())) {
        for (auto left = *size; left > 0; --left)
          out.body.push_back(take());
        line_end();
      }
      trailers();
      out.state = chunk_decoder::verdict::done;
      out.consumed = at_;
    } catch (const ended&) {
    } catch (const wrong&) {
      out.state = chunk_decoder::verdict::refused;
    }
    return out;
  }

private:
  struct ended {};
  struct wrong {};

  char take() {
    if (at_ == bytes_.size())
      throw ended{};
    return bytes_[at_++];
  }
  void line_end() {
    if (take() != '\r' || take() != '\n')
      throw wrong{};
  }

  /// @returns nothing for the last chunk.
  std::optional<std::uint64_t> read_size(std::uint64_t before) {
    std::uint64_t size = 0;
    int digits = 0;
    char c = take();
    for (; http::hex_digit(c) >= 0; c = take()) {
      if (++digits > 16)
        throw wrong{};
      size = size * 16 + static_cast<unsigned>(http::hex_digit(c));
    }
    if (digits == 0 || (c != ';' && c != '\r') || size > limits.max_body_bytes - before)
      throw wrong{};
    if (c == ';') {
      std::size_t length = 0;
      for (c = take(); c != '\r'; c = take())
        if (!http::is(c, http::value_byte) || ++length > limits.max_extension_bytes)
          throw wrong{};
    }
    if (take() != '\n')
      throw wrong{};
    return size == 0 ? std::nullopt : std::optional{size};
  }

  void trailers() {
    const auto begin = at_;
    const auto count = [&] {
      if (at_ - begin > limits.max_trailer_bytes)
        throw wrong{};
    };
    for (char c = take(); c != '\r'; c = take()) {
      count();
      if (!http::is(c, http::token_byte))
        throw wrong{};
      for (; c != ':'; c = take(), count())
        if (!http::is(c, http::token_byte))
          throw wrong{};
      for (; c != '\r'; c = take(), count())
        if (c != ':' && !http::is(c, http::value_byte))
          throw wrong{};
      if (c = take(); c != '\n')
        throw wrong{};
      count();
    }
    if (take() != '\n')
      throw wrong{};
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

decoded decode(std::string_view bytes, std::size_t piece) {
  chunk_decoder decoder{limits};
  buffer body;
  decoded out;
  while (!bytes.empty() && out.state == chunk_decoder::verdict::more) {
    const std::string own{bytes.substr(0, piece)};
    const auto progress = decoder.feed(own, body);
    require(progress.consumed <= own.size(), "no more is consumed than there is");
    require(progress.state != chunk_decoder::verdict::more || progress.consumed == own.size(),
            "nothing is left lying while there is more to come");
    require((progress.state == chunk_decoder::verdict::refused) == (progress.why.status != 0 && *progress.why.why != 0),
            "a refusal has a reason");
    out.state = progress.state;
    out.consumed += progress.consumed;
    bytes.remove_prefix(progress.consumed);
    if (out.state != chunk_decoder::verdict::more)
      require(decoder.feed("0\r\n\r\n", body).consumed == 0, "behind the end nothing is consumed");
  }
  require(body.size() <= limits.max_body_bytes, "no longer body than allowed");
  out.body = body.view();
  return out;
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {"5\r\nhello\r\n0\r\n\r\nGET /", "1;a=b\r\nX\r\n0\r\nT: v\r\nU:\r\n\r\n",
                "A\r\n0123456789\r\n00\r\n\r\n", "0;x\r\n\r\n"},
      .words = {"5\r\nhello\r\n", "0\r\n", "\r\n", "\r", "\n", ";", ";a=b", "T: v\r\n", ":", "ffffffffffffffff\r\n",
                "0000000000000001\r\nx\r\n", "3d\r\n", " ", "\t", "+1", "0x1", std::string(1, '\0'), "\x7f", "\xff"},
      .outcomes = {"done", "more", "refused"},
      .max_bytes = 400};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  const auto expected = plain_reader{bytes}.run();
  for (const std::size_t piece : {std::size_t{1}, 2 + choices_for(bytes).below(20), bytes.size()}) {
    auto got = decode(bytes, piece);
    if (got.state != chunk_decoder::verdict::done)
      got.consumed = 0;
    require(got.state == expected.state && got.consumed == expected.consumed, "the plain reader says the same");
    require(got.state == chunk_decoder::verdict::refused || got.body == expected.body, "the data is the same");
  }
  happened(expected.state == chunk_decoder::verdict::done   ? done
           : expected.state == chunk_decoder::verdict::more ? more
                                                            : refused);
  return 0;
}
