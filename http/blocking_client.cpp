#include "http/blocking_client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "config/text.hpp"

namespace troupe::http {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using tcp = net::ip::tcp;

/// A piece of this size that does not get through within the progress limit means a stuck peer, not a slow line.
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr milliseconds tick_interval{100};
constexpr std::string_view allowed_in_host = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

tl::unexpected<error> bad_url(std::string_view url) {
  return fail(errc::bad_usage, "'" + std::string{url} + "' is no URL of a node; expected is http://HOST:PORT");
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != text.npos)
    return false;
  const auto number = std::stoul(std::string{text});
  return number >= 1 && number <= 65535;
}

tl::unexpected<error> failure_of(const beast::error_code& problem, errc otherwise) {
  if (problem == beast::error::timeout)
    return fail(errc::budget_spent, "no answer in time");
  if (problem == beast::http::error::body_limit || problem == beast::http::error::header_limit)
    return fail(errc::too_big, "the answer is larger than this client reads");
  if (problem.category() == beast::http::make_error_code(beast::http::error::bad_version).category() &&
      problem != beast::http::error::end_of_stream && problem != beast::http::error::partial_message)
    return fail(errc::io, "what answers there does not speak HTTP: " + problem.message());
  if (problem == beast::http::error::end_of_stream || problem == beast::http::error::partial_message)
    return fail(errc::io, "the connection was closed before the answer was complete");
  auto words = problem.message();
  if (!words.empty() && words.front() >= 'A' && words.front() <= 'Z')
    words.front() = static_cast<char>(words.front() + ('a' - 'A'));
  return fail(otherwise, std::move(words));
}

}  // namespace

std::string server_address::authority() const {
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return name + ":" + port;
}

expected<server_address> parse_server_address(std::string_view url) {
  auto rest = url;
  const bool has_scheme = rest.starts_with("http://");
  if (rest.starts_with("https://"))
    return fail(errc::bad_usage, "'" + std::string{url} + "': the admin port speaks plain http");
  if (has_scheme)
    rest.remove_prefix(7);
  if (rest.ends_with('/'))
    rest.remove_suffix(1);
  server_address address;
  const bool bracketed = rest.starts_with('[');
  const auto name_end = bracketed ? rest.find(']') : std::min(rest.find(':'), rest.size());
  if (name_end == rest.npos)
    return bad_url(url);
  address.host = rest.substr(bracketed ? 1 : 0, name_end - (bracketed ? 1 : 0));
  rest.remove_prefix(name_end + (bracketed ? 1 : 0));
  const bool named = bracketed ? address.host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos
                               : address.host.find_first_not_of(allowed_in_host) == std::string::npos;
  if (address.host.empty() || !named)
    return bad_url(url);
  if (rest.empty() && has_scheme)
    return address;
  if (!rest.starts_with(':') || !is_port(rest.substr(1)))
    return bad_url(url);
  address.port = rest.substr(1);
  return address;
}

std::string_view client_response::field(std::string_view name) const noexcept {
  for (const auto& [known, value] : fields)
    if (iequals(known, name))
      return value;
  return {};
}

struct blocking_client::connection {
  connection(server_address where, limits bounded) : server{std::move(where)}, bounds{bounded} {}

  server_address server;
  limits bounds;
  std::function<void()> tick;
  net::io_context context{1};
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer received;

  /// Runs what has been started until `done` is set; the stream's own timer bounds it.
  beast::error_code wait(const std::optional<beast::error_code>& done) {
    context.restart();
    while (!done && !context.stopped()) {
      context.run_for(tick_interval);
      if (!done && tick)
        tick();
    }
    return done.value_or(net::error::operation_aborted);
  }

  expected<void> connect() {
    close();
    // The system's resolver: bounded by its own configuration, not by ours.
    beast::error_code problem;
    tcp::resolver resolver{context};
    const auto found = resolver.resolve(server.host, server.port, problem);
    if (problem)
      return fail(errc::unavailable, "the name " + server.host + " is not known: " + problem.message());
    stream.emplace(context);
    std::optional<beast::error_code> done;
    stream->expires_after(bounds.connect_timeout);
    stream->async_connect(found, [&](beast::error_code result, const tcp::endpoint&) { done = result; });
    if (const auto result = wait(done)) {
      close();
      return failure_of(result, errc::unavailable);
    }
    stream->socket().set_option(tcp::no_delay{true}, problem);  // slower without, but not wrong
    return {};
  }

