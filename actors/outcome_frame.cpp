// How an outcome crosses a link. Body: the tail of the log, then what the handler answered, so that a whole answer of a
// worker is copied once.
#include <algorithm>

#include "actors/call_frame.hpp"
#include "actors/travel_time.hpp"
#include "config/frame_value_reader.hpp"
#include "config/frame_value_writer.hpp"

namespace troupe::actors {

namespace {

using functions::failure;
using functions::json_answer;
using functions::native_response;
using functions::outcome;

enum class answer_kind : std::uint64_t { failure = 0, json = 1, native = 2 };

/// What a native response on this side owns: all bytes that came, in which its views lie.
using owned_bytes = buffer;

tl::unexpected<error> no_outcome() {
  return fail(errc::corrupt, "the bytes of an answer from another node are not what such an answer looks like");
}

/// The body of a native response: each header as two lengths of four bytes and its bytes, then the body.
void append_native(const native_response& response, value_writer& out, buffer& body) {
  out.number(response.status);
  out.number(response.headers.size());
  auto size = body.size() + response.body.view().size();
  for (const auto& [name, value] : response.headers)
    size += 8 + name.size() + value.size();
  body.reserve(size);
  value_writer put{body};
  for (const auto& [name, value] : response.headers) {
    put.big_endian(name.size(), 4);
    put.big_endian(value.size(), 4);
    body.append(name);
    body.append(value);
  }
  body.append(response.body.view());
}

std::size_t four_bytes(std::string_view& bytes) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  bytes.remove_prefix(4);
  return value;
}

bool read_native(value_reader& in, buffer bytes, std::size_t skip, native_response& out) {
  out.status = static_cast<unsigned>(std::min<std::uint64_t>(in.number(), 0xffff));
  const auto count = in.number();
  auto* kept = new owned_bytes{std::move(bytes)};
  // From here on `out.body` owns the bytes, whatever the views say.
  out.body = functions::foreign_bytes{{}, kept, [](void* owner) { delete static_cast<owned_bytes*>(owner); }};
  auto left = kept->view().substr(skip);
  if (!in.good() || count > left.size() / 8)
    return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (left.size() < 8)
      return false;
    const auto name = four_bytes(left);
    const auto value = four_bytes(left);
    if (name > left.size() || value > left.size() - name)
      return false;
    out.headers.emplace_back(left.substr(0, name), left.substr(name, value));
    left.remove_prefix(name + value);
  }
  out.body.narrow(left);
  return true;
}

}  // namespace

call_parts encode_outcome(outcome& result) {
  call_parts parts;
  value_writer out{parts.head};
  parts.head.reserve(64);
  out.number(result.value.index());
  for (const auto length : {result.queued, result.started, result.ran})
    out.number(travel_micros(length));
  out.number(result.log_tail.size());
  parts.body.append(result.log_tail);
  if (auto* failed = std::get_if<failure>(&result.value)) {
    out.number(static_cast<std::uint64_t>(failed->code));
    // A detail is a line; one that is longer than a head takes says enough by its beginning.
    constexpr std::size_t max_detail = 4096;
    out.str(std::string_view{failed->detail}.substr(0, max_detail));
    parts.body.append(failed->payload);
  } else if (auto* json = std::get_if<json_answer>(&result.value)) {
    if (parts.body.empty())
      parts.body = std::move(json->bytes);
    else
      parts.body.append(json->bytes.view());
  } else {
    append_native(std::get<native_response>(result.value), out, parts.body);
  }
  return parts;
}

expected<functions::outcome_ptr> decode_outcome(call_parts parts) {
  value_reader in{parts.head.view()};
  auto result = std::make_shared<outcome>();
  const auto kind = static_cast<answer_kind>(in.number());
  for (auto* length : {&result->queued, &result->started, &result->ran})
    *length = travelled(in.number());
  const auto tail = in.number();
  if (!in.good() || tail > parts.body.size())
    return no_outcome();
  const auto skip = static_cast<std::size_t>(tail);
  result->log_tail = parts.body.view().substr(0, skip);
  switch (kind) {
    case answer_kind::failure: {
      const auto code = in.number();
      if (code == 0 || code > 0xff)
        return no_outcome();
      const auto detail = in.str();
      result->value =
          failure{static_cast<errc>(code), std::string{parts.body.view().substr(skip)}, std::string{detail}};
      break;
    }
    case answer_kind::json:
      if (skip != 0)
        parts.body.consume(skip);
      parts.body.reserve(parts.body.size() + functions::answer_padding);
      result->value = json_answer{std::move(parts.body)};
      break;
    case answer_kind::native: {
      native_response response;
      if (!read_native(in, std::move(parts.body), skip, response))
        return no_outcome();
      result->value = std::move(response);
      break;
    }
    default: return no_outcome();
  }
  if (!in.good())
    return no_outcome();
  return result;
}

}  // namespace troupe::actors
