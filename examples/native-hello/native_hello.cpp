// A native function with two answers: `POST` sends the body back as it came, everything else greets the `{name}` of its
// route (or the world) in JSON.
#include <string>
#include <string_view>
#include <troupe/function.hpp>

namespace {

// Text from a URL may hold quotes and control characters; JSON strings may not.
void append_json_string(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xf];
    } else {
      out += c;
    }
  }
}

troupe::response greet(const troupe::request& request) {
  const auto name = request.path_parameter("name");
  std::string body = R"({"message":"Hello, )";
  append_json_string(body, name.empty() ? "world" : name);
  body += R"(!"})";
  return troupe::response::json(std::move(body));
}

troupe::response echo(const troupe::request& request) {
  const auto type = request.header("content-type");
  troupe::response answer;
  answer.headers.emplace_back("content-type", type.empty() ? "application/octet-stream" : std::string{type});
  answer.body = request.body();
  return answer;
}

troupe::response handler(const troupe::request& request, troupe::context&) {
  return request.method() == "POST" ? echo(request) : greet(request);
}

}  // namespace

TROUPE_FUNCTION(handler)
