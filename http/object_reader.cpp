#include "http/object_reader.hpp"

#include <utility>

namespace troupe::http {

namespace {

using json = nlohmann::json;

/// Deeper than any request of this API.
constexpr std::size_t max_depth = 8;
/// A manifest of the most files has half as many.
constexpr std::size_t max_values = 1'000'000;

/// Stops at the first value too many: a body of brackets or numbers alone would otherwise become gigabytes.
struct body_limits final : json::json_sax_t {
  std::string fault = "the body is not JSON";
  std::size_t depth = 0;
  std::size_t values = 0;

  bool count() {
    if (++values > max_values)
      fault = "the body has more than " + std::to_string(max_values) + " values";
    return values <= max_values;
  }
  bool open() {
    if (++depth > max_depth)
      fault = "the body is nested too deeply";
    return depth <= max_depth && count();
  }
  bool close() {
    --depth;
    return true;
  }
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(json::number_integer_t) override { return count(); }
  bool number_unsigned(json::number_unsigned_t) override { return count(); }
  bool number_float(json::number_float_t, const std::string&) override { return count(); }
  bool string(std::string&) override { return count(); }
  bool binary(json::binary_t&) override { return count(); }
  bool start_object(std::size_t) override { return open(); }
  bool key(std::string&) override { return true; }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
};

}  // namespace

expected<nlohmann::json> parse_json_body(std::string_view body) {
  if (body.empty())
    return fail(errc::bad_usage, "the request has no body; a JSON object is expected");
  body_limits limits;
  // For this parser a NUL ends the text, and what comes behind it would be read by others only.
  if (body.find('\0') != body.npos || !json::sax_parse(body, &limits))
    return fail(errc::bad_usage, limits.fault);
  return json::parse(body, nullptr, false);
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

void object_reader::boolean(const std::string& name, bool& out) {
  const auto* value = member(name);
  if (value == nullptr)
    return;
  if (value->is_boolean())
    out = value->get<bool>();
  else
    blame("'" + name + "' is neither true nor false");
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

std::string object_reader::unknown_member() const {
  if (object_.is_object())
    for (const auto& [name, value] : object_.items())
      if (!known_.contains(name))
        return "unknown member '" + name.substr(0, 64) + "' in the request's " + place_;
  return {};
}

expected<void> object_reader::finish() {
  if (const auto unknown = unknown_member(); !unknown.empty()) {
    if (fault_)
      fault_->what += "; " + unknown;  // what is missing may be there with another spelling
    else
      blame(unknown);
  }
  if (fault_)
    return tl::unexpected{*fault_};
  return {};
}

}  // namespace troupe::http
