// The accepted links of a simulated process, as actors/link_listener and link_server have them: who has said hello on
// the control loop is handed on to the loop that will serve it.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "session.hpp"

namespace troupe::sim::calls {

/// The links of one loop.
class server {
public:
  server(process& of, loop& on) : of_{of}, loop_{on} {}

  void adopt(wire_ptr accepted, cluster::link_hello peer, std::string received);
  void drain();
  void on_tick(time_point now);
  bool is_empty() const;
  std::size_t calls() const;
  template <class Look>
  void each(Look look) const {
    for (const auto& link : links_)
      look(*link->carried);
  }

private:
  struct served final : session_owner {
    explicit served(server& s) : at{s} {}
    void on_session_open(session&) override {}
    void on_session_end(session& which, const session_end& why) override;
    void serve(incoming_call_ptr call) override;
    server& at;
    std::shared_ptr<session> carried;
  };

  process& of_;
  loop& loop_;
  std::vector<std::shared_ptr<served>> links_;
  bool drains_ = false;
};

/// Connections without a hello.
class doorman {
public:
  explicit doorman(process& of) : of_{of} {}
  ~doorman();
  void welcome(const wire_ptr& arrived);
  void on_tick(time_point now);

private:
  struct stranger final : wire_user, std::enable_shared_from_this<stranger> {
    stranger(doorman& d, wire_ptr w, time_point when) : at{d}, on{std::move(w)}, since{when} {}
    void on_wire() override;
    void look();
    doorman& at;
    wire_ptr on;
    time_point since;
    cluster::link_frame_reader reader;
  };
  void forget(stranger& who);

  process& of_;
  std::list<std::shared_ptr<stranger>> strangers_;
};

}  // namespace troupe::sim::calls
