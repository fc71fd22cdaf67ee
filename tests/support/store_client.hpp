// Calls a catalog store and waits for the answer.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/catalog_store.hpp"

namespace troupe::tests {

class store_client {
public:
  explicit store_client(cluster::catalog_store& store) : store_{store} {}

  cluster::commit_result commit(std::vector<cluster::guard> guards, std::vector<cluster::write> writes,
                                cluster::commit_id id = make_uuid(), duration timeout = seconds{30}) {
    return start(std::move(guards), std::move(writes), id, timeout).get();
  }
  std::future<cluster::commit_result> start(std::vector<cluster::guard> guards, std::vector<cluster::write> writes,
                                            cluster::commit_id id = make_uuid(), duration timeout = seconds{30}) {
    auto [done, answer] = promise<cluster::commit_result>();
    store_.commit(std::move(guards), std::move(writes), id, clock::now() + timeout, std::move(done));
    return std::move(answer);
  }
  cluster::commit_result put(const std::string& key, const std::string& value, cluster::commit_id id = make_uuid()) {
    return commit({}, {{key, value, false}}, id);
  }

  expected<cluster::store_identity> open() {
    auto [done, answer] = promise<expected<cluster::store_identity>>();
    store_.open(later(), std::move(done));
    return answer.get();
  }
  expected<cluster::loaded> load(duration timeout = seconds{30}) {
    auto [done, answer] = promise<expected<cluster::loaded>>();
    store_.load(clock::now() + timeout, std::move(done));
    return answer.get();
  }
  expected<cluster::cursor> barrier() {
    auto [done, answer] = promise<expected<cluster::cursor>>();
    store_.barrier(later(), std::move(done));
    return answer.get();
  }
  expected<cluster::outcome_of_commit> outcome(cluster::commit_id id) {
    auto [done, answer] = promise<expected<cluster::outcome_of_commit>>();
    store_.outcome(id, later(), std::move(done));
    return answer.get();
  }
  std::future<cluster::follow_result> start_following(cluster::cursor from, duration timeout = seconds{30}) {
    auto [done, answer] = promise<cluster::follow_result>();
    store_.follow(from, clock::now() + timeout, std::move(done));
    return std::move(answer);
  }
  cluster::follow_result follow(cluster::cursor from, duration timeout = seconds{30}) {
    return start_following(from, timeout).get();
  }

private:
  static time_point later() { return clock::now() + seconds{30}; }

  template <class T>
  static std::pair<cluster::catalog_store::callback<T>, std::future<T>> promise() {
    auto made = std::make_shared<std::promise<T>>();
    auto answer = made->get_future();
    return {[made](T result) { made->set_value(std::move(result)); }, std::move(answer)};
  }

  cluster::catalog_store& store_;
};

inline const error* why_refused(const cluster::commit_result& result) {
  const auto* refusal = std::get_if<cluster::refused>(&result);
  return refusal == nullptr ? nullptr : &refusal->why;
}

/// The cursor of a committed result, 0 of any other.
inline std::uint64_t cursor_of(const cluster::commit_result& result) {
  const auto* done = std::get_if<cluster::committed>(&result);
  return done == nullptr ? 0 : done->cursor.value;
}

}  // namespace troupe::tests
