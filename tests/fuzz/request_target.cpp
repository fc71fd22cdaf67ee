// Requests on a gateway's socket: heads, bodies, several in a row. Segmentation never matters, no limit is passed, what
// is accepted is unambiguous: written out again it is read as the same.
#include <algorithm>

#include "config/text.hpp"
#include "http/head_peek.hpp"
#include "http/request_head.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/http/request_reading.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::http;

namespace {

enum outcome : std::size_t { accepted, refused, unfinished, chunked, absolute, peeked };

/// Low enough for inputs to pass them, or as they are by default.
struct bounds {
  head_limits head;
  chunk_limits chunks;
};
constexpr bounds low{{.max_bytes = 160, .max_fields = 5, .max_target_bytes = 24, .max_body_bytes = 40},
                     {.max_body_bytes = 40, .max_extension_bytes = 8, .max_trailer_bytes = 16}};

reading read_in_pieces(std::string_view bytes, const bounds& limits, sim::seeded choices) {
  request_reader reader{limits.head, limits.chunks};
  while (!bytes.empty()) {
    const auto size = 1 + choices.below(choices.one_in(2) ? 3 : 40);
    reader.feed(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return reader.result();
}

bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c & 0xe0) != 0; }) &&
         text.find('\x7f') == text.npos;
}

void check_path(std::string_view path, std::string_view method) {
  if (path == "*")
    return require(method == "OPTIONS", "the target * is for OPTIONS only");
  require(path.starts_with('/'), "a path begins with a slash");
  const auto decoded = percent_decode(path);
  require(is_utf8(decoded) && decoded.find('\0') == decoded.npos, "a path is UTF-8 without NUL");
  for (auto rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = percent_decode(rest.substr(0, end));
    require(segment != "." && segment != "..", "no segment leads elsewhere");
    rest.remove_prefix(end);
  }
}

void check_request(const seen_request& seen, const bounds& limits) {
  happened(accepted);
  require(seen.fields.size() <= limits.head.max_fields, "no more fields than allowed");
  require(seen.body.size() <= limits.head.max_body_bytes, "no longer body than allowed");
  require(is_clean(seen.method) && is_clean(seen.host), "no control characters in method and host");
  for (const auto& [name, value] : seen.fields)
    require(!name.empty() && is_clean(name) && is_clean(value), "no control characters in a field");
  check_path(seen.path, seen.method);
  require(is_utf8(query_decode(seen.query)), "a query is UTF-8");
}

std::string written(const request_head& head) {
  std::string text{head.method};
  text.append(" ").append(head.target).append(head.http_1_1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  for (const auto& field : head.fields)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text + "\r\n";
}

void check_same_when_written_again(std::string_view bytes) {
  const auto end = find_head_end(bytes, 0);
  request_head head;
  if (end == http::npos || scan_head(bytes.substr(0, end), {}, head))
    return;
  if (head.target[0] == 'h' || head.target[0] == 'H')
    happened(absolute);
  const auto again = written(head);
  require(find_head_end(again, 0) == again.size(), "a head that is written again ends where it should");
  request_head read;
  require(!scan_head(again, {.max_bytes = 1 << 20}, read), "a head that is written again is accepted");
  require(written(read) == again && read.path == head.path && read.query == head.query && read.host == head.host &&
              read.body == head.body && read.content_length == head.content_length &&
              read.keep_alive == head.keep_alive && read.expects_continue == head.expects_continue,
          "a head that is written again is read as the same");
}

/// What the log tells of bytes that may be no head is part of them, clean, and of a head what the head says.
void check_peeked(std::string_view bytes, const head_limits& limits) {
  const auto seen = peek_request_line(bytes, limits);
  require(is_clean(seen.method) && is_clean(seen.path) && seen.method.find(' ') == seen.method.npos &&
              seen.path.find_first_of(" ?") == seen.path.npos && seen.path.size() <= limits.max_target_bytes,
          "what is peeked is clean");
  require(seen.path.empty() || !seen.method.empty(), "there is no path without a method");
  require(bytes.find(std::string{seen.method} + (seen.path.empty() ? "" : " ") + std::string{seen.path}) <= 2,
          "what is peeked is how the bytes begin");
  if (!seen.path.empty())
    happened(peeked);
  const auto end = find_head_end(bytes, 0);
  if (request_head head; end != npos && !scan_head(bytes.substr(0, end), limits, head))
    require(seen.method == head.method && seen.path == head.target.substr(0, head.target.find('?')),
            "of a head that is accepted its method and path are peeked");
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {"GET /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=f\r\nhello\r\n0\r\nT: v\r\n\r\n",
                "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET http://b:8080/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
                "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\nGET http://b/c HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n",
                "PUT /%C3%A9/%2F//a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"},
      .words = {"GET ",
                "POST ",
                "OPTIONS * ",
                "CONNECT ",
                "/",
                "/a/b",
                "?q=1",
                "%2e",
                "%2E%2e",
                "%00",
                "%C3%A9",
                "%ff",
                "..",
                "/./",
                "#",
                "http://h/",
                "HTTP://h:80?x",
                " HTTP/1.1\r\n",
                " HTTP/1.0\r\n",
                " HTTP/2.0\r\n",
                "Host: a\r\n",
                "Host: [::1]:80\r\n",
                "host:\r\n",
                "Content-Length: 5\r\n",
                "Content-Length: 0\r\n",
                "Content-Length: +1\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Transfer-Encoding: gzip\r\n",
                "Transfer-Encoding : chunked\r\n",
                "Connection: close\r\n",
                "Connection: keep-alive, x\r\n",
                "Expect: 100-continue\r\n",
                "\r\n",
                "\r",
                "\n",
                "\r\n\r\n",
                "0\r\n\r\n",
                "5\r\nhello\r\n",
                "1;a=b\r\nX\r\n",
                "0\r\nT: v\r\n\r\n",
                "ffffffffffffffff\r\n",
                "a\r\n0123456789\r\n",
                " folded\r\n",
                "X_A: b\r\n",
                ":",
                ";",
                " ",
                "\t",
                std::string(1, '\0'),
                "\x7f",
                "\xff",
                "hello"},
      .outcomes = {"accepted", "refused", "unfinished", "chunked", "absolute", "peeked"}};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  auto choices = choices_for(bytes);
  const auto limits = choices.one_in(2) ? low : bounds{};
  const auto whole = read_whole(bytes, limits.head, limits.chunks);
  require(read_bytewise(bytes, limits.head, limits.chunks) == whole, "read byte by byte it is the same");
  require(read_in_pieces(bytes, limits, choices) == whole, "read in pieces it is the same");
  if (bytes.size() <= 100 && choices.one_in(16))
    require(!find_split_that_matters(bytes, limits.head, limits.chunks), "no cut in two matters");
  for (const auto& request : whole.requests)
    check_request(request, limits);
  if (whole.refused != 0)
    happened(refused);
  if (whole.unfinished)
    happened(unfinished);
  if (bytes.find("chunked") != bytes.npos && !whole.requests.empty())
    happened(chunked);
  check_same_when_written_again(bytes);
  check_peeked(bytes, limits.head);
  return 0;
}
