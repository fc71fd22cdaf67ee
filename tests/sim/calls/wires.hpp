// Connections between nodes as their kernels know them: streams that keep order and lose nothing while they last, with
// a delay, a bandwidth and bounded buffers. A direction that is cut holds what is sent into it until it is healed or
// the sender's kernel gives up. What a stopped process does not read stays; nothing is ever delivered twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/cuts.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class world;

enum class wire_end : std::uint8_t {
  refused,  ///< nobody listens there
  silent,   ///< the kernel gave up: nothing was acknowledged for too long
  closed,   ///< the other side closed or reset it
};

/// Who holds an end of a wire. Called by the kernel, whether its process runs or not.
class wire_user {
public:
  /// Connected, readable, writable again, or over.
  virtual void on_wire() = 0;

protected:
  ~wire_user() = default;
};

struct wire {
  struct segment {
    std::string bytes;
    instant sent_at{0};
    instant ready{0};
    bool last = false;  ///< the sender has closed
  };
  struct stream {
    std::deque<segment> flying;
    std::size_t pending = 0;  ///< bytes that the sender's kernel keeps
    instant line_free{0};
    bool moving = false;   ///< the first segment's arrival is planned
    bool watched = false;  ///< the sender's kernel will look whether it is acknowledged
    bool mute = false;     ///< carries nothing any more
    bool wanted = false;   ///< the sender waits for room
    std::string unread;    ///< by the receiver
    instant unread_since{0};
  };
  std::array<std::size_t, 2> ends{};            ///< nodes; 0 dialed
  std::array<wire_user*, 2> user{};             ///< null: closed by its owner, or nobody yet
  std::array<bool, 2> closed{};                 ///< by its owner; whatever comes is answered by a reset
  std::array<std::optional<wire_end>, 2> over;  ///< told behind all bytes
  std::array<stream, 2> out;                    ///< by sender
  bool accepted = false;                        ///< a process has it, or had it
  bool connected = false;                       ///< as the kernel of the dialer knows
};
using wire_ptr = std::shared_ptr<wire>;

class wires {
public:
  explicit wires(world& all) : all_{all} {}
  void add_node();

  /// What comes of it is told to `user`.
  wire_ptr dial(std::size_t from, std::size_t to, wire_user& user);
  /// @returns how many bytes the kernel has taken.
  std::size_t send(const wire_ptr& which, std::size_t side, std::string_view bytes);
  /// What has come, up to `most` bytes.
  std::string read(const wire_ptr& which, std::size_t side, std::size_t most);
  void close(const wire_ptr& which, std::size_t side);
  /// The process at `node` has ended; `with_machine`: nobody says so to anybody.
  void ended(std::size_t node, bool with_machine);

  /// Both ends are reset by something between them.
  void break_one(const wire_ptr& which);
  void cut(direction which) { cuts_.cut(which); }
  void heal(const std::vector<direction>& which);
  const cuts& cut_now() const noexcept { return cuts_; }
  bool is_cut(std::size_t from, std::size_t to) const;
  /// Those that have two ends.
  std::vector<wire_ptr> standing();

  instant delay(std::size_t from, std::size_t to);
  bool is_slow(std::size_t from, std::size_t to) const;

private:
  void arrive(const wire_ptr& which, std::size_t side);
  void plan_arrival(const wire_ptr& which, std::size_t side);
  void watch(const wire_ptr& which, std::size_t side);
  void end(const wire_ptr& which, std::size_t side, wire_end how);
  void tell(const wire_ptr& which, std::size_t side);
  void reset(const wire_ptr& which, std::size_t by);
  void shut(const wire_ptr& which, std::size_t side);
  void connect(const wire_ptr& which);

  world& all_;
  cuts cuts_;
  std::vector<std::uint64_t> slow_;  ///< by node: salt for which pairs are slow
  std::vector<std::weak_ptr<wire>> made_;
  std::size_t purge_at_ = 64;
};

}  // namespace troupe::sim::calls
