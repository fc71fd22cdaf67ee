#include "functions/event_fields.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "config/text.hpp"

namespace troupe::functions {

namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Fields that an event treats in a way of their own.
enum class field_role { plain, host, cookie, user_agent, content_type, forwarded_for, replaced };

field_role role_of(std::string_view name) noexcept {
  const auto is = [&](std::string_view lower_name) {
    return lower(name[1]) == lower_name[1] && iequals(name, lower_name);
  };
  switch (name.size()) {
    case 4: return is("host") ? field_role::host : field_role::plain;
    case 6: return is("cookie") ? field_role::cookie : field_role::plain;
    case 10: return is("user-agent") ? field_role::user_agent : field_role::plain;
    case 12: return is("content-type") ? field_role::content_type : field_role::plain;
    case 14: return is("content-length") ? field_role::replaced : field_role::plain;
    case 15:
      if (is("x-forwarded-for"))
        return field_role::forwarded_for;
      return is("x-amzn-trace-id") ? field_role::replaced : field_role::plain;
    case 16: return is("x-forwarded-port") ? field_role::replaced : field_role::plain;
    case 17: return is("x-forwarded-proto") || is("transfer-encoding") ? field_role::replaced : field_role::plain;
    default: return field_role::plain;
  }
}

bool is_written(field_role role) noexcept {
  return role != field_role::cookie && role != field_role::forwarded_for && role != field_role::replaced;
}

/// False only if no two names are equal without case; true, rarely, also for names that merely hash alike.
bool may_repeat(const std::vector<header_field>& fields) noexcept {
  std::array<std::uint64_t, 16> seen{};
  for (const auto& field : fields) {
    const auto name = field.name;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    if (name.size() >= 4) {
      std::memcpy(&first, name.data(), 4);
      std::memcpy(&last, name.data() + name.size() - 4, 4);
    } else {
      std::memcpy(&first, name.data(), name.size());
    }
    // Setting bit 5 makes letters equal without case.
    const auto mixed = (first | 0x20202020u) * 0x9e3779b1u + (last | 0x20202020u) * 0x85ebca77u +
                       static_cast<std::uint32_t>(name.size()) * 0xc2b2ae3du;
    const auto bit = mixed >> 22;
    if ((seen[bit >> 6] >> (bit & 63) & 1) != 0)
      return true;
    seen[bit >> 6] |= std::uint64_t{1} << (bit & 63);
  }
  return false;
}

/// A key with a value that may have to be joined with those of later members of the same key.
struct member {
  std::string key;
  std::string_view value;
  std::size_t next = 0;  ///< index of the next member with this key; 0: none
  bool first = true;     ///< no earlier member has this key
};

void link_repeated(std::vector<member>& members) {
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Sorting bounds what thousands of keys chosen by a client can cost.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int compared = members[a].key.compare(members[b].key);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    auto& earlier = members[order[i - 1]];
    auto& later = members[order[i]];
    if (earlier.key != later.key)
      continue;
    earlier.next = order[i];
    later.first = false;
  }
}

/// `"key":"value,value",` for each different key, in order of first appearance.
template <class WriteValue>
void write_members(json_writer& json, const std::vector<member>& members, WriteValue write_value) {
  for (const auto& head : members) {
    if (!head.first)
      continue;
    json.raw('"');
    json.text(head.key);
    json.raw("\":\"");
    json.varying_text([&] {
      write_value(head.value);
      for (auto i = head.next; i != 0; i = members[i].next) {
        json.raw(',');
        write_value(members[i].value);
      }
    });
    json.raw("\",");
  }
}

/// Calls `use` with each part between separators.
template <class Use>
void split(std::string_view text, char separator, Use use) {
  for (;;) {
    const auto end = text.find(separator);
    use(text.substr(0, end));
    if (end == text.npos)
      return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view trim_blanks(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

known_fields write_fields(json_writer& json, const std::vector<header_field>& fields) {
  known_fields known;
  const auto keep_first = [](std::string_view& kept, std::string_view value) {
    if (kept.data() == nullptr)
      kept = value;
  };
  const bool plain = !may_repeat(fields);
  std::vector<member> members;
  for (const auto& field : fields) {
    const auto role = role_of(field.name);
    switch (role) {
      case field_role::host: keep_first(known.host, field.value); break;
      case field_role::user_agent: keep_first(known.user_agent, field.value); break;
      case field_role::content_type: keep_first(known.content_type, field.value); break;
      case field_role::cookie: known.has_cookies = true; break;
      case field_role::forwarded_for: known.has_forwarded_for = true; break;
      case field_role::plain:
      case field_role::replaced: break;
    }
    if (!is_written(role))
      continue;
    if (!plain) {
      members.push_back({to_lower(field.name), field.value});
      continue;
    }
    json.raw('"');
    json.lower_text(field.name);
    json.raw("\":\"");
    json.varying_text(field.value);
    json.raw("\",");
  }
  link_repeated(members);
  write_members(json, members, [&](std::string_view value) { json.text(value); });
  return known;
}

void write_own_fields(json_writer& json, const http_request& request, const event_context& context,
                      bool has_forwarded_for) {
  json.raw("\"content-length\":\"");
  if (request.body.empty())
    json.raw('0');
  else
    json.varying_text([&] { json.number(static_cast<std::int64_t>(request.body.size())); });
  json.raw("\",\"x-amzn-trace-id\":\"");
  json.varying_text([&] { json.raw_view(context.trace.view()); });
  json.raw("\",\"x-forwarded-for\":\"");
  json.varying_text([&] {
    if (has_forwarded_for) {
      for (const auto& field : request.fields) {
        if (role_of(field.name) != field_role::forwarded_for || field.value.empty())
          continue;
        json.text(field.value);
        json.raw(',');
      }
    }
    json.text(request.peer_address);
  });
  json.raw("\",\"x-forwarded-port\":\"");
  json.number(request.local_port);
  json.raw("\",\"x-forwarded-proto\":\"");
  json.raw_view(request.secure ? "https" : "http");
  json.raw("\"}");
}

void write_cookies(json_writer& json, const http_request& request) {
  bool any = false;
  for (const auto& field : request.fields) {
    if (role_of(field.name) != field_role::cookie)
      continue;
    split(field.value, ';', [&](std::string_view part) {
      const auto cookie = trim_blanks(part);
      if (cookie.empty())
        return;
      if (any)
        json.raw(",\"");
      else
        json.raw(",\"cookies\":[\"");
      any = true;
      json.varying_text(cookie);
      json.raw('"');
    });
  }
  if (any)
    json.raw(']');
}

void write_query(json_writer& json, std::string_view query) {
  const auto encoded = [](std::string_view text) { return text.find_first_of("%+") != text.npos; };
  std::vector<member> members;
  split(query, '&', [&](std::string_view part) {
    if (part.empty())
      return;
    const auto equals = std::min(part.find('='), part.size());
    const auto key = part.substr(0, equals);
    const auto value = equals == part.size() ? std::string_view{} : part.substr(equals + 1);
    members.push_back({encoded(key) ? query_decode(key) : std::string{key}, value});
  });
  if (members.empty())
    return;
  link_repeated(members);
  json.raw(",\"queryStringParameters\":{");
  write_members(json, members, [&](std::string_view value) {
    if (encoded(value))
      json.text(query_decode(value));
    else
      json.text(value);
  });
  json.replace_last('}');
}

}  // namespace troupe::functions
