// Links between nodes: streams that keep order and lose nothing while they are up, as TCP does. What is lost is lost
// with the link; nothing is ever delivered twice. A direction that is cut holds what is sent into it: healed in time,
// all of it arrives; otherwise the receiver notices the silence and the link goes down at each side in its own time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cluster/store_message.hpp"
#include "cuts.hpp"
#include "history_model.hpp"
#include "timeline.hpp"

namespace troupe::sim {

class world;

struct letter {
  enum class kind : std::uint8_t { up, message, down };
  kind what = kind::message;
  cluster::store_message message;
  const history_model* history = nullptr;  ///< that its sender had
  instant ready{0};
};

struct link {
  std::array<std::size_t, 2> ends{};
  std::array<std::uint64_t, 2> lives{};  ///< of the processes
  std::array<bool, 2> open{true, true};
  std::array<std::deque<letter>, 2> flying;  ///< by sender
  std::array<bool, 2> moving{};              ///< the first one's arrival is planned
  std::size_t side_of(std::size_t node) const noexcept { return ends[0] == node ? 0 : 1; }
};

class network {
public:
  network(world& all, std::size_t nodes);

  void add_node();
  /// `from` wants a link; does nothing when it has one or tried just now.
  void dial(std::size_t from, std::size_t to);
  void send(std::size_t from, std::size_t to, cluster::store_message message, const history_model* history);
  /// One side gives the link up; the other hears of it as far as the network lets it.
  void close(const std::shared_ptr<link>& which, std::size_t by);
  /// A process has ended: by itself (the kernel says good-bye), or with its machine (nobody does).
  enum class farewell : std::uint8_t { said, unsaid };
  void ended(std::size_t node, farewell how);
  /// Whoever waits for `node` gives up when it stays silent.
  void falls_silent(std::size_t node);

  void cut(std::size_t from, std::size_t to);
  void heal(std::size_t from, std::size_t to);
  void heal_all();
  bool is_cut(std::size_t from, std::size_t to) const { return cuts_.is_cut(from, to); }
  const cuts& cut_now() const noexcept { return cuts_; }

private:
  instant delay(std::size_t from, std::size_t to);
  instant patience();
  void post(const std::shared_ptr<link>& which, std::size_t side, letter what);
  void plan_arrival(const std::shared_ptr<link>& which, std::size_t side);
  void arrive(const std::shared_ptr<link>& which, std::size_t side);
  void connect(std::size_t from, std::size_t to, std::uint64_t life);
  void give_up_later(const std::shared_ptr<link>& which, std::size_t side, std::function<bool()> still);

  world& all_;
  std::vector<std::uint64_t> slow_;  ///< by node: salt for which pairs are slow
  cuts cuts_;
  std::map<direction, instant> next_dial_;
};

}  // namespace troupe::sim
