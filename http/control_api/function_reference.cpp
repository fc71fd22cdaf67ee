#include "http/control_api/function_reference.hpp"

#include <algorithm>
#include <vector>

namespace troupe::http {

namespace {

constexpr std::string_view latest = "$LATEST";
constexpr std::size_t max_name = 64;
constexpr std::string_view pattern =
    "Member must satisfy regular expression pattern: "
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"
    "(:(\\$LATEST|[a-zA-Z0-9-_]+))?";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

/// `eu-central-1`, `us-gov-west-1`
bool is_region(std::string_view text) {
  const auto dash = text.rfind('-');
  return text.size() >= 6 && text[2] == '-' && dash > 2 && dash + 2 == text.size() && is_digit(text.back()) &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(dash),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), is_digit);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = std::min(text.find(':'), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size())
      return parts;
    text.remove_prefix(end + 1);
  }
}

/// What a reference says, part by part; each but the name may be missing.
struct named_parts {
  std::string_view region;
  std::string_view account;
  std::string_view name;
  std::string_view qualifier;
  bool whole = false;  ///< nothing is left over, and no part is empty
};

named_parts take_apart(std::string_view text) {
  const auto parts = split(text);
  named_parts found;
  std::size_t at = 0;
  const auto more = [&] { return at + 1 < parts.size(); };
  if (parts[0] == "arn" && more()) {
    if (parts.size() < 7 || !parts[1].starts_with("aws") || parts[2] != "lambda" || parts[5] != "function")
      return {};
    at = 3;
  }
  if (more() && is_region(parts[at]))
    found.region = parts[at++];
  if (more() && is_account(parts[at]))
    found.account = parts[at++];
  if (more() && parts[at] == "function")
    ++at;
  found.name = parts[at++];
  if (at < parts.size())
    found.qualifier = parts[at++];
  found.whole = at == parts.size() && !parts.back().empty();
  return found;
}

}  // namespace

std::string function_arn(const lambda_place& place, std::string_view name) {
  return "arn:aws:lambda:" + place.region + ":" + place.account + ":function:" + std::string{name};
}

std::string function_arn(const lambda_place& place, const function_reference& function) {
  const auto arn = function_arn(place, function.name);
  return function.qualifier.empty() ? arn : arn + ":" + function.qualifier;
}

lambda_result<function_reference> parse_function_reference(std::string_view text,
                                                           const std::optional<std::string>& qualifier,
                                                           const lambda_place& place) {
  const auto parts = take_apart(text);
  const auto is_qualifier = [](std::string_view each) { return each == latest || is_word(each); };
  if (!parts.whole || !is_word(parts.name) || (!parts.qualifier.empty() && !is_qualifier(parts.qualifier)))
    return refuse(validation_fault(text, "functionName", pattern));
  if (parts.name.size() > max_name)
    return refuse(validation_fault(text, "functionName", "Member must have length less than or equal to 64"));
  if (qualifier && !is_qualifier(*qualifier))
    return refuse(validation_fault(*qualifier, "qualifier",
                                   "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)"));
  if (!parts.region.empty() && parts.region != place.region)
    return refuse({404, "ResourceNotFoundException",
                   "Functions from '" + std::string{parts.region} + "' are not reachable in this region ('" +
                       place.region + "')"});
  if (!parts.account.empty() && parts.account != place.account)
    return refuse(function_not_found(
        function_arn({place.region, std::string{parts.account}}, {std::string{parts.name}, std::string{}})));
  if (qualifier && !parts.qualifier.empty() && *qualifier != parts.qualifier)
    return refuse(
        invalid_parameter("The derived qualifier from the function name does not match the specified qualifier."));
  const auto wanted = qualifier ? std::string_view{*qualifier} : parts.qualifier;
  if (!wanted.empty() && wanted != latest)
    return refuse(invalid_parameter("Qualifier '" + std::string{wanted.substr(0, 128)} +
                                    "': this node has no versions and aliases yet, only $LATEST"));
  return function_reference{std::string{parts.name}, std::string{wanted}};
}

}  // namespace troupe::http
