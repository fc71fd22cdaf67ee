// Homes and nodes of a small cluster in one process, over a network that loses and delays, with nodes that see each
// other or not, sleep, die and come back: what they may run together. A failing seed is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>

#include "cluster/call_routing.hpp"
#include "cluster/instance_plan.hpp"
#include "cluster/node_bands.hpp"

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds step{50};
constexpr milliseconds order_timeout{1000};
/// Once all see the same nodes: so long for a home to look, ask and be answered.
constexpr seconds settling{20};

struct trouble {
  double loss = 0;
  milliseconds longest_delay{20};
  bool views_change = false;
  bool nodes_sleep = false;
  bool nodes_die = false;
};

class simulated_cluster {
public:
  explicit simulated_cluster(std::uint64_t seed) : random_{seed} {
    const auto count = 2 + pick(4);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto max = static_cast<std::uint32_t>(1 + pick(5));
      functions_.push_back({make_id(), 1, {static_cast<std::uint32_t>(pick(max + 1)), max}, 1});
    }
    for (std::size_t i = 0; i < count; ++i) {
      nodes_.emplace_back(make_id());
      start(nodes_.back());
    }
    see_all();
  }

  void run(
      milliseconds time, const trouble& what, const std::function<void()>& check = [] {}) {
    for (const auto end = now_ + time; now_ < end && !::testing::Test::HasFatalFailure();) {
      now_ += step;
      deliver();
      for (auto& each : nodes_)
        live(each, what);
      check();
    }
  }

  /// All that die or sleep are back and see each other.
  void heal() {
    for (auto& each : nodes_) {
      if (!each.alive)
        start(each);
      each.asleep_until = now_;
    }
    see_all();
  }

  void no_demand() {
    for (auto& each : nodes_)
      each.wanted.clear();
    demands_ = false;
  }

  void expect_bounds() {
    for (const auto& function : functions_) {
      std::uint64_t sum = 0;
      for (auto& each : nodes_) {
        const auto& own = each.instances[function.id];
        const auto may = each.bands.current(function.id, function.limits, home_standing::reachable);
        sum += std::max<std::uint64_t>(may.max, own.running + own.finishing.size());
      }
      ASSERT_LE(sum, function.limits.max);
    }
  }

  void expect_minima() {
    for (const auto& function : functions_) {
      std::uint64_t sum = 0;
      for (auto& each : nodes_)
        sum += each.instances[function.id].running;
      ASSERT_GE(sum, function.limits.min);
    }
  }

  std::uint64_t orders() const { return orders_; }

