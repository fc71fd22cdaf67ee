#include "actors/envelope_body.hpp"

#include <algorithm>

#include "actors/envelope_fields.hpp"

namespace troupe::actors {

namespace {

constexpr std::size_t max_name_bytes = 255;
constexpr std::size_t max_text_bytes = 1'024;
constexpr std::size_t max_event_name_bytes = 64;
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

std::string encode(const cluster::load_report& body) {
  field_writer out{11};
  out.put("sequence", body.sequence);
  out.put("part", body.part);
  out.put("parts", body.parts);
  out.put("whole", body.form == cluster::report_form::whole);
  out.put("in_flight", body.numbers.in_flight);
  out.put("cpu_permille", body.numbers.cpu_permille);
  out.put("memory_used_bytes", body.numbers.memory_used_bytes);
  out.put("memory_left_bytes", body.numbers.memory_left_bytes);
  out.put("state", static_cast<std::uint8_t>(body.numbers.state));
  // An array per function, not a map: names would be most of the envelope.
  auto& list = out.put_name("functions");
  list.pack_array(static_cast<std::uint32_t>(body.numbers.functions.size()));
  for (const auto& entry : body.numbers.functions) {
    list.pack_array(5);
    out.pack_id(entry.function);
    list.pack(entry.ready).pack(entry.starting).pack(entry.queue_age_ms).pack(entry.outstanding);
  }
  out.put_name("gone").pack_array(static_cast<std::uint32_t>(body.gone.size()));
  for (const auto& id : body.gone)
    out.pack_id(id);
  return out.take();
}

template <>
expected<cluster::load_report> decode(std::string_view body) {
  field_reader fields{body};
  cluster::load_report out;
  bool whole = false;
  std::uint8_t state = 0;
  fields.take("sequence", out.sequence);
  fields.take("part", out.part);
  fields.take("parts", out.parts);
  fields.take("whole", whole);
  fields.take("in_flight", out.numbers.in_flight);
  fields.take("cpu_permille", out.numbers.cpu_permille);
  fields.take("memory_used_bytes", out.numbers.memory_used_bytes);
  fields.take("memory_left_bytes", out.numbers.memory_left_bytes);
  fields.take("state", state);
  out.form = whole ? cluster::report_form::whole : cluster::report_form::change;
  // A state that only newer nodes know: better no calls than calls to a node that does not want them.
  out.numbers.state = state == static_cast<std::uint8_t>(cluster::serving_state::serving)
                          ? cluster::serving_state::serving
                          : cluster::serving_state::draining;
  if (out.part >= out.parts)
    fields.fault("part", "is not below 'parts'");
  if (const auto* list = fields.take_array("functions", cluster::load_reporter::max_entries)) {
    for (const auto& member : list->via.array) {
      if (member.type != msgpack::type::ARRAY || member.via.array.size < 5) {
        fields.fault("functions", "has a member that is no array of 5");
        break;
      }
      const auto* values = member.via.array.ptr;
      cluster::function_presence entry;
      fields.id("functions", values[0], entry.function);
      fields.number("functions", values[1], entry.ready);
      fields.number("functions", values[2], entry.starting);
      fields.number("functions", values[3], entry.queue_age_ms);
      fields.number("functions", values[4], entry.outstanding);
      out.numbers.functions.push_back(entry);
    }
  }
  if (const auto* list = fields.take_array("gone", cluster::load_reporter::max_entries))
    for (const auto& member : list->via.array)
      fields.id("gone", member, out.gone.emplace_back());
  return checked(fields, std::move(out));
}

std::string encode(const spawn_request& body) {
  field_writer out{3};
  out.put("request", body.request);
  out.put("function", body.function);
  out.put("version", body.version);
  return out.take();
}

template <>
expected<spawn_request> decode(std::string_view body) {
  field_reader fields{body};
  spawn_request out;
  fields.take("request", out.request);
  fields.take("function", out.function);
  fields.take("version", out.version);
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
  if (state == static_cast<std::uint8_t>(cluster::serving_state::serving))
    out.state = cluster::serving_state::serving;
  return checked(fields, std::move(out));
}

std::string encode(const events_request_body& body) {
  field_writer out{3};
  out.put("request", body.request);
  out.put("after", body.after);
  out.put("limit", body.limit);
  return out.take();
}

template <>
expected<events_request_body> decode(std::string_view body) {
  field_reader fields{body};
  events_request_body out;
  fields.take("request", out.request);
  fields.take("after", out.after);
  fields.take("limit", out.limit);
  return checked(fields, std::move(out));
}

std::string encode(const events_body& body) {
  std::size_t size = page_overhead;
  std::uint32_t count = 0;
  for (const auto& event : body.page.events) {
    size += event_overhead + cut(event.name, max_event_name_bytes).size() + cut(event.text).size();
    if (size > max_envelope_bytes)
      break;
    ++count;
  }
  field_writer out{4};
  out.put("request", body.request);
  out.put("last", body.page.last);
  out.put("more", body.page.more || count < body.page.events.size());
  auto& list = out.put_name("events");
  list.pack_array(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& event = body.page.events[i];
    list.pack_array(4);
    list.pack(event.sequence).pack(event.time_unix_ms);
    list.pack(cut(event.name, max_event_name_bytes)).pack(cut(event.text));
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
      fields.text("events", values[3], event.text, max_text_bytes);
    }
  }
  return checked(fields, std::move(out));
}

}  // namespace troupe::actors
