#include "tests/fuzz/reply_check.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "http/byte_class.hpp"
#include "tests/fuzz/target.hpp"

namespace troupe::fuzz {

void check_reply(const http::reply& made) {
  require(made.status >= 200 && made.status <= 599, "a reply has a status of 200 to 599");
  for (std::string_view rest = made.fields; !rest.empty();) {
    const auto end = rest.find("\r\n");
    require(end != rest.npos, "a field is a complete line");
    const auto line = rest.substr(0, end);
    const auto colon = line.find(": ");
    require(colon != line.npos && colon > 0, "a field has a name and a value");
    const auto name = line.substr(0, colon);
    const auto value = line.substr(colon + 2);
    require(std::all_of(name.begin(), name.end(), [](char c) { return http::is(c, http::token_byte); }),
            "the name of a field is a token");
    require(std::all_of(value.begin(), value.end(), [](char c) { return http::is(c, http::value_byte); }),
            "the value of a field has no control characters");
    for (const auto* own : {"content-length", "transfer-encoding", "connection", "date", "keep-alive", "upgrade"})
      require(!iequals(name, own), "what frames a reply is the connection's to write");
    rest.remove_prefix(end + 2);
  }
}

}  // namespace troupe::fuzz
