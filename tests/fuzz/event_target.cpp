// From the bytes of a request to the event that its handler gets: always JSON, and what a plain reading of the request
// would put there.
#include <algorithm>
#include <map>

#include "config/text.hpp"
#include "functions/event.hpp"
#include "functions/event_shapes.hpp"
#include "functions/http_request.hpp"
#include "http/request_head.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using nlohmann::json;

namespace {

enum outcome : std::size_t { built, text_body, binary_body, with_query, with_cookies, not_a_request, shaped };

constexpr milliseconds wall{1'583'348'638'390};

std::shared_ptr<functions::http_request> read_request(std::string_view bytes) {
  const auto end = http::find_head_end(bytes, 0);
  if (end == http::npos)
    return nullptr;
  auto request = std::make_shared<functions::http_request>();
  request->head.append(bytes.substr(0, end));
  request->body.append(bytes.substr(end));
  http::request_head head;
  if (http::scan_head(request->head.view(), {}, head))
    return nullptr;
  request->method = head.method;
  request->target = head.target;
  request->path = head.path;
  request->query = head.query;
  request->fields = std::move(head.fields);
  request->peer_address = "192.0.2.1";
  request->local_port = 8080;
  return request;
}

void join(json& object, const std::string& key, std::string_view value) {
  auto& member = object[key];
  member = member.is_null() ? shown(value) : member.get<std::string>() + "," + shown(value);
}

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class Use>
void each_piece(std::string_view text, char separator, Use use) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    use(text.substr(at, end - at));
    at = end + 1;
  }
}

json expected_headers(const functions::http_request& request) {
  json headers = json::object();
  std::string forwarded;
  for (const auto& field : request.fields) {
    const auto name = to_lower(field.name);
    if (name == "x-forwarded-for" && !field.value.empty())
      forwarded += shown(field.value) + ",";
    static const std::map<std::string, int> replaced = {
        {"cookie", 0},          {"content-length", 0},    {"x-amzn-trace-id", 0},  {"x-forwarded-port", 0},
        {"x-forwarded-for", 0}, {"x-forwarded-proto", 0}, {"transfer-encoding", 0}};
    if (!replaced.contains(name))
      join(headers, name, field.value);
  }
  headers["content-length"] = std::to_string(request.body.size());
  headers["x-forwarded-for"] = forwarded + request.peer_address;
  headers["x-forwarded-port"] = "8080";
  headers["x-forwarded-proto"] = "http";
  return headers;
}

json expected_query(std::string_view query) {
  json parameters;
  each_piece(query, '&', [&](std::string_view piece) {
    const auto equals = std::min(piece.find('='), piece.size());
    if (!piece.empty())
      join(parameters, query_decode(piece.substr(0, equals)),
           query_decode(piece.substr(std::min(equals + 1, piece.size()))));
  });
  return parameters;
}

json expected_cookies(const functions::http_request& request) {
  json cookies;
  for (const auto& field : request.fields)
    if (iequals(field.name, "cookie"))
      each_piece(field.value, ';', [&](std::string_view piece) {
        if (const auto cookie = without_blanks(piece); !cookie.empty())
          cookies.push_back(shown(cookie));
      });
  return cookies;
}

void check_body(const json& event, std::string_view body) {
  if (body.empty())
    return require(!event.contains("body") && event["isBase64Encoded"] == false, "no body is no member");
  const auto text = event["body"].get<std::string>();
  if (event["isBase64Encoded"] == true) {
    require(base64_decode(text) == body, "a body in base64 is the request's");
    return happened(binary_body);
  }
  require(text == body, "a body of text is the request's");
  happened(text_body);
}

/// What varies are whole values, in order.
void require_values(std::string_view event, const std::vector<functions::json_span>& varying) {
  std::size_t done = 0;
  for (const auto& value : varying) {
    require(value.from >= done && value.to > value.from && value.to <= event.size() &&
                json::accept(event.substr(value.from, value.to - value.from)),
            "what varies is a value");
    done = value.to;
  }
}

