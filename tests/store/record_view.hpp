// A follower: the records as the commits that it is told of make them, each told on as it came. On the member's loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/stores/cluster_store.hpp"
#include "cluster/catalog_store.hpp"
#include "tests/store/store_json.hpp"
#include "tests/support/owner_rules.hpp"

namespace troupe::tests {

class record_view {
public:
  struct told {
    std::function<void(const json&)> line;  ///< one of `loaded`, `batch`, `gap`
    std::function<void()> on_change;
  };

  record_view(actors::event_loop& loop, actors::built_in_store& store, told tell);
  ~record_view() { *alive_ = false; }
  record_view(const record_view&) = delete;
  record_view& operator=(const record_view&) = delete;

  void start() { open(); }

  cluster::cursor at() const noexcept { return at_; }
  std::uint64_t generation() const noexcept { return identity_.generation.counter; }
  const owner_rules::owners_seen& owners() const noexcept { return owners_; }
  /// Null when there is none.
  const cluster::record* find(const std::string& key) const;
  /// Where in which history: a cursor says nothing of another one.
  struct place {
    std::uint64_t generation = 0;
    cluster::cursor at;
    auto operator<=>(const place&) const = default;
  };
  /// Calls `done` once the view is at or past `where`, or with false at the deadline.
  void when_at(place where, time_point deadline, std::function<void(bool there)> done);
  /// Every 100 ms.
  void tick(time_point now);

private:
  struct waiter {
    place where;
    time_point deadline;
    std::function<void(bool)> done;
  };

  template <class Answer>
  cluster::catalog_store::callback<Answer> on_loop(void (record_view::*then)(Answer));
  void open();
  void opened(expected<cluster::store_identity> answer);
  void load();
  void loaded(expected<cluster::loaded> answer);
  void confirmed(expected<cluster::store_identity> answer);
  void begin_anew(const cluster::loaded& from);
  void follow();
  void followed(cluster::follow_result answer);
  void put(const cluster::record& stored);
  void erase(const std::string& key);
  void changed();

  actors::event_loop& loop_;
  actors::built_in_store& store_;
  const told tell_;
  cluster::store_identity identity_;
  cluster::cursor at_;
  cluster::loaded loaded_;
  std::map<std::string, cluster::record> records_;
  owner_rules::owners_seen owners_;
  std::vector<waiter> waiters_;
  bool refused_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::tests
