#include "http/request_head.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/request_target.hpp"
#include "tests/http/request_reading.hpp"

using namespace troupe::http;
using namespace std::string_literals;

namespace {

/// A head with these lines between the request line and the empty line, each with its CRLF.
std::string get(const std::string& target, const std::string& lines = "Host: a\r\n",
                const std::string& version = "1.1") {
  return "GET " + target + " HTTP/" + version + "\r\n" + lines + "\r\n";
}

std::string post(const std::string& lines, const std::string& version = "1.1") {
  return "POST / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n";
}

unsigned status_of(const std::string& bytes, head_limits limits = {}) {
  return read_whole(bytes, limits).refused;
}

}  // namespace

TEST(RequestHeadTest, GivesTheViewsOfARequest) {
  const std::string bytes =
      "PUT /a%20b/c?x=1&y HTTP/1.1\r\nHost: Example.com:8080\r\nX-One:  two words \t\r\nEmpty:\r\n\r\n";
  request_head head;

  ASSERT_EQ(find_head_end(bytes, 0), bytes.size());
  ASSERT_FALSE(scan_head(bytes, {}, head));

  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.target, "/a%20b/c?x=1&y");
  EXPECT_EQ(head.path, "/a%20b/c");
  EXPECT_EQ(head.query, "x=1&y");
  EXPECT_EQ(head.host, "Example.com:8080");
  ASSERT_EQ(head.fields.size(), 3u);
  EXPECT_EQ(head.fields[1].name, "X-One");
  EXPECT_EQ(head.fields[1].value, "two words");
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(head.body, body_framing::none);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHeadTest, FindsTheEndWhereverItLiesAndHoweverTheSearchWasCut) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string bytes = std::string(before, 'x') + "\r\n\r\n" + std::string(40, '\r');
    EXPECT_EQ(find_head_end(bytes, 0), before + 4);
    for (std::size_t cut = 0; cut < before + 4; ++cut) {
      ASSERT_EQ(find_head_end(std::string_view{bytes}.substr(0, cut), 0), npos) << cut;
      ASSERT_EQ(find_head_end(bytes, cut), before + 4) << before << ' ' << cut;
    }
  }
  EXPECT_EQ(find_head_end("\r\r\r\r\r\r\r\n\r\r\n\r\r\n\r\r\n\r\r\n\r\r\n\r", 0), npos);
}

TEST(RequestHeadTest, AFreshScanLeavesNothingOfTheLastOne) {
  request_head head;
  ASSERT_FALSE(scan_head(post("Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n"), {}, head));
  ASSERT_EQ(head.content_length, 5u);

  const auto second = get("/");
  ASSERT_FALSE(scan_head(second, {}, head));

  EXPECT_EQ(head.content_length, 0u);
  EXPECT_EQ(head.body, body_framing::none);
  EXPECT_FALSE(head.expects_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields.size(), 1u);
}

