// One connection between the stores of two nodes: messages both ways, each once and in the order in which they were
// sent. Link calls carry them, which overtake each other; a message that was not acknowledged ends the channel. Who
// dialed is not known here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "config/buffer.hpp"

namespace troupe::actors {

class store_channel;

/// May not destroy the channel from inside.
class store_channel_user {
public:
  /// @returns false when it cannot be taken: the channel breaks.
  virtual bool on_channel_message(store_channel& channel, std::string_view message) = 0;
  /// Whether the other end wants this channel. Until it has said so, it does not.
  virtual void on_channel_wanted(store_channel& channel, bool wanted) = 0;
  /// A message was lost, or what came was none: the connection must be closed. Once per `open`.
  virtual void on_channel_broken(store_channel& channel, std::string_view why) = 0;

protected:
  ~store_channel_user() = default;
};

/// On its loop's thread only.
class store_channel final : private link_service {
public:
  /// Makes a link call of topic `store` on the connection.
  using caller =
      std::function<expected<std::uint64_t>(buffer head, buffer body, time_point deadline, call_callback done)>;

  store_channel(event_loop& loop, store_channel_user& user);
  ~store_channel();
  store_channel(const store_channel&) = delete;
  store_channel& operator=(const store_channel&) = delete;

  /// For the connection: takes what the other end sends.
  const link_services& services() const noexcept { return services_; }

  /// The connection is there: both ends begin at nothing.
  void open(caller call);
  /// The connection is gone, or is being closed.
  void close() noexcept;
  bool is_open() const noexcept { return call_ != nullptr; }

  void send(std::string_view message);
  void say_wanted(bool wanted);

private:
  /// How a message says what it is; travels.
  enum class kind : char { message = 1, wanted = 2, unwanted = 3 };

  void serve(incoming_call_ptr call) override;
  void post(kind what, std::string_view body);
  void take(buffer head, buffer body);
  bool deliver(const buffer& head, const buffer& body);
  void break_off(std::string_view why);

  event_loop& loop_;
  store_channel_user& user_;
  link_services services_;
  caller call_;                   ///< null: closed
  std::shared_ptr<bool> opened_;  ///< false once that connection is over
  std::uint64_t next_out_ = 0;
  std::uint64_t next_in_ = 0;
  std::map<std::uint64_t, std::pair<buffer, buffer>> early_;  ///< by number: others before them are on their way
  std::size_t early_bytes_ = 0;
};

}  // namespace troupe::actors
