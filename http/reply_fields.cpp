#include "http/reply_fields.hpp"

#include <algorithm>
#include <utility>

#include "config/text.hpp"
#include "http/byte_class.hpp"

namespace troupe::http {

namespace {

bool is_token(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return is(c, token_byte); });
}

bool is_field_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) { return is(c, value_byte); });
}

/// Whether the connection writes or forbids this field itself.
bool is_own_field(std::string_view name) noexcept {
  switch (name.size()) {
    case 2: return iequals(name, "te");
    case 4: return iequals(name, "date");
    case 7: return iequals(name, "trailer") || iequals(name, "upgrade");
    case 10: return iequals(name, "connection") || iequals(name, "keep-alive");
    case 14: return iequals(name, "content-length");
    case 15: return iequals(name, "apigw-requestid");
    case 16: return iequals(name, "proxy-connection");
    case 17: return iequals(name, "transfer-encoding");
    default: return false;
  }
}

}  // namespace

reply_fields::verdict reply_fields::add(std::string_view name, std::string_view value) {
  if (!is_token(name))
    return verdict::bad_name;
  if (!is_field_value(value))
    return verdict::bad_value;
  if (is_own_field(name))
    return verdict::taken;
  if (name.size() == 12 && iequals(name, "content-type")) {
    if (has_content_type_)
      return verdict::taken;
    has_content_type_ = true;
  }
  lines_.reserve(lines_.size() + name.size() + value.size() + 4);
  lines_.append(name).append(": ").append(value).append("\r\n");
  return verdict::taken;
}

reply_fields::verdict reply_fields::add_cookie(std::string_view value) {
  if (!is_field_value(value))
    return verdict::bad_value;
  cookies_.append("set-cookie: ").append(value).append("\r\n");
  return verdict::taken;
}

std::string reply_fields::finish(std::string_view default_type) && {
  if (!has_content_type_ && !default_type.empty()) {
    lines_.reserve(lines_.size() + default_type.size() + 16);
    lines_.append("content-type: ").append(default_type).append("\r\n");
  }
  if (cookies_.empty())
    return std::move(lines_);
  return std::move(cookies_.append(lines_));
}

}  // namespace troupe::http
