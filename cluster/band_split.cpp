#include "cluster/band_split.hpp"

#include <algorithm>
#include <tuple>

namespace troupe::cluster {

namespace {

/// One split while it is made. Counts are per member, in the order of the members.
class splitting {
  /// The first of those that `may`, by `order` and then by id; the number of members when there is none.
  template <class May, class Order>
  std::size_t best(May may, Order order) const {
    auto found = members_.size();
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (may(i) && (found == members_.size() ||
                     std::tuple{order(i), members_[i].node} < std::tuple{order(found), members_[found].node}))
        found = i;
    return found;
  }

  auto order_of_shares() const {
    return [this](std::size_t i) {
      const auto& member = members_[i];
      return std::tuple{member.running <= share_[i], share_[i], !member.is_home, ~member.memory_left_bytes};
    };
  }
  auto order_of_need() const {
    return [this](std::size_t i) { return std::tuple{members_[i].outstanding, ~room_[i], members_[i].is_home}; };
  }

public:
  splitting(const split_limits& limits, std::span<const split_member> members)
      : limits_{limits}, members_{members}, share_(members.size()), room_(members.size()) {}

  void share_minimum(lowering may_lower) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      total += share_[i] = members_[i].given.min;
    for (; total > limits_.min && may_lower == lowering::allowed; --total)
      --share_[best([&](std::size_t i) { return share_[i] > 0; },
                    [&](std::size_t i) {
                      // Where the most are, and where none has to stop for it.
                      return std::tuple{~share_[i], members_[i].running >= share_[i], members_[i].is_home};
                    })];
    for (; total < limits_.min; ++total) {
      const auto to = best([&](std::size_t i) { return has_memory(i, share_[i]); }, order_of_shares());
      ++share_[to < members_.size() ? to : best([](std::size_t) { return true; }, order_of_shares())];
    }
  }

  void share_maximum() {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      total += room_[i] = std::max(share_[i], members_[i].running);
    for (; total > limits_.max; --total) {
      // Of a node that needs it least; of the minimum only when nothing else is left.
      auto from = best([&](std::size_t i) { return room_[i] > share_[i]; }, order_of_need());
      if (from == members_.size())
        from = best([&](std::size_t i) { return room_[i] > 0; }, order_of_need());
      --room_[from];
      share_[from] = std::min(share_[from], room_[from]);
    }
    auto left = static_cast<std::uint32_t>(limits_.max - total);
    left = answer_askers(left);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto held = members_[i].given.max;
      if (members_[i].is_home || held <= room_[i])
        continue;
      const auto kept = std::min(held - room_[i], left);
      room_[i] += kept;
      left -= kept;
    }
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (members_[i].is_home)
        room_[i] += left;
  }

  std::vector<instance_band> bands() const {
    std::vector<instance_band> made;
    for (std::size_t i = 0; i < members_.size(); ++i)
      made.push_back({share_[i], room_[i]});
    return made;
  }

private:
  std::uint32_t answer_askers(std::uint32_t left) {
    std::vector<std::uint32_t> asked(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i)
      asked[i] = std::min(members_[i].wanted, members_[i].fits);
    for (; left > 0; --left) {
      const auto to = best([&](std::size_t i) { return asked[i] > 0; },
                           [&](std::size_t i) {
                             return std::tuple{-members_[i].queue_age, room_[i], false};
                           });
      if (to == members_.size())
        break;
      ++room_[to];
      --asked[to];
    }
    return left;
  }

  /// Whether member `i` runs more than `count` already, or has memory for them.
  bool has_memory(std::size_t i, std::uint32_t count) const {
    const auto& member = members_[i];
    return count < member.running || count - member.running < member.fits;
  }

  split_limits limits_;
  std::span<const split_member> members_;
  std::vector<std::uint32_t> share_;  ///< of the minimum
  std::vector<std::uint32_t> room_;   ///< of the maximum
};

}  // namespace

std::vector<instance_band> split_band(const split_limits& limits, std::span<const split_member> members,
                                      lowering may_lower) {
  if (members.empty())
    return {};
  splitting split{limits, members};
  split.share_minimum(may_lower);
  if (limits.max != 0)
    split.share_maximum();
  return split.bands();
}

}  // namespace troupe::cluster
