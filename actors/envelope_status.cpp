// The body of `status`: the report of a node's load.
#include "actors/envelope_body.hpp"
#include "actors/envelope_fields.hpp"

namespace troupe::actors {

namespace {

constexpr std::size_t max_version_bytes = 64;
constexpr std::size_t max_digest_bytes = 64;

}  // namespace

std::string encode(const cluster::load_report& body) {
  field_writer out{body.numbers.figures.backup_age_ms ? 16u : 15u};
  out.put("sequence", body.sequence);
  out.put("part", body.part);
  out.put("parts", body.parts);
  out.put("whole", body.form == cluster::report_form::whole);
  out.put("in_flight", body.numbers.in_flight);
  out.put("cpu_permille", body.numbers.cpu_permille);
  out.put("memory_used_bytes", body.numbers.memory_used_bytes);
  out.put("memory_left_bytes", body.numbers.memory_left_bytes);
  out.put("state", static_cast<std::uint8_t>(body.numbers.state));
  out.put("version", body.numbers.figures.version);
  out.put("age_ms", body.numbers.figures.age_ms);
  out.put("store_cursor", body.numbers.figures.store_cursor);
  out.put("store_digest", body.numbers.figures.store_digest);
  if (const auto age = body.numbers.figures.backup_age_ms)
    out.put("backup_age_ms", *age);
  // An array per function, not a map: names would be most of the envelope.
  auto& list = out.put_name("functions");
  list.pack_array(static_cast<std::uint32_t>(body.numbers.functions.size()));
  for (const auto& entry : body.numbers.functions) {
    list.pack_array(8);
    out.pack_id(entry.function);
    list.pack(entry.ready).pack(entry.starting).pack(entry.queue_age_ms).pack(entry.outstanding);
    list.pack(entry.wanted).pack(entry.band.min).pack(entry.band.max);
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
  fields.take("version", out.numbers.figures.version, max_version_bytes);
  fields.take("age_ms", out.numbers.figures.age_ms);
  fields.take("store_cursor", out.numbers.figures.store_cursor);
  fields.take("store_digest", out.numbers.figures.store_digest, max_digest_bytes);
  fields.take("backup_age_ms", out.numbers.figures.backup_age_ms);
  out.form = whole ? cluster::report_form::whole : cluster::report_form::change;
  out.numbers.state = cluster::serving_state_of(state);
  if (out.part >= out.parts)
    fields.fault("part", "is not below 'parts'");
  if (const auto* list = fields.take_array("functions", cluster::load_reporter::max_entries)) {
    for (const auto& member : list->via.array) {
      if (member.type != msgpack::type::ARRAY || member.via.array.size < 8) {
        fields.fault("functions", "has a member that is no array of 8");
        break;
      }
      const auto* values = member.via.array.ptr;
      cluster::function_presence entry;
      fields.id("functions", values[0], entry.function);
      fields.number("functions", values[1], entry.ready);
      fields.number("functions", values[2], entry.starting);
      fields.number("functions", values[3], entry.queue_age_ms);
      fields.number("functions", values[4], entry.outstanding);
      fields.number("functions", values[5], entry.wanted);
      fields.number("functions", values[6], entry.band.min);
      fields.number("functions", values[7], entry.band.max);
      out.numbers.functions.push_back(entry);
    }
  }
  if (const auto* list = fields.take_array("gone", cluster::load_reporter::max_entries))
    for (const auto& member : list->via.array)
      fields.id("gone", member, out.gone.emplace_back());
  if (auto read = fields.result(); !read)
    return tl::unexpected{read.error()};
  return out;
}

}  // namespace troupe::actors
