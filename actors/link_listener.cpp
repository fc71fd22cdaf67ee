#include "actors/link_listener.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <utility>

#include "actors/link_stream.hpp"
#include "actors/socket_address.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// Before those that came earlier are heard: far fewer than give way to newcomers.
constexpr int max_accepts_in_a_row = 64;
constexpr std::chrono::minutes report_interval{1};
/// Reasons that are told in that time, each once: a port that somebody scans shall not fill the log, nor hide a node
/// that has the wrong certificate.
constexpr std::size_t max_reports = 8;

}  // namespace

class link_listener::door final : private watcher, private batch_listener, private tick_listener {
public:
  class stranger;

  door(event_loop& loop, int descriptor, link_listener_config config)
      : loop_{loop}, config_{std::move(config)}, descriptor_{descriptor} {}
  ~door() { stop(); }

  void start();
  void stop();
  std::size_t strangers() const noexcept { return strangers_.size(); }
  std::uint64_t turned_away() const noexcept { return turned_away_; }

  event_loop& loop() noexcept { return loop_; }
  const link_listener_config& config() const noexcept { return config_; }
  void deliver(stranger& who, accepted_link link);
  void turn_away(stranger& who, const std::string& why);

private:
  void on_ready(std::uint32_t) override { accept_all(); }
  void on_batch_end() override;
  void on_tick(time_point now) override;
  void accept_all();
  void welcome(int descriptor, std::string address);
  void forget(stranger& who);
  void report(std::string_view address, const std::string& why);

  event_loop& loop_;
  link_listener_config config_;
  int descriptor_;
  bool started_ = false;
  bool resuming_ = false;
  bool paused_ = false;                             ///< no descriptors left: the next tick tries again
  std::list<std::shared_ptr<stranger>> strangers_;  ///< the oldest first
  std::uint64_t turned_away_ = 0;
  std::uint64_t unreported_ = 0;
  std::set<std::string, std::less<>> reported_;  ///< reasons since `reported_at_`
  time_point reported_at_{};
};

/// A connection that has not said who it is.
class link_listener::door::stranger final : public std::enable_shared_from_this<stranger>, private stream_user {
public:
  stranger(door& at, std::string from, std::unique_ptr<stream_cipher> cipher)
      : address{std::move(from)}, since{at.loop().now()}, door_{at}, stream_{at.loop(), *this, std::move(cipher)} {}

  void begin(int descriptor) {
    if (const auto failure = stream_.adopt(descriptor, door_.config().hello_timeout))
      on_stream_closed(*failure);
  }
  void close() noexcept { stream_.close(); }

  const std::string address;
  const time_point since;

private:
  void on_stream_open() override {}
  void on_stream_bytes(std::string_view bytes) override;
  void on_stream_pull(buffer& out, std::size_t) override {
    out.append(last_word_.view());
    last_word_.clear();
  }
  void on_stream_written(std::size_t) override {}
  void on_stream_closed(const stream_failure& why) override {
    door_.turn_away(*this, refusal_.empty() ? why.detail : refusal_);
  }

  void on_hello(const cluster::link_frame& frame);
  void refuse(std::string why);

  door& door_;
  link_stream stream_;
  cluster::link_frame_reader reader_;
  buffer last_word_;
  std::string refusal_;  ///< has been decided; what comes is not read any more
};

void link_listener::door::stranger::on_stream_bytes(std::string_view bytes) {
  if (!refusal_.empty())
    return;
  reader_.feed(bytes);
  const auto first = reader_.next();
  if (!first || (*first && (*first)->kind != cluster::link_kind::hello))
    return door_.turn_away(*this, "what came is no hello of a node");
  if (*first)
    on_hello(**first);
}

void link_listener::door::stranger::on_hello(const cluster::link_frame& frame) {
  auto peer = cluster::read_hello(frame);
  if (!peer)
    return door_.turn_away(*this, peer.error().what);
  if (const auto own = door_.config().hello(); !compatible(own, *peer))
    return refuse(versions_text(own, *peer));
  if (const auto* cipher = stream_.cipher())
    if (const auto named = cipher->check_peer(peer->node_name); !named)
      return refuse(named.error().what);
  auto own = door_.config().accept(*peer);
  if (!own)
    return refuse(own.error().what);
  accepted_link link;
  link.received = reader_.rest();
  link.peer = std::move(*peer);
  link.own = std::move(*own);
  link.descriptor = stream_.detach();
  link.cipher = stream_.take_cipher();
  door_.deliver(*this, std::move(link));
}

void link_listener::door::stranger::refuse(std::string why) {
  cluster::append_refuse_hello(last_word_, why);
  refusal_ = std::move(why);
  stream_.close_when_sent();
}