/// A worker that puts the values into the places of the shape has the event.
void check_shape(std::string_view event, const std::vector<functions::json_span>& varying) {
  functions::event_shapes shapes;
  auto known = shapes.find(event, varying);
  for (unsigned i = 0; !known && i < functions::event_shapes::told_after; ++i)
    known = shapes.find(event, varying);
  if (!known)
    return require(
        event.size() > functions::event_shapes::max_shape_bytes || varying.size() > functions::event_shapes::max_values,
        "an event of moderate size has a shape");
  buffer values;
  functions::append_values(values, event, varying);
  require(values.view().starts_with(","), "values begin with a comma");
  const auto told = json::parse("[" + std::string{values.view().substr(1)} + "]");
  require(told.size() == varying.size(), "each value that varies is told");
  std::string whole;
  auto value = varying.begin();
  for (const char byte : shapes.shape())
    if (byte == functions::event_shapes::mark) {
      require(value != varying.end() && told[static_cast<std::size_t>(value - varying.begin())] ==
                                            json::parse(event.substr(value->from, value->to - value->from)),
              "values are told in the order of their places");
      whole.append(event.substr(value->from, value->to - value->from));
      ++value;
    } else {
      whole.push_back(byte);
    }
  require(value == varying.end() && whole == event, "shape and values are the event");
  happened(shaped);
}

json member(const json& event, const char* name) {
  return event.contains(name) ? event[name] : json{};
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds =
          {"GET /x?y=z&y=%20+&=&w HTTP/1.1\r\nHost: a.b:80\r\nX-A: 1\r\nx-a: \xe9\r\n\r\n",
           "POST /%C3%A9 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 9\r\n"
           "Cookie: a=b; c=\"d\"\r\nCookie: \r\nUser-Agent: x\\y\"\r\n\r\n{\"a\":\"\xc3\xa9\"}",
           "PUT /b HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nX-Forwarded-For: 1, 2\r\n"
           "X-Amzn-Trace-Id: Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e\r\nX-Forwarded-Proto: ftp\r\n\r\n\x00\xff"},
      .words = {"text/plain",
                "Content-Type: text/x\r\n",
                "Cookie: ",
                "cookie:;\r\n",
                ";",
                "&",
                "=",
                "%22",
                "%5C",
                "+",
                "%F0%9F%98%80",
                "\"",
                "\\",
                "\x80",
                "\xc3\xa9",
                "\xf0\x9f\x98\x80",
                "\xed\xa0\x80",
                "\x1f",
                "\x7f",
                "Host: a\r\n",
                "a: b\r\n",
                "A:\r\n",
                "b: \xff\r\n",
                "?",
                "\r\n",
                "\r\n\r\n",
                "x-forwarded-for: c\r\n",
                "X-Amzn-Trace-Id: Root=1-5e6722a7-cc56xa7146db7ae02d4da47e\r\n",
                "User-Agent: \xe9\r\n",
                "\t",
                std::string(1, '\0')},
      .outcomes = {"events", "bodies of text", "binary bodies", "with query", "with cookies", "refused heads",
                   "shapes"}};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = read_request(text_of(data, size));
  if (request == nullptr) {
    happened(not_a_request);
    return 0;
  }
  functions::invocation call;
  call.request = request;
  call.request_id = make_request_id();
  call.route_key = std::make_shared<const std::string>("ANY /{p+}");
  call.parameters = {{std::string_view{*call.route_key}.substr(6, 1), percent_decode(request->path)}};
  buffer out;
  std::vector<functions::json_span> varying;
  functions::append_event(out, call, {.wall = wall, .trace = functions::trace_id{call, wall}}, &varying);
  require_values(out.view(), varying);
  check_shape(out.view(), varying);

  const auto event = parse_written_json(out.view(), "an event is JSON");
  auto headers = event["headers"];
  require(functions::is_trace_header(headers["x-amzn-trace-id"].get<std::string>()), "an event has a trace header");
  headers.erase("x-amzn-trace-id");
  require(headers == expected_headers(*request), "the headers are those of the request");
  require(member(event, "queryStringParameters") == expected_query(request->query), "the query is the request's");
  require(member(event, "cookies") == expected_cookies(*request), "the cookies are the request's");
  require(event["rawPath"] == percent_decode(request->path) && event["rawQueryString"] == request->query &&
              event["requestContext"]["http"]["method"] == request->method,
          "method, path and query are the request's");
  require(event["pathParameters"] == json{{"p", percent_decode(request->path)}}, "the parameters are the route's");
  check_body(event, request->body.view());
  happened(built);
  if (event.contains("queryStringParameters"))
    happened(with_query);
  if (event.contains("cookies"))
    happened(with_cookies);
  return 0;
}
