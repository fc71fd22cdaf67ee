#include "functions/event.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "functions/event_fields.hpp"
#include "functions/json_writer.hpp"

namespace troupe::functions {

namespace {

/// `12/Mar/2020:19:03:58 +0000`
void write_time(json_writer& json, milliseconds wall) {
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto second = std::chrono::floor<seconds>(wall);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date{std::chrono::sys_days{day}};
  const auto of_day = static_cast<unsigned>((second - day).count());
  json.padded(static_cast<unsigned>(date.day()), 2);
  json.raw('/');
  json.raw_view(months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  json.raw('/');
  json.padded(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  json.raw(':');
  json.padded(of_day / 3600, 2);
  json.raw(':');
  json.padded(of_day / 60 % 60, 2);
  json.raw(':');
  json.padded(of_day % 60, 2);
  json.raw(" +0000");
}

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('['))
    return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
  return host.substr(0, host.find(':'));
}

bool is_text_type(std::string_view content_type) {
  const auto type = trim_blanks(content_type.substr(0, content_type.find(';')));
  return iequals(type.substr(0, 5), "text/") || iequals(type, "application/json") || iequals(type, "application/xml") ||
         iequals(type, "application/javascript");
}

void write_body(json_writer& json, std::string_view body, std::string_view content_type) {
  if (body.empty()) {
    json.raw(",\"isBase64Encoded\":false}");
  } else if (is_text_type(content_type) && is_utf8_text(body)) {
    json.raw(",\"body\":\"");
    json.varying_text([&] { json.utf8_text(body); });
    json.raw("\",\"isBase64Encoded\":false}");
  } else {
    json.raw(",\"body\":\"");
    json.varying_text([&] { json.base64(body); });
    json.raw("\",\"isBase64Encoded\":true}");
  }
}

/// Where text that the event has twice stands for the first time.
struct written {
  std::size_t from = 0;
  std::size_t to = 0;
};

template <class Write>
written write_once(json_writer& json, Write write) {
  const auto from = json.offset();
  write();
  return {from, json.offset()};
}

void write_path(json_writer& json, std::string_view path, std::string_view stage) {
  if (stage != "$default") {
    json.raw('/');
    json.text(stage);
  }
  if (path.find('%') == path.npos)
    json.text(path);
  else
    json.text(percent_decode(path));
}

void write_http_event(json_writer& json, const invocation& call, const event_context& context) {
  const auto& request = *call.request;
  json.raw("{\"version\":\"2.0\",\"routeKey\":\"");
  const auto route =
      write_once(json, [&] { json.text(call.route_key ? *call.route_key : std::string_view{"$default"}); });
  json.raw("\",\"rawPath\":\"");
  written path;
  json.varying_text([&] { path = write_once(json, [&] { write_path(json, request.path, context.stage); }); });
  json.raw("\",\"rawQueryString\":\"");
  if (!request.query.empty())
    json.varying_text(request.query);
  json.raw("\",\"headers\":{");
  const auto known = write_fields(json, request.fields);
  write_own_fields(json, request, context, known.has_forwarded_for);
  if (known.has_cookies)
    write_cookies(json, request);
  if (!request.query.empty())
    write_query(json, request.query);

  json.raw(",\"requestContext\":{\"accountId\":\"");
  json.text(context.account_id);
  json.raw("\",\"apiId\":\"");
  json.text(context.api_id);
  json.raw("\",\"domainName\":\"");
  const auto domain = without_port(known.host);
  json.varying_text(domain);
  json.raw("\",\"domainPrefix\":\"");
  json.varying_text(domain.substr(0, domain.find('.')));
  json.raw("\",\"http\":{\"method\":\"");
  json.text(request.method);
  json.raw("\",\"path\":\"");
  json.varying_text([&] { json.repeat(path.from, path.to); });
  json.raw("\",\"protocol\":\"HTTP/1.1\",\"sourceIp\":\"");
  json.varying_text(request.peer_address);
  json.raw("\",\"userAgent\":\"");
  if (!known.user_agent.empty())
    json.varying_text(known.user_agent);
  json.raw("\"},\"requestId\":\"");
  json.varying_text([&] { json.raw_view(call.request_id.view()); });
  json.raw("\",\"routeKey\":\"");
  json.repeat(route.from, route.to);
  json.raw("\",\"stage\":\"");
  json.text(context.stage);
  json.raw("\",\"time\":\"");
  json.varying_text([&] { write_time(json, context.wall); });
  json.raw("\",\"timeEpoch\":");
  json.varying_number(context.wall.count());
  json.raw('}');

  if (!call.parameters.empty()) {
    json.raw(",\"pathParameters\":{");
    for (const auto& [name, value] : call.parameters) {
      json.raw('"');
      json.text(name);
      json.raw("\":\"");
      json.varying_text(value);
      json.raw("\",");
    }
    json.replace_last('}');
  }
  write_body(json, request.body.view(), known.content_type);
}

}  // namespace

void append_event(buffer& out, const invocation& call, const event_context& context, std::vector<json_span>* varying) {
  if (call.request == nullptr) {
    out.append(call.json.empty() ? std::string_view{"{}"} : std::string_view{call.json});
    return;
  }
  json_writer json{out, varying};
  write_http_event(json, call, context);
  json.finish();
}

}  // namespace troupe::functions