  void close() {
    stream.reset();
    received.clear();
  }

  /// Whether there is a connection of an earlier request that the server has not closed since.
  bool is_kept() {
    if (!stream)
      return false;
    char byte;
    if (::recv(stream->socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
      return true;
    close();  // ended, broken, or with bytes that nobody asked for
    return false;
  }

  beast::error_code write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto piece = bytes.substr(0, piece_bytes);
      std::optional<beast::error_code> done;
      stream->expires_after(bounds.progress_timeout);
      net::async_write(*stream, net::buffer(piece.data(), piece.size()),
                       [&](beast::error_code result, std::size_t) { done = result; });
      if (const auto result = wait(done))
        return result;
      bytes.remove_prefix(piece.size());
    }
    return {};
  }

  /// @param started  set once a byte of the answer has come.
  expected<client_response> read(milliseconds patience, bool& started) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(bounds.max_response_bytes);
    while (!parser.is_done()) {
      std::optional<beast::error_code> done;
      stream->expires_after(started ? bounds.progress_timeout : patience);
      beast::http::async_read_some(*stream, received, parser,
                                   [&](beast::error_code result, std::size_t) { done = result; });
      const auto result = wait(done);
      started = started || parser.got_some() || received.size() != 0;
      if (result) {
        close();
        return failure_of(result, errc::io);
      }
      // An interim answer is not the answer; nothing but its head has been read.
      if (parser.is_done() && parser.get().result_int() < 200)
        return read(patience, started);
    }
    const bool keep = parser.keep_alive();
    client_response response{parser.get().result_int(), std::move(parser.get().body()), {}};
    for (const auto& field : parser.get())
      response.fields.emplace_back(field.name_string(), field.value());
    if (!keep)
      close();
    return response;
  }

  expected<client_response> exchange(std::string_view head, std::string_view body, bool& started) {
    auto problem = write(head);
    if (!problem)
      problem = write(body);
    if (problem == beast::error::timeout) {
      close();
      return failure_of(problem, errc::io);
    }
    // A server may refuse a body before it has come, and close: its reason is worth more than our broken pipe.
    auto answer = read(problem ? bounds.progress_timeout : bounds.answer_timeout, started);
    if (problem)
      close();
    if (problem && !answer)
      return failure_of(problem, errc::io);
    return answer;
  }
};

blocking_client::blocking_client(server_address server, limits bounds)
    : connection_{std::make_unique<connection>(std::move(server), bounds)} {}
blocking_client::~blocking_client() = default;
blocking_client::blocking_client(blocking_client&&) noexcept = default;
blocking_client& blocking_client::operator=(blocking_client&&) noexcept = default;

void blocking_client::on_wait(std::function<void()> tick) {
  connection_->tick = std::move(tick);
}

expected<client_response> blocking_client::send(std::string_view method, std::string_view target,
                                                std::string_view content_type, std::string_view body,
                                                const client_fields& more) {
  std::string head;
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\nhost: ").append(connection_->server.authority());
  head.append("\r\nuser-agent: troupe/" TROUPE_VERSION "\r\naccept: application/json\r\n");
  if (!content_type.empty())
    head.append("content-type: ").append(content_type).append("\r\n");
  if (!content_type.empty() || !body.empty())
    head.append("content-length: ").append(std::to_string(body.size())).append("\r\n");
  for (const auto& [name, value] : more)
    head.append(name).append(": ").append(value).append("\r\n");
  head.append("\r\n");

  const bool kept = connection_->is_kept();
  if (!kept)
    if (auto connected = connection_->connect(); !connected)
      return tl::unexpected{connected.error()};
  bool started = false;
  auto answer = connection_->exchange(head, body, started);
  if (answer || !kept || started || answer.error().code != errc::io)
    return answer;
  // A kept connection that ended without a byte of answer was closed while it idled, or by a server that died of the
  // request or after it: only what may be done twice is sent again (RFC 9110, 9.2.2).
  if (method == "POST" || !connection_->connect())
    return answer;
  return connection_->exchange(head, body, started);
}

}  // namespace troupe::http
