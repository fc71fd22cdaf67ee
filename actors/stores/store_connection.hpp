// A connection with the store of another node, dialed or accepted, and the channel on it. Which of them is used is
// decided in store_links.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/link_server.hpp"
#include "actors/link_session.hpp"
#include "actors/node_link.hpp"
#include "actors/stores/store_channel.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

class store_connection;

/// Whether a connection that ended comes back by itself.
enum class comes_back : std::uint8_t { no, yes };

/// May close connections from inside, also the one that tells.
class store_connection_user {
public:
  /// `peer()` is known, messages may be sent.
  virtual void on_connection_open(store_connection& connection) = 0;
  /// What was open is over, or a dial failed. With `no` it is closed for good.
  virtual void on_connection_end(store_connection& connection, comes_back again, std::string_view why) = 0;
  /// @returns false when it cannot be taken: the connection ends.
  virtual bool on_connection_message(store_connection& connection, std::string_view message) = 0;
  /// Whether the other node wants the connection to stay.
  virtual void on_connection_wanted(store_connection& connection, bool wanted) = 0;

protected:
  ~store_connection_user() = default;
};

/// On its loop's thread only; held by shared pointers alone.
class store_connection : public std::enable_shared_from_this<store_connection>, private store_channel_user {
public:
  virtual ~store_connection() = default;

  /// After it was made; may tell the user at once.
  virtual void begin() = 0;
  /// For good: nothing more is told.
  void close();
  virtual bool dialed() const noexcept = 0;

  bool is_open() const noexcept { return channel_.is_open(); }
  /// Of an open connection.
  const cluster::link_hello& peer() const noexcept { return *peer_; }
  time_point opened_at() const noexcept { return opened_at_; }

  void send(std::string_view message) { channel_.send(message); }
  void say_wanted(bool wanted) { channel_.say_wanted(wanted); }

protected:
  store_connection(event_loop& loop, store_connection_user& user) : loop_{loop}, user_{user}, channel_{loop, *this} {}

  /// Ends what is under the channel; not from inside of one of its callbacks.
  virtual void hang_up() = 0;
  void opened(std::shared_ptr<const cluster::link_hello> peer, store_channel::caller call);
  void ended(comes_back again, std::string_view why);
  const link_services& services() const noexcept { return channel_.services(); }
  event_loop& loop() noexcept { return loop_; }

private:
  bool on_channel_message(store_channel&, std::string_view message) override {
    return user_.on_connection_message(*this, message);
  }
  void on_channel_wanted(store_channel&, bool wanted) override { user_.on_connection_wanted(*this, wanted); }
  void on_channel_broken(store_channel&, std::string_view why) override;

  event_loop& loop_;
  store_connection_user& user_;
  store_channel channel_;
  std::shared_ptr<const cluster::link_hello> peer_;
  time_point opened_at_{};
  bool closed_ = false;
};

class dialed_connection final : public store_connection {
public:
  /// @param config     `services` and `on_change` are set here.
  /// @param addresses  at least one; tried in turns.
  dialed_connection(event_loop& loop, store_connection_user& user, node_link_config config,
                    std::vector<endpoint> addresses);

  void begin() override { link_.start(); }
  bool dialed() const noexcept override { return true; }
  /// Under way, not waiting to try again.
  bool dialing() const noexcept { return link_.phase() == link_phase::connecting; }

private:
  void hang_up() override { link_.stop(); }
  void on_change(const link_change& change);
  node_link_config with_changes(node_link_config config);

  std::vector<endpoint> addresses_;
  std::size_t next_ = 0;
  node_link link_;
};

class accepted_connection final : public store_connection, private session_owner, private tick_listener {
public:
  accepted_connection(event_loop& loop, store_connection_user& user, accepted_link link, cluster::link_limits limits);

  void begin() override;
  bool dialed() const noexcept override { return false; }

private:
  void hang_up() override;
  void on_session_open(link_session&) override {}
  void on_session_end(link_session&, const session_end& why) override;
  void on_tick(time_point now) override;

  accepted_link link_;
  cluster::link_limits limits_;
  std::shared_ptr<link_session> session_;
};

}  // namespace troupe::actors
