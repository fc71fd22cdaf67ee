// The field lines of a handler's reply, each checked before it is written: what gets past here goes to the socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::http {

class reply_fields {
public:
  enum class verdict : std::uint8_t { taken, bad_name, bad_value };

  /// Appends `name: value`. Dropped without complaint: what the connection writes itself (`content-length`, `date`,
  /// `apigw-requestid`, hop-by-hop fields) and a second `content-type`.
  /// @returns `bad_name` when `name` is no token, `bad_value` when `value` holds a control character other than a tab.
  verdict add(std::string_view name, std::string_view value);
  /// Appends a `set-cookie` line; cookies come before all fields.
  verdict add_cookie(std::string_view value);

  /// The complete lines. @param default_type  the content type if the handler gave none; empty for no default.
  std::string finish(std::string_view default_type) &&;

private:
  std::string cookies_;
  std::string lines_;
  bool has_content_type_ = false;
};

}  // namespace troupe::http
