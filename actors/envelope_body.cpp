#include "actors/envelope_body.hpp"

#include <algorithm>

#include "actors/envelope_fields.hpp"

namespace troupe::actors {

namespace {

constexpr std::size_t max_name_bytes = 255;
constexpr std::size_t max_text_bytes = 1'024;
constexpr std::size_t max_event_name_bytes = 64;
constexpr std::size_t max_event_text_bytes = 32 * 1024;
/// Of one event beside its texts, and of the map around all of them: numbers and lengths at their longest.
constexpr std::size_t event_overhead = 32;
constexpr std::size_t page_overhead = 128;

std::string_view cut(std::string_view text, std::size_t max_bytes = max_text_bytes) {
  if (text.size() <= max_bytes)
    return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xc0) == 0x80)
    --max_bytes;  // not inside a character
  return text.substr(0, max_bytes);
}

template <class Body>
expected<Body> checked(const field_reader& fields, Body&& body) {
  if (auto read = fields.result(); !read)
    return tl::unexpected{read.error()};
  return std::forward<Body>(body);
}

}  // namespace

std::string encode_nothing() {
  return field_writer{0}.take();
}

std::string encode(const introduction& body) {
  field_writer out{2};
  out.put("node", body.node);
  out.put("name", cut(body.name, max_name_bytes));
  return out.take();
}

template <>
expected<introduction> decode(std::string_view body) {
  field_reader fields{body};
  introduction out;
  fields.take("node", out.node);
  fields.take("name", out.name, max_name_bytes);
  return checked(fields, std::move(out));
}

std::string encode(const refusal& body) {
  field_writer out{2};
  out.put("code", static_cast<std::uint8_t>(body.code));
  out.put("what", cut(body.what));
  return out.take();
}

template <>
expected<refusal> decode(std::string_view body) {
  field_reader fields{body};
  refusal out;
  std::uint8_t code = 0;
  fields.take("code", code);
  fields.take("what", out.what, max_text_bytes);
  if (code == 0)
    fields.fault("code", "is 0");
  out.code = static_cast<errc>(code);
  return checked(fields, std::move(out));
}

std::string encode(const spawn_request& body) {
  field_writer out{6};
  out.put("request", body.request);
  out.put("function", body.function);
  out.put("version", body.version);
  out.put("number", body.number);
  out.put("min", body.band.min);
  out.put("max", body.band.max);
  return out.take();
}

template <>
expected<spawn_request> decode(std::string_view body) {
  field_reader fields{body};
  spawn_request out;
  fields.take("request", out.request);
  fields.take("function", out.function);
  fields.take("version", out.version);
  fields.take("number", out.number);
  fields.take("min", out.band.min);
  fields.take("max", out.band.max);
  return checked(fields, std::move(out));
}

std::string encode(const reply_body& body) {
  field_writer out{3};
  out.put("request", body.request);
  out.put("code", body.code);
  out.put("what", cut(body.what));
  return out.take();
}

template <>
expected<reply_body> decode(std::string_view body) {
  field_reader fields{body};
  reply_body out;
  fields.take("request", out.request);
  fields.take("code", out.code);
  fields.take("what", out.what, max_text_bytes);
  return checked(fields, std::move(out));
}

std::string encode(const function_report& body) {
  field_writer out{4};
  out.put("function", body.function);
  out.put("version", body.version);
  out.put("code", body.code);
  out.put("what", cut(body.what));
  return out.take();
}

template <>
expected<function_report> decode(std::string_view body) {
  field_reader fields{body};
  function_report out;
  fields.take("function", out.function);
  fields.take("version", out.version);
  fields.take("code", out.code);
  fields.take("what", out.what, max_text_bytes);
  return checked(fields, std::move(out));
}

std::string encode(const drain_notice_body& body) {
  field_writer out{1};
  out.put("state", static_cast<std::uint8_t>(body.state));
  return out.take();
}

template <>
expected<drain_notice_body> decode(std::string_view body) {
  field_reader fields{body};
  std::uint8_t state = 0;
  fields.take("state", state);
  drain_notice_body out;
  out.state = cluster::serving_state_of(state);
  return checked(fields, std::move(out));
}

std::string encode(const events_request_body& body) {
  field_writer out{4};
  out.put("request", body.request);
  out.put("function", body.function);
  out.put("after", body.after);
  out.put("limit", body.limit);
  return out.take();
}

template <>
expected<events_request_body> decode(std::string_view body) {
  field_reader fields{body};
  events_request_body out;
  fields.take("request", out.request);
  fields.take("function", out.function);
  fields.take("after", out.after);
  fields.take("limit", out.limit);
  return checked(fields, std::move(out));
}

std::string encode(const events_body& body) {
  std::size_t size = page_overhead;
  const auto& all = body.page.events;
  std::uint32_t count = 0;
  for (const auto& event : all) {
    size +=
        event_overhead + cut(event.name, max_event_name_bytes).size() + cut(event.text, max_event_text_bytes).size();
    if (size > max_envelope_bytes)
      break;
    ++count;
  }
  while (count > 0 && count < all.size() && all[count - 1].sequence == all[count].sequence)
    --count;
  field_writer out{5};
  out.put("request", body.request);
  out.put("last", body.page.last);
  out.put("more", body.page.more || count < all.size());
  out.put("dropped", body.page.dropped);
  auto& list = out.put_name("events");
  list.pack_array(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& event = all[i];
    list.pack_array(4);
    list.pack(event.sequence).pack(event.time_unix_ms);
    list.pack(cut(event.name, max_event_name_bytes)).pack(cut(event.text, max_event_text_bytes));
  }
  return out.take();
}

template <>
expected<events_body> decode(std::string_view body) {
  field_reader fields{body};
  events_body out;
  fields.take("request", out.request);
  fields.take("last", out.page.last);
  fields.take("more", out.page.more);
  fields.take("dropped", out.page.dropped);
  if (const auto* list = fields.take_array("events", max_envelope_bytes / 4)) {
    for (const auto& member : list->via.array) {
      if (member.type != msgpack::type::ARRAY || member.via.array.size < 4) {
        fields.fault("events", "has a member that is no array of 4");
        break;
      }
      const auto* values = member.via.array.ptr;
      auto& event = out.page.events.emplace_back();
      fields.number("events", values[0], event.sequence);
      fields.number("events", values[1], event.time_unix_ms);
      fields.text("events", values[2], event.name, max_event_name_bytes);
      fields.text("events", values[3], event.text, max_event_text_bytes);
    }
  }
  return checked(fields, std::move(out));
}

}  // namespace troupe::actors