void link_listener::door::start() {
  if (std::exchange(started_, true))
    return;
  loop_.add_tick(*this);
  if (const auto watched = loop_.watch(descriptor_, EPOLLIN, *this); !watched)
    log_event(log_level::error, "link_listener_failed", {{"reason", watched.error().what}});
}

void link_listener::door::stop() {
  if (descriptor_ < 0)
    return;
  if (started_) {
    loop_.cancel_batch_end(*this);
    loop_.remove_tick(*this);
    loop_.unwatch(descriptor_, *this);
  }
  ::close(std::exchange(descriptor_, -1));
  for (auto& each : std::exchange(strangers_, {})) {
    each->close();
    loop_.keep_until_batch_end(std::move(each));
  }
}

void link_listener::door::on_batch_end() {
  resuming_ = false;
  accept_all();
}

void link_listener::door::on_tick(time_point now) {
  if (std::exchange(paused_, false))
    accept_all();
  while (!strangers_.empty() && now - strangers_.front()->since >= config_.hello_timeout)
    turn_away(*strangers_.front(), "no hello in time");
}

void link_listener::door::accept_all() {
  for (int accepts = 0; descriptor_ >= 0; ++accepts) {
    if (accepts == max_accepts_in_a_row) {
      if (!std::exchange(resuming_, true))
        loop_.at_batch_end(*this);
      return;
    }
    socket_address peer;
    peer.length = sizeof peer.storage;
    const int accepted = ::accept4(descriptor_, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
      welcome(accepted, to_string(peer.where()));
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
      paused_ = errno != EAGAIN;
      return;
    }
  }
}

void link_listener::door::welcome(int descriptor, std::string address) {
  if (strangers_.size() >= config_.max_strangers)
    turn_away(*strangers_.front(), "others came after it, and it had not said hello");
  const auto newcomer =
      std::make_shared<stranger>(*this, std::move(address), config_.make_cipher ? config_.make_cipher() : nullptr);
  strangers_.push_back(newcomer);
  newcomer->begin(descriptor);
}

void link_listener::door::forget(stranger& who) {
  auto kept = who.shared_from_this();
  strangers_.remove(kept);
  loop_.keep_until_batch_end(std::move(kept));
}

void link_listener::door::deliver(stranger& who, accepted_link link) {
  forget(who);
  config_.deliver(std::move(link));
}

void link_listener::door::turn_away(stranger& who, const std::string& why) {
  ++turned_away_;
  report(who.address, why);
  who.close();
  forget(who);
}

void link_listener::door::report(std::string_view address, const std::string& why) {
  ++unreported_;
  if (loop_.now() - reported_at_ >= report_interval || reported_at_ == time_point{}) {
    reported_.clear();
    reported_at_ = loop_.now();
  }
  if (reported_.size() >= max_reports || !reported_.insert(why).second)
    return;
  log_event(log_level::warning, "link_turned_away",
            {{"address", address}, {"reason", why}, {"count", std::exchange(unreported_, 0)}});
}

expected<int> open_link_socket(const endpoint& address, endpoint& bound) {
  auto where = resolve(address);
  if (!where)
    return tl::unexpected{where.error()};
  const int descriptor = open_listening(*where, port_use::exclusive);
  if (descriptor < 0)
    return cannot_listen(address, errno);
  ::getsockname(descriptor, where->get(), &where->length);
  bound = where->where();
  return descriptor;
}

std::function<void(accepted_link)> deliver_to(std::vector<link_destination> servers, link_destination control) {
  struct destination {
    link_destination to;
    std::weak_ptr<const bool> life;
  };
  const auto known = [](const link_destination& to) { return destination{to, to.server->life()}; };
  std::vector<destination> all;
  for (const auto& each : servers)
    all.push_back(known(each));
  return [all = std::move(all), control = known(control)](accepted_link link) {
    const bool stays = link.peer.purpose == cluster::link_purpose::control || all.empty();
    const auto& to = stays ? control : all[link.peer.loop % all.size()];
    auto kept = std::make_shared<accepted_link>(std::move(link));
    // The server may end before its loop comes to this; then the link is closed with what holds it.
    to.to.loop->post([server = to.to.server, life = to.life, kept] {
      if (life.lock())
        server->adopt(std::move(*kept));
    });
  };
}

link_listener::link_listener(event_loop& control_loop, int descriptor, link_listener_config config)
    : door_{std::make_unique<door>(control_loop, descriptor, std::move(config))} {}
link_listener::~link_listener() = default;

void link_listener::start() {
  door_->start();
}
void link_listener::stop() {
  door_->stop();
}
std::size_t link_listener::strangers() const noexcept {
  return door_->strangers();
}
std::uint64_t link_listener::turned_away() const noexcept {
  return door_->turned_away();
}

}  // namespace troupe::actors