TEST(RequestHeadTest, RefusesMalformedLines) {
  for (const auto& [bytes, why] : {
           std::pair{" GET / HTTP/1.1\r\nHost: a\r\n\r\n"s, "blank first"},
           {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "tab"},
           {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "two blanks"},
           {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "blank behind the version"},
           {"GET /\r\nHost: a\r\n\r\n", "no version"},
           {"GET / b HTTP/1.1\r\nHost: a\r\n\r\n", "blank in the target"},
           {"GET / HTTP/1.1\nHost: a\r\n\r\n", "bare LF"},
           {"GET / HTTP/1.1\rHost: a\r\n\r\n", "bare CR"},
           {std::string(33, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n", "method of 33"},
           {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "no token"},
           {get("/", "Host: a\r\n folded\r\n"), "obs-fold"},
           {get("/", "Host: a\r\n\tfolded\r\n"), "obs-fold with a tab"},
           {get("/", " Host: a\r\n"), "fold behind the request line"},
           {get("/", "Host: a\r\nA : b\r\n"), "blank before the colon"},
           {get("/", "Host: a\r\nAb\r\n"), "no colon"},
           {get("/", "Host: a\r\n: b\r\n"), "no name"},
           {get("/", "Host: a\r\nA(b: c\r\n"), "name that is no token"},
           {get("/", "Host: a\r\nA\xe9: c\r\n"), "name beyond ASCII"},
           {get("/", "Host: a\r\nA: b\0c\r\n"s), "NUL"},
           {get("/", "Host: a\r\nA: b\x01\r\n"), "control"},
           {get("/", "Host: a\r\nA: b\x7f\r\n"), "DEL"},
           {get("/", "Host: a\r\nA: b\nC: d\r\n"), "LF in a value"},
           {get("/", "Host: a\r\nA: b\rC: d\r\n"), "CR in a value"},
           {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "two empty lines first"},
       }) {
    EXPECT_EQ(status_of(bytes), 400u) << why;
    EXPECT_EQ(find_split_that_matters(bytes), std::nullopt) << why;
  }
}

TEST(RequestHeadTest, RefusesAControlCharacterAtEachPlaceOfALongValue) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string value(40, 'v');
    value[at] = '\x1f';
    EXPECT_EQ(status_of(get("/", "Host: a\r\nA: " + value + "\r\n")), 400u) << at;
    value[at] = '\t';
    EXPECT_EQ(status_of(get("/", "Host: a\r\nA: " + value + "\r\n")), 0u) << at;
    value[at] = '\xff';
    EXPECT_EQ(status_of(get("/", "Host: a\r\nA: " + value + "\r\n")), 0u) << at;
  }
}

TEST(RequestHeadTest, OneEmptyLineBeforeARequestIsSkipped) {
  const auto bytes = "\r\n" + get("/x") + "\r\n" + get("/y");
  const auto seen = read_whole(bytes);
  ASSERT_EQ(seen.requests.size(), 2u);
  EXPECT_EQ(seen.requests[1].path, "/y");
  EXPECT_EQ(find_split_that_matters(bytes), std::nullopt);
}

