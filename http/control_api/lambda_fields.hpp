// Reads the members of a Lambda request body and keeps the first fault. Absent and null are the same.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/control_api/lambda_error.hpp"

namespace troupe::http {

/// @returns InvalidRequestContentException for what is not a JSON object.
lambda_result<nlohmann::json> parse_lambda_object(std::string_view body);

class lambda_fields {
public:
  /// @param object  must outlive the reader.
  /// @param prefix  what faults put before a member's name: `code.`, or empty.
  explicit lambda_fields(const nlohmann::json& object, std::string prefix = {})
      : object_{object}, prefix_{std::move(prefix)} {}

  /// @returns null when the member is absent.
  const nlohmann::json* member(const char* name) const;
  std::optional<std::string> text(const char* name);
  std::optional<std::uint64_t> number(const char* name, std::uint64_t least, std::uint64_t most);
  bool flag(const char* name);
  /// @returns null when it is absent or no object.
  const nlohmann::json* object(const char* name);
  /// Whether the member is there and not empty: neither `{}`, `[]` nor `""`.
  bool says_something(const char* name) const;

  /// The member as messages name it: in lower camel case, with the prefix.
  std::string place_of(const char* name) const;
  void blame(lambda_error why);
  const std::optional<lambda_error>& fault() const noexcept { return fault_; }

private:
  const nlohmann::json& object_;
  std::string prefix_;
  std::optional<lambda_error> fault_;
};

}  // namespace troupe::http
