// A simulated machine with clocks of its own and at most one process of troupe, which has loops, links, a router and
// what it believes of its peers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/link_frame.hpp"
#include "loop.hpp"
#include "members.hpp"
#include "peer_links.hpp"
#include "router.hpp"
#include "server.hpp"
#include "tests/sim/skewed_clock.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class world;
struct machine;

/// One start of a node. All of it is gone when the process ends.
class process {
public:
  process(world& everything, machine& where);
  ~process();

  void start();
  /// A connection has come from another machine, whether this process runs or stands.
  void welcome(const wire_ptr& arrived) { door.welcome(arrived); }
  /// What a peer calls.
  void serve(loop& at, incoming_call_ptr call);
  /// After that long, unless the process has ended.
  void later(instant wait, std::function<void()> what);
  cluster::link_hello hello(std::size_t loop) const;
  peer_links& links(const loop& at) { return *peers[at.index()]; }
  void drain();
  /// No call of anybody is left.
  bool is_empty() const;
  bool busy() const;
  bool all_links_stand(std::size_t peer) const;

  world& all;
  machine& on;
  const uuid incarnation;
  bool overloaded = false;
  bool draining = false;
  int standing_loops = 0;
  bool reads_what_is_old = false;  ///< came before the loop woke from a long sleep
  loop control;
  std::vector<std::unique_ptr<loop>> loops;
  std::vector<std::unique_ptr<peer_links>> peers;
  std::vector<std::unique_ptr<server>> servers;
  doorman door;
  router calls;
  peers_view members;

private:
  void follow();
  void keep_session();
};

struct machine {
  machine(world& everything, std::size_t number);
  ~machine();

  time_point now() const;
  milliseconds boot_now() const;
  instant true_length(instant here) const { return clock.true_length(here); }
  enum class pause : std::uint8_t { stopped, suspended };  ///< SIGSTOP, or the machine sleeps
  void stop(pause how);
  void go_on();
  enum class death : std::uint8_t { killed, power_lost };
  void die(death how);
  void start();

  world& all;
  std::size_t index;
  uuid id;
  std::string name;
  std::size_t loops;
  skewed_clock clock;
  std::unique_ptr<process> running;            ///< null while it is down
  std::vector<cluster::registered_node> copy;  ///< of the store's records, on its disk
  std::uint64_t life = 0;                      ///< counts starts and ends
  bool paused = false;
  bool off = false;  ///< no power: nothing answers at its address
  std::uint64_t pauses = 0;
  instant paused_at{0};
};

}  // namespace troupe::sim::calls
