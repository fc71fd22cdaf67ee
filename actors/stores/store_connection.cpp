#include "actors/stores/store_connection.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// A peer pings four times a second.
constexpr seconds silence_timeout{5};
constexpr milliseconds user_timeout{5000};

}  // namespace

void store_connection::close() {
  if (std::exchange(closed_, true))
    return;
  channel_.close();
  // Whoever closes may be called by what is to be hung up.
  loop_.post([kept = shared_from_this()] { kept->hang_up(); });
}

void store_connection::opened(std::shared_ptr<const cluster::link_hello> peer, store_channel::caller call) {
  if (closed_)
    return;
  peer_ = std::move(peer);
  opened_at_ = loop_.now();
  channel_.open(std::move(call));
  user_.on_connection_open(*this);
}

void store_connection::ended(comes_back again, std::string_view why) {
  const auto kept = shared_from_this();
  channel_.close();
  if (closed_)
    return;
  if (again == comes_back::no)
    close();
  user_.on_connection_end(*this, again, why);
}

void store_connection::on_channel_broken(store_channel&, std::string_view why) {
  ended(comes_back::no, why);
}

dialed_connection::dialed_connection(event_loop& loop, store_connection_user& user, node_link_config config,
                                     std::vector<endpoint> addresses)
    : store_connection{loop, user}, addresses_{std::move(addresses)}, link_{loop, with_changes(std::move(config)),
                                                                            &services()} {}

node_link_config dialed_connection::with_changes(node_link_config config) {
  config.peer = addresses_.front();
  config.on_change = [this](const link_change& change) { on_change(change); };
  return config;
}

void dialed_connection::on_change(const link_change& change) {
  switch (change.phase) {
    case link_phase::stopped:
    case link_phase::connecting: return;
    case link_phase::up:
      return opened(link_.peer_hello(), [this](buffer head, buffer body, time_point deadline, call_callback done) {
        return link_.call(cluster::link_topic::store, std::move(head), std::move(body), deadline, std::move(done));
      });
    case link_phase::broken:
      next_ = (next_ + 1) % addresses_.size();
      link_.set_peer(addresses_[next_]);
      return ended(comes_back::yes, change.detail);
  }
}

accepted_connection::accepted_connection(event_loop& loop, store_connection_user& user, accepted_link link,
                                         cluster::link_limits limits)
    : store_connection{loop, user}, link_{std::move(link)}, limits_{limits} {}

void accepted_connection::begin() {
  loop().add_tick(*this);
  auto peer = std::make_shared<const cluster::link_hello>(link_.peer);
  session_ = std::make_shared<link_session>(
      loop(), static_cast<session_owner&>(*this), &services(),
      cluster::link_state{std::move(link_.own), std::move(link_.peer), limits_, loop().now()}, std::move(link_.cipher));
  const auto session = session_;
  // Before anything of the peer is read, so that nothing of it is missed.
  opened(std::move(peer), [this](buffer head, buffer body, time_point deadline, call_callback done) {
    return session_ == nullptr ? fail(errc::link_down, "the connection is closed")
                               : session_->call(cluster::link_topic::store, std::move(head), std::move(body), deadline,
                                                std::move(done));
  });
  session->adopt(std::exchange(link_.descriptor, -1), link_.received, user_timeout);
}

void accepted_connection::hang_up() {
  if (const auto session = session_)
    session->close({stream_end::closed, false, "this node closed the link"});
}

void accepted_connection::on_session_end(link_session&, const session_end& why) {
  loop().remove_tick(*this);
  loop().keep_until_batch_end(std::exchange(session_, nullptr));
  loop().keep_until_batch_end(shared_from_this());
  ended(comes_back::no, why.detail);
}

void accepted_connection::on_tick(time_point now) {
  const auto session = session_;
  session->on_tick(now);
  if (session_ != nullptr && session->state().silence(now) > silence_timeout)
    session->close({stream_end::silent, false, "nothing heard for too long"});
}

}  // namespace troupe::actors
