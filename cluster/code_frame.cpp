#include "cluster/code_frame.hpp"

#include <algorithm>

#include "config/frame_value_reader.hpp"
#include "config/frame_value_writer.hpp"

namespace troupe::cluster {

namespace {

/// The first value of a request's head. Never renumber.
enum class request_kind : std::uint64_t { read = 1, have = 2, put = 3 };

constexpr std::size_t digest_bytes = sizeof(digest::bytes);

tl::unexpected<error> no_code_frame() {
  return fail(errc::corrupt, "the bytes of a message about code are not what such a message looks like");
}

std::string_view view_of(const digest& blob) {
  return {reinterpret_cast<const char*>(blob.bytes.data()), digest_bytes};
}

digest digest_at(std::string_view bytes) {
  digest blob;
  std::copy_n(bytes.begin(), digest_bytes, blob.bytes.begin());
  return blob;
}

/// Digests lie one behind the other in a body.
void append(buffer& body, const std::vector<digest>& blobs) {
  body.reserve(blobs.size() * digest_bytes);
  for (const auto& blob : blobs)
    body.append(view_of(blob));
}

bool read_digests(std::string_view body, std::vector<digest>& out) {
  if (body.size() % digest_bytes != 0 || body.size() / digest_bytes > max_code_digests)
    return false;
  out.reserve(body.size() / digest_bytes);
  for (; !body.empty(); body.remove_prefix(digest_bytes))
    out.push_back(digest_at(body));
  return true;
}

/// Values that newer nodes put behind those that are known here are passed over.
struct head_reader {
  explicit head_reader(std::string_view head) : in{head}, left{in.array()} {}
  std::uint64_t number() noexcept { return take() ? in.number() : 0; }
  bool blob(digest& out) noexcept {
    const auto bytes = take() ? in.bin() : std::string_view{};
    if (bytes.size() == digest_bytes)
      out = digest_at(bytes);
    return bytes.size() == digest_bytes;
  }
  bool good() {
    in.skip(left);
    left = 0;
    return in.good() && in.at_end() && !short_of;
  }

private:
  bool take() noexcept {
    if (left == 0)
      short_of = true;
    else
      --left;
    return !short_of;
  }
  value_reader in;
  std::size_t left;
  bool short_of = false;
};

struct head_writer {
  head_writer(buffer& head, std::uint64_t values) : out{head} { out.byte(tags::fix_array | values); }
  value_writer out;
};

void write(code_parts& parts, const code_read& request) {
  head_writer head{parts.head, 4};
  head.out.number(static_cast<std::uint64_t>(request_kind::read));
  head.out.bin(view_of(request.blob));
  head.out.number(request.offset);
  head.out.number(request.max_bytes);
}

void write(code_parts& parts, const code_have& request) {
  head_writer head{parts.head, 2};
  head.out.number(static_cast<std::uint64_t>(request_kind::have));
  head.out.number(static_cast<std::uint64_t>(request.wanted));
  append(parts.body, request.blobs);
}

void write(code_parts& parts, const code_put& request) {
  head_writer head{parts.head, 4};
  head.out.number(static_cast<std::uint64_t>(request_kind::put));
  head.out.bin(view_of(request.blob));
  head.out.number(request.offset);
  head.out.number(request.total);
  parts.body.append(request.bytes);
}

}  // namespace

code_parts encode(const code_request& request) {
  code_parts parts;
  std::visit([&](const auto& kind) { write(parts, kind); }, request);
  return parts;
}

code_parts encode(const code_piece& answer) {
  code_parts parts;
  head_writer head{parts.head, 2};
  head.out.number(answer.there ? 1 : 0);
  head.out.number(answer.total);
  parts.body.append(answer.bytes);
  return parts;
}

code_parts encode(const code_absent& answer) {
  code_parts parts;
  head_writer head{parts.head, 1};
  head.out.number(answer.synced ? 1 : 0);
  append(parts.body, answer.blobs);
  return parts;
}

code_parts encode(const code_stored& answer) {
  code_parts parts;
  head_writer head{parts.head, 2};
  head.out.number(answer.stored);
  head.out.number(answer.whole ? 1 : 0);
  return parts;
}

expected<code_request> decode_code_request(std::string_view head, std::string_view body) {
  head_reader in{head};
  switch (static_cast<request_kind>(in.number())) {
    case request_kind::read: {
      code_read read;
      const bool named = in.blob(read.blob);
      read.offset = in.number();
      read.max_bytes = std::min<std::uint64_t>(in.number(), max_code_piece_bytes);
      if (named && in.good() && body.empty())
        return read;
      break;
    }
    case request_kind::have: {
      code_have have;
      const auto wanted = in.number();
      have.wanted = static_cast<code_durability>(wanted);
      if (in.good() && wanted <= static_cast<std::uint64_t>(code_durability::synced) && read_digests(body, have.blobs))
        return have;
      break;
    }
    case request_kind::put: {
      code_put put;
      const bool named = in.blob(put.blob);
      put.offset = in.number();
      put.total = in.number();
      put.bytes = body;
      if (named && in.good() && body.size() <= max_code_piece_bytes && put.offset <= put.total &&
          body.size() <= put.total - put.offset)
        return put;
      break;
    }
  }
  return no_code_frame();
}

expected<code_piece> decode_code_piece(std::string_view head, std::string_view body) {
  head_reader in{head};
  code_piece piece;
  const auto there = in.number();
  piece.there = there == 1;
  piece.total = in.number();
  piece.bytes = body;
  if (!in.good() || there > 1 || body.size() > max_code_piece_bytes || body.size() > piece.total ||
      (!piece.there && piece.total != 0))
    return no_code_frame();
  return piece;
}

expected<code_absent> decode_code_absent(std::string_view head, std::string_view body) {
  head_reader in{head};
  code_absent absent;
  absent.synced = in.number() == 1;
  if (!in.good() || !read_digests(body, absent.blobs))
    return no_code_frame();
  return absent;
}

expected<code_stored> decode_code_stored(std::string_view head, std::string_view body) {
  head_reader in{head};
  code_stored stored;
  stored.stored = in.number();
  stored.whole = in.number() == 1;
  if (!in.good() || !body.empty())
    return no_code_frame();
  return stored;
}

}  // namespace troupe::cluster
