#include "http/blocking_client.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

using namespace troupe;
using namespace troupe::http;
using testing::HasSubstr;

namespace {

/// Listens on a free loopback port; `serve` gets one accepted connection after the other on a thread of its own.
class scripted_server {
public:
  using script = std::function<void(int connection, int number)>;

  scripted_server(int connections, script serve) : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = std::to_string(ntohs(address.sin_port));
    thread_ = std::thread{[this, connections, serve = std::move(serve)] {
      for (int number = 0; number < connections; ++number) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0)
          return;
        serve(connection, number);
        ::close(connection);
      }
    }};
  }
  ~scripted_server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& port() const { return port_; }

  /// Reads until the request's head and `body_bytes` behind it are there, or the client is gone.
  static std::string receive(int connection, std::size_t body_bytes = 0) {
    std::string bytes;
    for (;;) {
      const auto end = bytes.find("\r\n\r\n");
      if (end != bytes.npos && bytes.size() >= end + 4 + body_bytes)
        return bytes;
      char piece[4096];
      const auto got = ::recv(connection, piece, sizeof piece, 0);
      if (got <= 0)
        return bytes;
      bytes.append(piece, static_cast<std::size_t>(got));
    }
  }
  static void answer(int connection, const std::string& bytes) {
    ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

private:
  int listener_;
  std::string port_;
  std::thread thread_;
};

blocking_client::limits quick() {
  blocking_client::limits bounds;
  bounds.answer_timeout = milliseconds{50};
  bounds.progress_timeout = milliseconds{50};
  bounds.max_response_bytes = 1000;
  return bounds;
}

std::string url_fault(std::string_view url) {
  const auto parsed = parse_server_address(url);
  return parsed ? "" : parsed.error().what;
}

const std::string ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

}  // namespace

TEST(BlockingClientTest, ReadsUrls) {
  EXPECT_EQ(parse_server_address("http://127.0.0.1:9001")->authority(), "127.0.0.1:9001");
  EXPECT_EQ(parse_server_address("http://node.example/")->authority(), "node.example:80");
  EXPECT_EQ(parse_server_address("localhost:9001")->host, "localhost");
  EXPECT_EQ(parse_server_address("http://[::1]:9001")->host, "::1");
  EXPECT_EQ(parse_server_address("http://[::1]:9001")->authority(), "[::1]:9001");
  EXPECT_THAT(url_fault("https://localhost:9001"), HasSubstr("plain http"));
  for (const auto* url : {"", "http://", "localhost", "http://:9001", "http://a:0", "http://a:65536", "http://a:x",
                          "http://a/b", "http://a b:1", "http://[::1", "http://a\r\nx:1", "ftp://a:1", "http://u@a:1"})
    EXPECT_NE(url_fault(url), "") << url;
}

TEST(BlockingClientTest, KeepsItsConnection) {
  scripted_server server{
      1, [](int connection, int) {
        EXPECT_THAT(scripted_server::receive(connection), HasSubstr("GET /a HTTP/1.1\r\nhost: 127.0.0.1:"));
        scripted_server::answer(connection, "HTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nno");
        EXPECT_THAT(scripted_server::receive(connection, 4), HasSubstr("content-length: 4\r\n\r\nbody"));
        scripted_server::answer(connection, ok);
      }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};

  const auto first = client.send("GET", "/a", {}, {});
  const auto second = client.send("PUT", "/b", "text/plain", "body");

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->status, 404u);
  EXPECT_EQ(first->body, "no");
  EXPECT_EQ(second->body, "ok");
}

