// A node as the home of functions: when their bands are split anew, and in which order nodes are told, so that what all
// of them may run together never passes a maximum while those that decide see the same nodes. Pure: what others say is
// handed in, orders come out. How a split looks is cluster/band_split's; what a node does with an order is
// cluster/node_bands'.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "cluster/band_split.hpp"
#include "cluster/instance_band.hpp"
#include "cluster/node_load.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// A function with a minimum or a maximum; others need no bands.
struct planned_function {
  uuid id;
  std::uint64_t version = 0;
  split_limits limits;
  std::uint64_t memory_bytes = 0;  ///< of one instance
};

/// One of the nodes among which functions have their homes, and what it last said of itself.
struct plan_member {
  uuid node;
  uuid incarnation;
  bool heard = false;     ///< its load is known
  time_point heard_at{};  ///< when it last said so
  std::uint64_t memory_left_bytes = 0;
  const std::map<uuid, function_presence>* functions = nullptr;  ///< null: none
};

enum class order_answer : std::uint8_t {
  done,    ///< it runs no more than the order allows
  failed,  ///< or nothing is known of it: the order may count or not
};

class instance_plan {
public:
  /// So long the same nodes must have been seen before anything is decided.
  static constexpr seconds stable_after{2};
  /// So long a new home takes nothing away that is used.
  static constexpr seconds lowering_after{60};
  /// A node in the view of which nothing is heard is waited for so long.
  static constexpr seconds hearing_patience{5};
  /// Between two calls of `next`: this node was stopped meanwhile, and others may have decided.
  static constexpr seconds late_call{1};
  /// Between two orders of the same band to a node: one that failed, or that shows no effect.
  static constexpr milliseconds first_retry{200}, longest_retry{2'000};
  /// Orders of one `next`; the rest comes with the following ones.
  static constexpr std::size_t max_orders = 64;

  explicit instance_plan(const uuid& self) : self_{self} {}

  /// All functions with limits, each once.
  void set_functions(std::vector<planned_function> functions);
  /// What to tell now. Each order must be `answered` before the node gets another one for that function; each 100 ms or
  /// whenever something changed.
  /// @param view  this node among them; every start of a node is another member.
  std::vector<band_order> next(const std::vector<plan_member>& view, time_point now);
  void answered(const band_order& order, order_answer answer, time_point now);

private:
  /// What one node may run of one function, as far as this home knows.
  struct standing {
    instance_band given;      ///< by the last order that is done
    std::uint32_t may = 0;    ///< the most of what it was given and of orders that are not done
    bool settled = true;      ///< `given` holds: no order failed since
    std::uint64_t asked = 0;  ///< number of the order that is under way, 0: none
    time_point done_at{};     ///< what it said before is older than `given`
    milliseconds pause{first_retry};
    time_point retry_at{};  ///< the same order is not given again before
  };
  struct homed {
    time_point since{};  ///< home since then
    std::map<uuid, standing> standings;
  };

  bool is_stable(const std::vector<plan_member>& view, time_point now);
  static void read(homed& home, const planned_function& function, const std::vector<plan_member>& view, time_point now);
  void plan(homed& home, const planned_function& function, const std::vector<plan_member>& view, time_point now,
            std::vector<band_order>& orders);
  void order(standing& of, const instance_band& band, const planned_function& function, const uuid& node,
             std::vector<band_order>& orders);

  uuid self_;
  std::vector<planned_function> functions_;
  std::map<uuid, homed> homes_;  ///< functions whose home this node is
  std::map<uuid, uuid> seen_;    ///< the view: nodes and their incarnations
  time_point seen_since_{};
  time_point called_at_{};
  std::uint64_t last_number_ = 0;
};

}  // namespace troupe::cluster
