#include "actors/basp_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/io/abstract_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>
#include <caf/make_counted.hpp>
#include <caf/openssl/session.hpp>
#include <caf/policy/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <list>
#include <utility>

#include "actors/socket_address.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

using caf::io::network::rw_state;

constexpr seconds tls_report_interval{1};

caf::io::network::default_multiplexer& multiplexer_of(caf::actor_system& system) {
  return static_cast<caf::io::network::default_multiplexer&>(system.middleman().backend());
}

struct plain_bytes {
  rw_state read_some(std::size_t& result, int descriptor, void* bytes, std::size_t size) {
    return caf::policy::tcp::read_some(result, descriptor, bytes, size);
  }
  rw_state write_some(std::size_t& result, int descriptor, const void* bytes, std::size_t size) {
    return caf::policy::tcp::write_some(result, descriptor, bytes, size);
  }
  bool must_read_more(int, std::size_t) { return false; }
};

/// Asked while the connection is young: who has reset it has no address any more.
std::string peer_of(int descriptor) {
  socket_address peer;
  peer.length = sizeof peer.storage;
  return ::getpeername(descriptor, peer.get(), &peer.length) == 0 ? to_string(peer.where()) : std::string{"?"};
}

/// Says why a connection's TLS failed, if that is why it ended. Whoever reaches the port could fill the log, so not
/// always; on the multiplexer's thread.
void report_tls_failure(const std::string& peer) {
  thread_local time_point next_line{};
  const char* why = ERR_reason_error_string(ERR_peek_last_error());
  const auto now = clock::now();
  if (why == nullptr || now < next_line)
    return;
  next_line = now + tls_report_interval;
  log_event(log_level::warning, "control_connection_refused",
            {{"address", peer}, {"reason", std::string{"TLS: "} + why}});
}

/// A failed handshake leaves errors in OpenSSL's queue of the thread, which CAF does not clear: the next call for
/// another connection would take them for its own, and a stranger could end the contact of peers.
struct tls_bytes {
  caf::openssl::session_ptr session;
  std::string peer;
  rw_state read_some(std::size_t& result, int descriptor, void* bytes, std::size_t size) {
    ERR_clear_error();
    return told(session->read_some(result, descriptor, bytes, size));
  }
  rw_state write_some(std::size_t& result, int descriptor, const void* bytes, std::size_t size) {
    ERR_clear_error();
    return told(session->write_some(result, descriptor, bytes, size));
  }
  /// A handshake goes on, and fails, in either.
  rw_state told(rw_state state) const {
    if (state == rw_state::failure)
      report_tls_failure(peer);
    return state;
  }
  bool must_read_more(int descriptor, std::size_t threshold) { return session->must_read_more(descriptor, threshold); }
};

/// Fails every read once the peer has announced more than it may send.
template <class Bytes>
struct refusable {
  Bytes bytes;
  const bool* refused;
  rw_state read_some(std::size_t& result, int descriptor, void* out, std::size_t size) {
    return *refused ? rw_state::failure : bytes.read_some(result, descriptor, out, size);
  }
  rw_state write_some(std::size_t& result, int descriptor, const void* in, std::size_t size) {
    return bytes.write_some(result, descriptor, in, size);
  }
  bool must_read_more(int descriptor, std::size_t threshold) {
    return !*refused && bytes.must_read_more(descriptor, threshold);
  }
};

template <class Bytes>
class bounded_scribe final : public caf::io::scribe {
public:
  bounded_scribe(caf::io::network::default_multiplexer& multiplexer, int descriptor, Bytes bytes,
                 std::size_t max_message_bytes, std::shared_ptr<connection_switch> ends)
      : scribe{caf::io::connection_handle::from_int(descriptor)}, ends_{std::move(ends)},
        max_message_bytes_{max_message_bytes}, stream_{multiplexer, descriptor,
                                                       refusable<Bytes>{std::move(bytes), &refused_}} {
    ends_->attach(descriptor);
  }
  ~bounded_scribe() override { ends_->detach(); }