TEST(BlockingClientTest, ConnectsAnewWhenAKeptConnectionWasClosed) {
  scripted_server server{2, [](int connection, int) {
                           scripted_server::receive(connection);
                           scripted_server::answer(connection, ok);
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};

  EXPECT_TRUE(client.send("GET", "/", {}, {}));
  EXPECT_TRUE(client.send("GET", "/", {}, {}));
}

TEST(BlockingClientTest, SendsNothingTwiceThatMayHaveRun) {
  std::atomic<int> requests = 0;
  scripted_server server{2, [&](int connection, int number) {
                           requests += scripted_server::receive(connection).empty() ? 0 : 1;
                           scripted_server::answer(connection, ok);
                           if (number == 0)
                             requests += scripted_server::receive(connection).empty() ? 0 : 1;
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, quick()};
  ASSERT_TRUE(client.send("GET", "/", {}, {}));

  const auto answer = client.send("POST", "/", "text/plain", "a");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::io);
  EXPECT_EQ(requests, 2);
}

TEST(BlockingClientTest, ConnectsAnewForAPostWhenAKeptConnectionHadBeenClosed) {
  std::atomic<bool> closed = false;
  scripted_server server{2, [&](int connection, int number) {
                           scripted_server::receive(connection);
                           scripted_server::answer(connection, ok);
                           if (number == 0) {
                             ::shutdown(connection, SHUT_RDWR);
                             closed = true;
                           }
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};
  ASSERT_TRUE(client.send("GET", "/", {}, {}));
  while (!closed)
    std::this_thread::yield();

  EXPECT_TRUE(client.send("POST", "/", "text/plain", "a"));
}

TEST(BlockingClientTest, ReadsARefusalThatComesBeforeTheBodyWasSent) {
  scripted_server server{1, [](int connection, int) {
                           scripted_server::receive(connection);
                           scripted_server::answer(
                               connection, "HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig");
                           ::shutdown(connection, SHUT_WR);
                           char piece[65536];
                           while (::recv(connection, piece, sizeof piece, 0) > 0) {
                           }
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};

  const auto answer = client.send("PUT", "/", "text/plain", std::string(8'000'000, 'x'));

  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 413u);
}

TEST(BlockingClientTest, SkipsInterimAnswers) {
  scripted_server server{1, [](int connection, int) {
                           scripted_server::receive(connection);
                           scripted_server::answer(connection, "HTTP/1.1 100 Continue\r\n\r\n" + ok);
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};

  EXPECT_EQ(client.send("GET", "/", {}, {})->body, "ok");
}

TEST(BlockingClientTest, BoundsTheWaitForAnAnswerAndTicksMeanwhile) {
  scripted_server server{1, [](int connection, int) { scripted_server::receive(connection, 1u << 30); }};
  auto bounds = quick();
  bounds.answer_timeout = milliseconds{250};
  blocking_client client{{"127.0.0.1", server.port()}, bounds};
  int ticks = 0;
  client.on_wait([&] { ++ticks; });

  const auto answer = client.send("GET", "/", {}, {});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::budget_spent);
  EXPECT_GE(ticks, 1);
}

TEST(BlockingClientTest, NamesWhatIsWrongWithAnAnswer) {
  const auto fault = [](const std::string& bytes) {
    scripted_server server{1, [&](int connection, int) {
                             scripted_server::receive(connection);
                             scripted_server::answer(connection, bytes);
                           }};
    blocking_client client{{"127.0.0.1", server.port()}, quick()};
    const auto answer = client.send("GET", "/", {}, {});
    EXPECT_FALSE(answer);
    return answer ? error{} : answer.error();
  };

  EXPECT_THAT(fault("SSH-2.0-OpenSSH_9.2\r\n").what, HasSubstr("does not speak HTTP"));
  EXPECT_THAT(fault("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").what,
              HasSubstr("before the answer was complete"));
  EXPECT_EQ(fault("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").code, errc::too_big);
  EXPECT_EQ(fault("").code, errc::io);
}

TEST(BlockingClientTest, SaysWhenNobodyListens) {
  // Bound, so that nobody else takes the port; without `listen` it refuses.
  const int bound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(bound, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &length), 0);
  blocking_client client{{"127.0.0.1", std::to_string(ntohs(address.sin_port))}, {}};

  const auto answer = client.send("GET", "/", {}, {});

  ::close(bound);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::unavailable);
  EXPECT_THAT(answer.error().what, HasSubstr("refused"));
}

TEST(BlockingClientTest, CarriesFieldsBothWays) {
  scripted_server server{1, [](int connection, int) {
                           EXPECT_THAT(scripted_server::receive(connection), HasSubstr("\r\nx-amz-log-type: Tail\r\n"));
                           scripted_server::answer(connection,
                                                   "HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nX-A: 1\r\n"
                                                   "x-a: 2\r\ncontent-length: 0\r\n\r\n");
                         }};
  blocking_client client{{"127.0.0.1", server.port()}, {}};

  const auto answer = client.send("POST", "/", {}, {}, {{"x-amz-log-type", "Tail"}});

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->field("x-amz-function-error"), "Unhandled");
  EXPECT_EQ(answer->field("x-a"), "1");
  EXPECT_EQ(answer->field("x-b"), "");
}
