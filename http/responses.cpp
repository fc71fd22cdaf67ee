#include "http/responses.hpp"

#include <string>
#include <utility>

namespace troupe::http {

namespace {

/// A status with whether trying again in a second makes sense.
struct verdict {
  unsigned status;
  bool retry = false;
};

verdict judge(errc code, error_mode mode) noexcept {
  const auto either = [mode](unsigned strict, unsigned truthful) {
    return verdict{mode == error_mode::strict ? strict : truthful};
  };
  switch (code) {
    case errc::no_such_route: return {404};
    case errc::bad_usage: return {400};
    case errc::refused:
    case errc::conflict: return {409};
    case errc::too_big:
    case errc::payload_too_large: return {413};

    case errc::overloaded:
    case errc::no_capacity:
    case errc::draining:
    case errc::not_ready:
    case errc::breaker_open:
    case errc::stale:
    case errc::link_down:
    case errc::no_such_service:
    case errc::unavailable: return {503, true};

    case errc::budget_spent: return either(503, 504);
    case errc::function_timeout: return either(500, 504);
    case errc::function_error:
    case errc::function_crashed:
    case errc::memory_exceeded:
    case errc::malformed_answer:
    case errc::answer_too_large:
    case errc::init_failed: return either(500, 502);
    case errc::link_lost:
    case errc::protocol:
    case errc::unknown_outcome: return {502};

    // A route that outlived its function (deleted through the Lambda API) is the operator's fault, not the client's.
    case errc::no_such_function:
    case errc::bug:
    case errc::bad_setting:
    case errc::io:
    case errc::corrupt:
    case errc::full:
    case errc::client_gone: return {500};
  }
  return {500};  // a code that only newer nodes know
}

/// In API Gateway's words where they are older than IANA's.
std::string_view message_of(unsigned status) noexcept {
  return status == 413 ? std::string_view{"Request Entity Too Large"} : reason_phrase(status);
}

reply make_error(unsigned status, std::string_view cause, bool retry) {
  reply out;
  out.status = status;
  out.fields.reserve(96);
  out.fields.append("content-type: application/json\r\nx-troupe-error: ").append(cause).append("\r\n");
  if (retry)
    out.fields.append("retry-after: 1\r\n");
  std::string body;
  body.reserve(64);
  body.append("{\"message\":\"").append(message_of(status)).append("\"}");
  out.body = std::move(body);
  return out;
}

}  // namespace

unsigned status_of(errc code, error_mode mode) noexcept {
  return judge(code, mode).status;
}

reply error_reply(errc code, error_mode mode, std::string detail) {
  const auto [status, retry] = judge(code, mode);
  auto out = make_error(status, to_string(code), retry);
  out.cause = code;
  out.detail = std::move(detail);
  return out;
}

reply refusal_reply(unsigned status, std::string detail) {
  const auto place = refusal_place(status);
  if (place == refusal_causes.size())
    return error_reply(errc::bug, error_mode::strict, std::move(detail));
  auto out = make_error(status, refusal_causes[place].name, false);
  if (status == 405)
    out.fields.append("allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n");
  out.refused = &refusal_causes[place];
  out.detail = std::move(detail);
  return out;
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 510: return "Not Extended";
    case 511: return "Network Authentication Required";
    default: return {};
  }
}

}  // namespace troupe::http
