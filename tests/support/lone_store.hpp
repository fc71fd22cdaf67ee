// The store of a node alone, as suites see it that are about nothing but records and commits: without the first commit,
// in which the node registers itself.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/stores/cluster_store.hpp"

namespace troupe::tests {

struct lone_store_options {
  std::string data_dir;
  std::string vfs{};
  std::size_t max_waiting = 1'024;
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
  std::size_t max_followers = 128;
  cluster::primary_limits limits{};
};

class lone_store final : public cluster::catalog_store {
public:
  explicit lone_store(std::unique_ptr<actors::built_in_store> inside) : inside_{std::move(inside)} {}

  void open(time_point deadline, callback<expected<cluster::store_identity>> done) override {
    inside_->open(deadline, std::move(done));
  }
  void load(time_point deadline, callback<expected<cluster::loaded>> done) override {
    inside_->load(deadline, [done = std::move(done)](expected<cluster::loaded> all) {
      if (all) {
        std::erase_if(all->records, [](const auto& each) { return is_own(each.key); });
        shift(all->records);
        shift(all->cursor);
      }
      done(std::move(all));
    });
  }
  void follow(cluster::cursor from, time_point deadline, callback<cluster::follow_result> done) override {
    inside_->follow({from.value + 1}, deadline, [done = std::move(done)](cluster::follow_result found) {
      if (auto* commits = std::get_if<cluster::batch>(&found))
        for (auto& each : commits->commits) {
          shift(each.cursor);
          shift(each.puts);
        }
      done(std::move(found));
    });
  }
  void commit(std::vector<cluster::guard> guards, std::vector<cluster::write> writes, cluster::commit_id id,
              time_point deadline, callback<cluster::commit_result> done) override {
    for (auto& each : guards)
      each.revision += each.revision == 0 ? 0 : 1;
    inside_->commit(std::move(guards), std::move(writes), id, deadline,
                    [done = std::move(done)](cluster::commit_result result) {
                      if (auto* at = std::get_if<cluster::committed>(&result))
                        shift(at->cursor);
                      if (auto* standing = std::get_if<cluster::conflicted>(&result))
                        shift(standing->records);
                      done(std::move(result));
                    });
  }
  void outcome(cluster::commit_id id, time_point deadline,
               callback<expected<cluster::outcome_of_commit>> done) override {
    inside_->outcome(id, deadline, [done = std::move(done)](expected<cluster::outcome_of_commit> found) {
      if (found)
        shift(found->cursor);
      done(std::move(found));
    });
  }
  void barrier(time_point deadline, callback<expected<cluster::cursor>> done) override {
    inside_->barrier(deadline, [done = std::move(done)](expected<cluster::cursor> at) {
      if (at)
        shift(*at);
      done(at);
    });
  }
  void close() override { inside_->close(); }

private:
  static bool is_own(const std::string& key) { return key.starts_with("node/") || key.starts_with("meta/"); }
  static void shift(cluster::cursor& at) { at.value -= at.value == 0 ? 0 : 1; }
  static void shift(std::vector<cluster::record>& records) {
    for (auto& each : records)
      each.revision -= each.revision == 0 ? 0 : 1;
  }

  std::unique_ptr<actors::built_in_store> inside_;
};

/// As `open_cluster_store`; also fails when the node's registration does not become durable.
inline expected<std::unique_ptr<cluster::catalog_store>> open_lone_store(const lone_store_options& options) {
  actors::cluster_store_options wanted;
  wanted.data_dir = options.data_dir;
  wanted.vfs = options.vfs;
  wanted.max_waiting = options.max_waiting;
  wanted.max_waiting_bytes = options.max_waiting_bytes;
  wanted.max_followers = options.max_followers;
  wanted.node.self.id = parse_uuid("11111111-1111-4111-8111-111111111111");
  wanted.node.self.name = "alone";
  wanted.node.limits = options.limits;
  auto opened = actors::open_cluster_store(std::move(wanted));
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  std::promise<cluster::store_answer> registered;
  (*opened)->call(cluster::barrier_call{}, clock::now() + seconds{30},
                  [&](cluster::store_answer answer) { registered.set_value(std::move(answer)); });
  const auto answer = registered.get_future().get();
  if (const auto* refusal = std::get_if<cluster::refused>(&answer))
    return tl::unexpected{refusal->why};
  if (std::get<cluster::reached>(answer).at.value == 0)
    return fail(errc::full, "the registration is not durable");
  return std::make_unique<lone_store>(std::move(*opened));
}

}  // namespace troupe::tests