TEST(RequestHeadTest, VersionsAndMethods) {
  EXPECT_EQ(status_of(get("/", "", "1.0")), 0u);
  for (const std::string version : {"1.2", "2.0", "0.9", "1.10", "11"})
    EXPECT_EQ(status_of(get("/", "Host: a\r\n", version)), 505u) << version;
  EXPECT_EQ(status_of("GET / http/1.1\r\nHost: a\r\n\r\n"), 505u);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505u);
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
    EXPECT_EQ(status_of(method + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 0u) << method;
  EXPECT_EQ(status_of("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), 405u);
  EXPECT_EQ(status_of("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"), 405u);
  for (const std::string method : {"get", "BREW", "GETX", "ANY"})
    EXPECT_EQ(status_of(method + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 501u) << method;
}

TEST(RequestHeadTest, Targets) {
  for (const auto& [target, status] : {
           std::pair{"/"s, 0u},
           {"//", 0},
           {"/a//b/", 0},
           {"/?", 0},
           {"/a?b?c=/../%00", 0},
           {"/...", 0},
           {"/.a/b..", 0},
           {"/100%", 0},
           {"/%zz%4", 0},
           {"/a%2Fb", 0},
           {"/%E2%98%95?x=%C3%A9", 0},
           {"/%F0%9F%98%80", 0},
           {"/.", 400},
           {"/..", 400},
           {"/a/./b", 400},
           {"/a/../b", 400},
           {"/a/..", 400},
           {"/%2e", 400},
           {"/%2E%2e/b", 400},
           {"/.%2e", 400},
           {"/a%00b", 400},
           {"/a#b", 400},
           {"/a?b#c", 400},
           {"/%ff", 400},
           {"/%C3", 400},
           {"/%C3x", 400},
           {"/%C3%28", 400},
           {"/%C0%AF", 400},
           {"/%ED%A0%80", 400},
           {"/%80", 400},
           {"/?x=%ff", 400},
           {"/?x=%E2%98", 400},
           {"/a\x80", 400},
           {"/a\x7f", 400},
           {"/a\x01", 400},
           {"*", 400},
           {"abc", 400},
           {"?", 400},
           {"a.b:80", 400},
           {"https://a/", 400},
           {"ftp://a/", 400},
           {"http://", 400},
           {"http:///x", 400},
           {"http://u:p@h/", 400},
           {"http://a b/", 400},
           {"http://a,b/", 400},
           {"http://a/../b", 400},
           {"http://a#f", 400},
       }) {
    EXPECT_EQ(status_of(get(target)), status) << target;
  }
  EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0u);
  EXPECT_EQ(status_of("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), 400u);
}

TEST(RequestHeadTest, AnAbsoluteTargetOverridesHost) {
  const auto seen = read_whole(get("HTTP://b.example:81/x?y=http://z/", "Host: a\r\n") + get("http://c?q") +
                               get("http://d", "", "1.0"));

  ASSERT_EQ(seen.requests.size(), 3u);
  EXPECT_EQ(seen.requests[0].host, "b.example:81");
  EXPECT_EQ(seen.requests[0].fields[0].second, "b.example:81");
  EXPECT_EQ(seen.requests[0].path, "/x");
  EXPECT_EQ(seen.requests[0].query, "y=http://z/");
  EXPECT_EQ(seen.requests[1].path, "/");
  EXPECT_EQ(seen.requests[1].query, "q");
  EXPECT_EQ(seen.requests[2].host, "d");
  EXPECT_EQ(seen.requests[2].path, "/");
}

TEST(RequestHeadTest, HostIsExactlyOneValidAuthority) {
  for (const std::string good : {"a", "A.b-c_d~", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:443", "a:", "a:65535"})
    EXPECT_EQ(status_of(get("/", "hOST: " + good + "\r\n")), 0u) << good;
  for (const std::string bad : {"",      " ",   "a, b", "a,b", "user@a", "a/b",   "a b", "\xff", "a:65536", "a:x",
                                "a:1:2", "::1", "[::1", "[]",  "[::1]x", "[::g]", ":80", "a?b",  "a%20b",   "http://a"})
    EXPECT_EQ(status_of(get("/", "Host: " + bad + "\r\n")), 400u) << bad;
  EXPECT_EQ(status_of(get("/", "")), 400u);
  EXPECT_EQ(status_of(get("/", "Host: a\r\nHost: b\r\n")), 400u);
  EXPECT_EQ(status_of(get("/", "Host: a\r\nhost: a\r\n")), 400u);
  EXPECT_EQ(status_of(get("/", "Host: a\r\nHost: a\r\n", "1.0")), 400u);
  EXPECT_EQ(status_of(get("/", "Host: a b\r\n", "1.0")), 400u);
}

TEST(RequestHeadTest, ContentLengthIsOneNumberWithinTheLimit) {
  EXPECT_EQ(status_of(post("Content-Length: 0\r\n")), 0u);
  EXPECT_EQ(status_of(post("content-length:0000000000000000005\r\n") + "hello"), 0u);
  for (const std::string bad : {"", "+5", "-5", "0x5", "5_0", "5, 5", "5,5", "5;5", "5 5", "5.", "00000000000000000005",
                                "99999999999999999999", "\xb2"})
    EXPECT_EQ(status_of(post("Content-Length: " + bad + "\r\n") + "hello"), 400u) << bad;
  EXPECT_EQ(status_of(post("Content-Length: 5\r\nContent-Length: 5\r\n") + "hello"), 400u);
  EXPECT_EQ(status_of(post("Content-Length: 10000001\r\n")), 413u);
  EXPECT_EQ(status_of(post("Content-Length: 9999999999999999999\r\n")), 413u);
  EXPECT_TRUE(read_whole(post("Content-Length: 10000000\r\n")).unfinished);
  EXPECT_EQ(status_of(post("Content-Length: 6\r\n"), {.max_body_bytes = 5}), 413u);
}

TEST(RequestHeadTest, FramingFaultsAre400BeforeAnythingElseIsSaid) {
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip\r\nContent-Length: 99999999999\r\n")), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), 400u);
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip\r\nExpect: x\r\n")), 417u);
  EXPECT_EQ(status_of("BREW / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400u);
}

TEST(RequestHeadTest, KeepAliveIsWhatConnectionSays) {
  const auto keeps = [](const std::string& lines, const std::string& version) {
    request_head head;
    const auto bytes = get("/", "Host: a\r\n" + lines, version);
    EXPECT_FALSE(scan_head(bytes, {}, head)) << lines;
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps("", "1.1"));
  EXPECT_FALSE(keeps("Connection: close\r\n", "1.1"));
  EXPECT_FALSE(keeps("Connection: foo\r\ncOnnection: ,, CLOSE ,\r\n", "1.1"));
  EXPECT_TRUE(keeps("Connection: closed, x-close\r\n", "1.1"));
  EXPECT_TRUE(keeps("Proxy-Connection: close\r\n", "1.1"));
  EXPECT_FALSE(keeps("", "1.0"));
  EXPECT_TRUE(keeps("Connection: Keep-Alive\r\n", "1.0"));
  EXPECT_FALSE(keeps("Connection: keep-alive, close\r\n", "1.0"));
  EXPECT_FALSE(keeps("Connection: close\r\nConnection: keep-alive\r\n", "1.1"));
  EXPECT_EQ(status_of(get("/", "Host: a\r\nConnection: @\r\n")), 400u);
  EXPECT_EQ(status_of(get("/", "Host: a\r\nConnection: close keep-alive\r\n")), 400u);
}

TEST(RequestHeadTest, ContinueIsExpectedOnlyWithABodyOn11) {
  const auto expects = [](const std::string& bytes) {
    request_head head;
    EXPECT_FALSE(scan_head(bytes, {}, head)) << bytes;
    return head.expects_continue;
  };
  EXPECT_TRUE(expects(post("Expect: 100-Continue\r\nContent-Length: 3\r\n")));
  EXPECT_TRUE(expects(post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")));
  EXPECT_FALSE(expects(post("Expect: 100-continue\r\n")));
  EXPECT_FALSE(expects(post("Expect: 100-continue\r\nContent-Length: 0\r\n")));
  EXPECT_FALSE(expects(post("Expect: 100-continue\r\nContent-Length: 3\r\n", "1.0")));
  EXPECT_FALSE(expects(post("Expect: other\r\nContent-Length: 3\r\n", "1.0")));
  EXPECT_EQ(status_of(post("Expect: 100-continue, x\r\nContent-Length: 3\r\n")), 417u);
  EXPECT_EQ(status_of(post("Expect: 100-continue\r\nContent-Length: 10000001\r\n")), 413u);
}

TEST(RequestHeadTest, UnderscoresInNamesStayAndFrameNothing) {
  const auto seen =
      read_whole(post("Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX_A: 1\r\nX-A: 2\r\n") + get("/next"));
  ASSERT_EQ(seen.requests.size(), 2u);
  EXPECT_EQ(seen.requests[0].fields[3].first, "X_A");
  EXPECT_EQ(seen.requests[0].body, "");
}

TEST(RequestHeadTest, LimitsAreExact) {
  const auto of_size = [](std::size_t size) {
    const auto frame = get("/", "Host: a\r\nA: \r\n");
    return get("/", "Host: a\r\nA: " + std::string(size - frame.size(), 'b') + "\r\n");
  };
  for (const auto& [bytes, status, why] : {
           std::tuple{of_size(10240), 0u, "head at the limit"},
           {of_size(10241), 431u, "head over it"},
           {get("/" + std::string(8191, 'p')), 0u, "target at the limit"},
           {get("/" + std::string(8192, 'p')), 414u, "target over it"},
           {get("/" + std::string(20000, 'p')), 414u, "target over both"},
           {"GET " + std::string(20000, 'p'), 414u, "target without an end"},
           {std::string(20000, 'p'), 431u, "method without an end"},
       }) {
    EXPECT_EQ(status_of(bytes), status) << why;
    EXPECT_EQ(read_bytewise(bytes).refused, status) << why;
  }
  std::string fields = "Host: a\r\n";
  for (int i = 1; i < 100; ++i)
    fields += "A:\r\n";
  EXPECT_EQ(status_of(get("/", fields)), 0u);
  EXPECT_EQ(status_of(get("/", fields + "A:\r\n")), 431u);
}
