#include "http/object_reader.hpp"

#include <utility>

namespace troupe::http {

namespace {

using json = nlohmann::json;

/// Deeper than any request of this API; a body of brackets alone would otherwise become gigabytes.
constexpr int max_depth = 8;

}  // namespace

expected<nlohmann::json> parse_json_body(std::string_view body) {
  if (body.empty())
    return fail(errc::bad_usage, "the request has no body; a JSON object is expected");
  bool too_deep = false;
  auto value = json::parse(
      body,
      [&](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
      },
      false);
  if (too_deep || value.is_discarded())
    return fail(errc::bad_usage, too_deep ? "the body is nested too deeply" : "the body is not JSON");
  return value;
}

object_reader::object_reader(const json& object, std::string place) : object_{object}, place_{std::move(place)} {
  if (!object.is_object())
    blame("the request's " + place_ + " is not a JSON object");
}

const json* object_reader::member(const std::string& name) {
  known_.insert(name);
  if (!object_.is_object())
    return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

void object_reader::text(const std::string& name, std::string& out) {
  const auto* value = member(name);
  if (value == nullptr)
    return;
  if (value->is_string())
    out = value->get<std::string>();
  else
    blame("'" + name + "' is not a string");
}

void object_reader::sha256(const std::string& name, digest& out) {
  std::string digits;
  text(name, digits);
  if (!parse_digest(digits, out))
    blame("'" + name + "' is not 64 hex digits");
}

void object_reader::whole_number(const std::string& name, const char* unit, std::uint64_t most, std::uint64_t& out) {
  const auto* value = member(name);
  if (value == nullptr)
    return;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() <= most)
    out = value->get<std::uint64_t>();
  else
    blame("'" + name + "' is not a whole number of " + unit + " up to " + std::to_string(most));
}

void object_reader::blame(error why) {
  if (!fault_)
    fault_ = std::move(why);
}

expected<void> object_reader::finish() {
  if (!fault_)
    for (const auto& [name, value] : object_.items())
      if (!known_.contains(name))
        blame("unknown member '" + name.substr(0, 64) + "' in the request's " + place_);
  if (fault_)
    return tl::unexpected{*fault_};
  return {};
}

}  // namespace troupe::http
