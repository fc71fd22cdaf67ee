#include "actors/link_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "actors/link_session.hpp"
#include "config/log.hpp"

namespace troupe::actors {

accepted_link::accepted_link(accepted_link&& other) noexcept
    : descriptor{std::exchange(other.descriptor, -1)}, cipher{std::move(other.cipher)},
      received{std::move(other.received)}, peer{std::move(other.peer)}, own{std::move(other.own)} {}

accepted_link& accepted_link::operator=(accepted_link&& other) noexcept {
  std::swap(descriptor, other.descriptor);
  cipher = std::move(other.cipher);
  received = std::move(other.received);
  peer = std::move(other.peer);
  own = std::move(other.own);
  return *this;
}

accepted_link::~accepted_link() {
  if (descriptor >= 0)
    ::close(descriptor);
}

class link_server::served final : public session_owner {
public:
  explicit served(link_server& server) : server_{server} {}

  void begin(accepted_link link) {
    session = std::make_shared<link_session>(
        server_.loop_, *this, &server_.services_,
        cluster::link_state{std::move(link.own), std::move(link.peer), server_.config_.limits, server_.loop_.now()},
        std::move(link.cipher));
    if (server_.drains_)
      session->drain();
    session->adopt(std::exchange(link.descriptor, -1), link.received, server_.config_.user_timeout);
  }

  void on_session_open(link_session&) override {}
  void on_session_end(link_session& ended, const session_end& why) override {
    if (why.rejected)
      log_event(
          log_level::warning, "link_closed",
          {{"peer", ended.peer_hello()->node_name}, {"address", ended.peer_hello()->address}, {"reason", why.detail}});
    server_.forget(*this);
  }

  std::shared_ptr<link_session> session;

private:
  link_server& server_;
};

link_server::link_server(event_loop& loop, const link_services& services, link_server_config config)
    : loop_{loop}, services_{services}, config_{config}, ticker_{*this} {}

link_server::~link_server() {
  close();
}

template <class Action>
void link_server::each(Action action) {
  // An action may end links, its own and others.
  for (const auto& link : std::vector{links_})
    action(*link->session);
}

template <class Condition>
void link_server::close_those(Condition condition) {
  each([&](link_session& session) {
    if (condition(*session.peer_hello()))
      session.close({stream_end::closed, false, "the node is served no longer"});
  });
}

void link_server::adopt(accepted_link link) {
  close_those([&](const cluster::link_hello& peer) { return is_other_life(peer, link.peer); });
  if (links_.size() >= config_.max_links) {
    log_event(log_level::warning, "link_refused",
              {{"peer", link.peer.node_name}, {"reason", "this loop has all the links that it may have"}});
    return;
  }
  if (links_.empty())
    loop_.add_tick(ticker_);
  links_.push_back(std::make_shared<served>(*this));
  const auto newcomer = links_.back();
  newcomer->begin(std::move(link));
}

void link_server::forget(served& link) {
  const auto found = std::find_if(links_.begin(), links_.end(), [&](const auto& each) { return each.get() == &link; });
  if (found == links_.end())
    return;
  loop_.keep_until_batch_end((*found)->session);
  loop_.keep_until_batch_end(std::move(*found));
  links_.erase(found);
  if (links_.empty())
    loop_.remove_tick(ticker_);
}

void link_server::on_tick(time_point now) {
  each([&](link_session& session) {
    session.on_tick(now);
    if (session.state().silence(now) > config_.silence_timeout)
      session.close({stream_end::silent, false, "nothing heard for too long"});
  });
}

void link_server::drain() {
  drains_ = true;
  each([](link_session& session) { session.drain(); });
}

void link_server::close() {
  each([](link_session& session) { session.close({stream_end::closed, false, "this node closes its links"}); });
}

void link_server::close_peer(const uuid& node) {
  close_those([&](const cluster::link_hello& peer) { return peer.node == node; });
}

std::size_t link_server::links() const noexcept {
  return links_.size();
}

std::size_t link_server::calls() const noexcept {
  std::size_t sum = 0;
  for (const auto& link : links_)
    sum += link->session->state().peer_calls();
  return sum;
}

bool link_server::idle() const noexcept {
  return std::all_of(links_.begin(), links_.end(), [](const auto& link) { return link->session->idle(); });
}

}  // namespace troupe::actors