  void configure_read(caf::io::receive_policy::config wanted) override {
    if (wanted.second > max_message_bytes_) {
      log_event(log_level::warning, "control_message_too_large",
                {{"bytes", wanted.second}, {"allowed_bytes", max_message_bytes_}, {"from", addr()}});
      refused_ = true;
      wanted = caf::io::receive_policy::exactly(1);
      ends_->cut();
    }
    stream_.configure_read(wanted);
    if (std::exchange(launched_, true))
      return;
    stream_.start(this);
    // TLS has its first bytes to send before CAF has; for plain bytes this is one empty write.
    stream_.force_empty_write(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    // What the peer has not taken until now would keep the multiplexer, and with it the end of the system, waiting.
    ends_->cut();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override {
    auto known = caf::io::network::remote_addr_of_fd(stream_.fd());
    return known ? std::move(*known) : std::string{};
  }
  std::uint16_t port() const override {
    const auto known = caf::io::network::remote_port_of_fd(stream_.fd());
    return known ? *known : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }
  bool consume(caf::execution_unit* unit, const void* bytes, std::size_t size) override {
    ends_->note_spoken();
    return scribe::consume(unit, bytes, size);
  }

private:
  std::shared_ptr<connection_switch> ends_;
  const std::size_t max_message_bytes_;
  bool refused_ = false;
  bool launched_ = false;
  caf::io::network::stream_impl<refusable<Bytes>> stream_;
};

class bounded_doorman final : public caf::io::network::doorman_impl {
public:
  bounded_doorman(caf::actor_system& system, int descriptor, transport kind, const socket_limits& limits)
      : doorman_impl{multiplexer_of(system), descriptor}, kind_{kind}, limits_{limits} {}

  bool new_connection() override {
    const int descriptor = acceptor_.accepted_socket();
    if (detached() || !make_room()) {
      ::close(descriptor);
      return !detached();
    }
    auto ends = std::make_shared<connection_switch>();
    auto made = make_scribe(parent()->system(), descriptor, kind_, connection_side::accepted, limits_, ends);
    if (!made)
      return true;  // logged; the next one may fare better
    accepted_.push_back({std::move(ends), clock::now()});
    const auto handle = (*made)->hdl();
    parent()->add_scribe(std::move(*made));
    return doorman::new_connection(&acceptor_.backend(), handle);
  }

private:
  struct accepted {
    std::shared_ptr<connection_switch> ends;
    time_point at;
  };

  /// @returns false when there are too many connections.
  bool make_room() {
    const auto now = clock::now();
    std::size_t silent = 0;
    accepted_.remove_if([](const accepted& each) { return !each.ends->is_open(); });
    for (const auto& each : accepted_)
      silent += each.ends->has_spoken() ? 0 : 1;
    for (auto& each : accepted_) {  // the oldest come first
      if (each.ends->has_spoken() || (silent < limits_.max_silent && now - each.at < limits_.silent_timeout))
        continue;
      each.ends->cut();
      --silent;
    }
    return accepted_.size() < limits_.max_accepted;
  }

  const transport kind_;
  const socket_limits limits_;
  std::list<accepted> accepted_;
};

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof value);  // a connection without it works as well
}

}  // namespace

void connection_switch::cut() noexcept {
  if (const int descriptor = descriptor_.load(); descriptor >= 0)
    ::shutdown(descriptor, SHUT_RDWR);
}

expected<int> open_control_listener(const endpoint& address, endpoint& bound) {
  auto where = resolve(address);
  if (!where)
    return tl::unexpected{where.error()};
  const auto refused = [&](int descriptor) {
    const std::string why = std::strerror(errno);
    if (descriptor >= 0)
      ::close(descriptor);
    return fail(errc::io, "cannot listen on " + to_string(address) + ": " + why);
  };
  const int descriptor = ::socket(where->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0)
    return refused(descriptor);
  // Lets a node that starts again have its port although connections of its last start still linger; never two nodes.
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(descriptor, where->get(), where->length) != 0 || ::listen(descriptor, SOMAXCONN) != 0)
    return refused(descriptor);
  if (::getsockname(descriptor, where->get(), &where->length) != 0)
    return refused(descriptor);
  bound = {address.host, where->port()};
  return descriptor;
}

caf::io::doorman_ptr make_doorman(caf::actor_system& system, int descriptor, transport kind,
                                  const socket_limits& limits) {
  return caf::make_counted<bounded_doorman>(system, descriptor, kind, limits);
}

expected<caf::io::scribe_ptr> make_scribe(caf::actor_system& system, int descriptor, transport kind,
                                          connection_side side, const socket_limits& limits,
                                          std::shared_ptr<connection_switch> ends) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(limits.unsent_timeout.count()));
  auto& multiplexer = multiplexer_of(system);
  auto peer = peer_of(descriptor);
  if (kind == transport::plain)
    return caf::io::scribe_ptr{caf::make_counted<bounded_scribe<plain_bytes>>(
        multiplexer, descriptor, plain_bytes{}, limits.max_message_bytes, std::move(ends))};
  std::string why = "TLS cannot begin";
  ERR_clear_error();
  try {
    auto session = caf::openssl::make_session(system, descriptor, side == connection_side::accepted);
    if (session)
      return caf::io::scribe_ptr{caf::make_counted<bounded_scribe<tls_bytes>>(
          multiplexer, descriptor, tls_bytes{std::move(session), std::move(peer)}, limits.max_message_bytes,
          std::move(ends))};
    // The handshake has begun, and a peer that is quick enough has failed in it already.
    if (side == connection_side::accepted)
      report_tls_failure(peer);
  } catch (const std::exception& problem) {  // a certificate that is gone or damaged by now
    why = problem.what();
  }
  ::close(descriptor);
  log_event(side == connection_side::accepted ? log_level::debug : log_level::warning, "control_connection_failed",
            {{"reason", why}});
  return fail(errc::io, why);
}

}  // namespace troupe::actors