private:
  struct instances_here {
    std::uint32_t running = 0;
    std::vector<time_point> finishing;  ///< those that a smaller band stops, until their last calls are done
  };
  struct heard {
    std::uint64_t number = 0;
    time_point at{};
    std::map<uuid, function_presence> functions;
  };
  struct node {
    explicit node(const uuid& n) : id{n} {}
    uuid id, incarnation;
    bool alive = false;
    time_point asleep_until{};
    instance_plan plan{id};
    node_bands bands;
    std::map<uuid, instances_here> instances;
    std::map<uuid, std::uint32_t> wanted;
    std::vector<uuid> sees;         ///< itself included
    std::map<uuid, heard> reports;  ///< by incarnation
    std::uint64_t reported = 0;
    time_point report_at{};
    std::vector<std::pair<time_point, band_order>> asked;
  };
  struct message {
    time_point at;
    std::size_t to;
    uuid to_incarnation;
    std::function<void(node&)> read;
  };

  uuid make_id() {
    uuid made;
    std::generate(made.bytes.begin(), made.bytes.end(), [this] { return static_cast<std::uint8_t>(random_()); });
    return made;
  }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(double p) { return std::uniform_real_distribution{}(random_) < p; }
  node& find(const uuid& id) {
    return *std::find_if(nodes_.begin(), nodes_.end(), [&](const node& each) { return each.id == id; });
  }

  void start(node& which) {
    which = node{which.id};
    which.incarnation = make_id();
    which.alive = true;
    which.plan.set_functions(functions_);
    which.sees = {which.id};
  }
  void see_all() {
    std::vector<uuid> all;
    for (const auto& each : nodes_)
      all.push_back(each.id);
    for (auto& each : nodes_)
      each.sees = all;
  }

  void send(node& to, const trouble& what, std::function<void(node&)> read) {
    if (!chance(what.loss))
      queue_.push_back({now_ + milliseconds{1 + pick(static_cast<std::uint64_t>(what.longest_delay.count()))},
                        static_cast<std::size_t>(&to - nodes_.data()), to.incarnation, std::move(read)});
  }
  void deliver() {
    for (std::size_t i = 0; i < queue_.size();) {
      auto& to = nodes_[queue_[i].to];
      if (queue_[i].at > now_ || to.asleep_until > now_) {
        ++i;
        continue;
      }
      const auto due = std::move(queue_[i]);
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
      if (to.alive && to.incarnation == due.to_incarnation)
        due.read(to);
    }
  }

  void live(node& here, const trouble& what) {
    suffer(here, what);
    if (!here.alive || here.asleep_until > now_)
      return;
    run_instances(here);
    if (now_ >= here.report_at)
      report(here, what);
    for (std::size_t i = 0; i < here.asked.size();) {
      if (here.asked[i].first > now_) {
        ++i;
        continue;
      }
      here.plan.answered(here.asked[i].second, order_answer::failed, now_);
      here.asked.erase(here.asked.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (const auto& order : here.plan.next(view_of(here), now_)) {
      ++orders_;
      here.asked.emplace_back(now_ + order_timeout, order);
      send(find(order.node), what, [this, what, order, from = here.id, start = here.incarnation](node& there) {
        obey(there, order, from, start, what);
      });
    }
  }

  void suffer(node& here, const trouble& what) {
    if (what.nodes_die && chance(0.002)) {
      if (here.alive)
        here.alive = false;
      else
        start(here);
    }
    if (what.nodes_sleep && chance(0.002))
      here.asleep_until = now_ + milliseconds{pick(6000)};
    if (!what.views_change || !chance(0.05))
      return;
    const auto& other = nodes_[pick(nodes_.size())].id;
    if (other == here.id)
      return;
    if (std::erase(here.sees, other) == 0)
      here.sees.push_back(other);
    std::sort(here.sees.begin(), here.sees.end());
  }

  void run_instances(node& here) {
    for (const auto& function : functions_) {
      auto& own = here.instances[function.id];
      std::erase_if(own.finishing, [&](time_point end) { return end <= now_; });
      const bool home_away = chance(0.3) && !std::count(here.sees.begin(), here.sees.end(), nodes_.front().id);
      const auto band = here.bands.current(function.id, function.limits,
                                           home_away ? home_standing::suspected : home_standing::reachable);
      if (demands_ && chance(0.02))
        here.wanted[function.id] = static_cast<std::uint32_t>(pick(4));
      if (own.running + own.finishing.size() < band.max &&
          (own.running < band.min || (here.wanted[function.id] > 0 && chance(0.5)))) {
        ++own.running;
        if (here.wanted[function.id] > 0)
          --here.wanted[function.id];
      } else if (own.running > band.min && chance(0.01)) {
        --own.running;
      }
    }
  }

  void report(node& here, const trouble& what) {
    here.report_at = now_ + 500ms;
    heard said;
    said.number = ++here.reported;
    for (const auto& function : functions_) {
      function_presence there;
      there.function = function.id;
      there.ready = here.instances[function.id].running;
      there.wanted = here.wanted[function.id];
      there.band = here.bands.held(function.id);
      said.functions[function.id] = there;
    }
    for (auto& each : nodes_)
      send(each, what, [this, said, from = here.incarnation](node& there) {
        auto& known = there.reports[from];
        if (known.number >= said.number)
          return;
        known = said;
        known.at = now_;
      });
  }

  std::vector<plan_member> view_of(node& here) {
    std::vector<plan_member> view;
    for (const auto& id : here.sees) {
      auto& there = find(id);
      plan_member member;
      member.node = id;
      member.incarnation = there.incarnation;
      member.memory_left_bytes = 100;
      if (const auto said = here.reports.find(there.incarnation); said != here.reports.end()) {
        member.heard = true;
        member.heard_at = said->second.at;
        member.functions = &said->second.functions;
      }
      view.push_back(member);
    }
    return view;
  }

  void obey(node& here, const band_order& order, const uuid& from, const uuid& incarnation, const trouble& what) {
    const auto home = home_of(order.function, here.sees);
    bool done = here.bands.accept(order, from, incarnation, home).has_value();
    if (done) {
      auto& own = here.instances[order.function];
      for (; own.running > order.band.max; --own.running)
        own.finishing.push_back(now_ + milliseconds{pick(3000)});
      done = own.running + own.finishing.size() <= order.band.max;
      report(here, {});
    }
    send(find(from), what, [this, order, done](node& home_node) {
      const auto erased = std::erase_if(home_node.asked, [&](const auto& each) { return each.second == order; });
      if (erased > 0)
        home_node.plan.answered(order, done ? order_answer::done : order_answer::failed, now_);
    });
  }

  std::mt19937_64 random_;
  std::vector<planned_function> functions_;
  std::vector<node> nodes_;
  std::vector<message> queue_;
  time_point now_{1h};
  bool demands_ = true;
  std::uint64_t orders_ = 0;
};

class InstancePlanSimTest : public ::testing::TestWithParam<std::uint64_t> {};

constexpr trouble bad_network{0.2, 1500ms, false, false, false};
constexpr trouble everything{0.1, 800ms, true, true, true};

TEST_P(InstancePlanSimTest, AMaximumHoldsAllTheTimeWhileAllSeeTheSameNodes) {
  simulated_cluster cluster{GetParam()};
  cluster.run(30s, bad_network, [&] { cluster.expect_bounds(); });
}

TEST_P(InstancePlanSimTest, AMaximumHoldsAgainOnceAllSeeTheSameNodesAndTheMinimumComesBack) {
  simulated_cluster cluster{GetParam()};
  for (int round = 0; round < 3 && !HasFatalFailure(); ++round) {
    cluster.run(20s, everything);
    cluster.heal();
    cluster.run(settling, {});
    cluster.run(10s, {}, [&] { cluster.expect_bounds(); });
    cluster.expect_minima();
  }
}

TEST_P(InstancePlanSimTest, WithoutDemandItGoesQuiet) {
  simulated_cluster cluster{GetParam()};
  cluster.run(20s, everything);
  cluster.heal();
  cluster.no_demand();
  cluster.run(90s, {});
  const auto before = cluster.orders();
  cluster.run(30s, {});
  EXPECT_EQ(cluster.orders(), before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, InstancePlanSimTest, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace troupe::cluster
