// Reads a small JSON object of a request strictly: every member is asked for by name and type, whatever is left is
// refused.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::http {

/// @returns `errc::bad_usage` for an empty body, for what is not JSON, and for what is nested deeper than 8 levels.
expected<nlohmann::json> parse_json_body(std::string_view body);

/// Takes members one by one and keeps the first fault; a member that is absent leaves its target as it was.
class object_reader {
public:
  /// @param object  must outlive the reader.
  /// @param place   what a message calls the object: `body`, `'code'`.
  object_reader(const nlohmann::json& object, std::string place);

  /// @returns null when the member is absent.
  const nlohmann::json* member(const std::string& name);
  void text(const std::string& name, std::string& out);
  void sha256(const std::string& name, digest& out);
  void boolean(const std::string& name, bool& out);
  /// A whole number from 0 to the largest that `Number` holds.
  /// @param unit  in the plural, for the message.
  template <class Number>
  void number(const std::string& name, const char* unit, Number& out) {
    std::uint64_t value = out;
    whole_number(name, unit, std::numeric_limits<Number>::max(), value);
    out = static_cast<Number>(value);
  }

  void blame(std::string why) { blame(error{errc::bad_usage, std::move(why)}); }
  void blame(error why);
  /// The first fault and the first member that nobody asked for, if there is either. Once all members were asked for.
  expected<void> finish();

private:
  std::string unknown_member() const;
  void whole_number(const std::string& name, const char* unit, std::uint64_t most, std::uint64_t& out);

  const nlohmann::json& object_;
  std::string place_;
  std::set<std::string> known_;
  std::optional<error> fault_;
};

}  // namespace troupe::http
