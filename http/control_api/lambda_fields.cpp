#include "http/control_api/lambda_fields.hpp"

#include <utility>

#include "http/object_reader.hpp"

namespace troupe::http {

using nlohmann::json;

lambda_result<json> parse_lambda_object(std::string_view body) {
  auto parsed = parse_json_body(body);
  if (!parsed)
    return refuse(invalid_content(parsed.error().what));
  if (!parsed->is_object())
    return refuse(invalid_content("the body is not a JSON object"));
  return std::move(*parsed);
}

const json* lambda_fields::member(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> lambda_fields::text(const char* name) {
  const auto* value = member(name);
  if (value == nullptr)
    return std::nullopt;
  if (value->is_string())
    return value->get<std::string>();
  blame(invalid_content(place_of(name) + " is not a string"));
  return std::nullopt;
}

std::optional<std::uint64_t> lambda_fields::number(const char* name, std::uint64_t least, std::uint64_t most) {
  const auto* value = member(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_number_integer()) {
    blame(invalid_content(place_of(name) + " is not a whole number"));
    return std::nullopt;
  }
  const bool negative = !value->is_number_unsigned() && value->get<std::int64_t>() < 0;
  if (negative || value->get<std::uint64_t>() < least)
    blame(validation_fault(value->dump(), place_of(name),
                           "Member must have value greater than or equal to " + std::to_string(least)));
  else if (value->get<std::uint64_t>() > most)
    blame(validation_fault(value->dump(), place_of(name),
                           "Member must have value less than or equal to " + std::to_string(most)));
  else
    return value->get<std::uint64_t>();
  return std::nullopt;
}

bool lambda_fields::flag(const char* name) {
  const auto* value = member(name);
  if (value == nullptr)
    return false;
  if (value->is_boolean())
    return value->get<bool>();
  blame(invalid_content(place_of(name) + " is neither true nor false"));
  return false;
}

const json* lambda_fields::object(const char* name) {
  const auto* value = member(name);
  if (value == nullptr || value->is_object())
    return value;
  blame(invalid_content(place_of(name) + " is not an object"));
  return nullptr;
}

bool lambda_fields::says_something(const char* name) const {
  const auto* value = member(name);
  if (value == nullptr)
    return false;
  if (value->is_string())
    return !value->get_ref<const std::string&>().empty();
  return !value->empty();
}

std::string lambda_fields::place_of(const char* name) const {
  std::string place = name;
  place.front() = static_cast<char>(place.front() | 0x20);
  return prefix_ + place;
}

void lambda_fields::blame(lambda_error why) {
  if (!fault_)
    fault_ = std::move(why);
}

}  // namespace troupe::http
