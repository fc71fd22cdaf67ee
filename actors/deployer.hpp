// Takes code in, commits functions and routes, and waits until the first instance has started. A control-plane actor
// bound to the control loop; what blocks runs on the files thread and in the store.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/catalog_follower.hpp"
#include "actors/code_import.hpp"
#include "actors/code_spreader.hpp"
#include "actors/deployment.hpp"
#include "actors/first_starts.hpp"
#include "actors/function_registry.hpp"
#include "actors/loop_bound.hpp"
#include "actors/spread_waits.hpp"

namespace troupe::actors {

using deployer_actor = caf::typed_actor<
    // Replies as the deployment asks, or with what went wrong. Nothing is changed before all code is there and durable.
    caf::replies_to<deployment_ptr>::with<deployment_result_ptr>,
    // Deletes a function and its routes; replies with its last record, or `no_such_function`.
    caf::replies_to<removal>::with<deployment_result_ptr>,
    // Replies with those that this node lacks.
    caf::replies_to<std::shared_ptr<const std::vector<digest>>>::with<blobs_result_ptr>,
    // Keeps a blob; replies with an empty list.
    caf::replies_to<blob_upload>::with<blobs_result_ptr>>;

struct deployer_surroundings {
  work_thread* files = nullptr;
  functions::code_store* code = nullptr;
  cluster::catalog_store* store = nullptr;
  catalog_follower* follower = nullptr;
  function_registry* registry = nullptr;
  std::shared_ptr<first_starts> starts;
  std::shared_ptr<const object_isolation> objects;
  /// Whether functions of this runtime can run here. On the files thread.
  std::function<expected<void>(const std::string& runtime)> try_runtime;
  /// Equal for route keys that select the same requests.
  std::function<std::string(const std::string& key)> route_identity;
  /// Brings code to a second disk before it is committed. Empty: this node has no cluster.
  spread_code spread;
  /// Since when this node's picture of the catalog has been level with the store; nothing while it is stale: then no
  /// code is collected. Empty: it always is.
  std::function<std::optional<time_point>()> level_since;
  /// Waits until the copies of the members are at `at`, or for a second. Null for a node alone.
  spread_waits* copies = nullptr;
  /// Has the first instance of a version started at another node, if that is where the function runs and must. @returns
  /// false when it is to be started here. `done` comes once, on the control loop; `unavailable` means that nothing is
  /// known of the start. Null for a node alone.
  std::function<bool(const uuid& function, std::uint64_t version, time_point deadline,
                     std::function<void(const start_report&)> done)>
      start_elsewhere;
};

class deployer final : public loop_bound<deployer_actor::base>, private timer_listener {
public:
  deployer(caf::actor_config& config, deployer_surroundings surroundings);

  behavior_type make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "deployer"; }

private:
  using promise = caf::typed_response_promise<deployment_result_ptr>;
  using blobs_promise = caf::typed_response_promise<blobs_result_ptr>;
  /// One deployment or removal on its way.
  struct progress;
  using progress_ptr = std::shared_ptr<progress>;

  // deployer.cpp: taking in, answering
  caf::result<deployment_result_ptr> deploy(const deployment_ptr& what);
  caf::result<deployment_result_ptr> remove(const removal& what);
  caf::result<blobs_result_ptr> with_blobs(std::function<expected<std::vector<digest>>(functions::code_store&)> job);
  bool begin(const progress_ptr& job);
  void import_then_commit(const progress_ptr& job, const std::string& runtime);
  void spread_then_commit(const progress_ptr& job, imported_code code);
  void await_start(const progress_ptr& job);
  void start_here(const progress_ptr& job, const supervisor_actor& supervisor);
  void started(const progress_ptr& job, const start_report& report);
  void deny(const progress_ptr& job, denial why, error what);
  void fail_job(const progress_ptr& job, error why);
  void finish(const progress_ptr& job);
  bool may_collect(time_point now) const;
  void on_timer(time_point now) override;

  // deployer_describe.cpp: what is written
  void commit(const progress_ptr& job, imported_code code);
  expected<void> describe(const progress_ptr& job, const imported_code& code, const cluster::function_record* old);
  expected<void> add_routes(const progress_ptr& job);
  void commit_removal(const progress_ptr& job);

  // deployer_commit.cpp: writing it, until every loop knows
  void deny_unless_done(const progress_ptr& job, denial why, error what);
  void submit(const progress_ptr& job);
  void on_commit(const progress_ptr& job, const cluster::commit_result& result);
  void on_conflict(const progress_ptr& job);
  void settle_unknown(const progress_ptr& job);
  void on_committed(const progress_ptr& job, cluster::cursor at);
  void own_copy_behind(const progress_ptr& job);
  void await_copies(const progress_ptr& job, cluster::cursor at);
  void on_installed(const progress_ptr& job, cluster::cursor at);
  void read_row(const progress_ptr& job, cluster::cursor at);
  void on_row(const progress_ptr& job, cluster::cursor at, const cluster::follow_result& rows);

  deployer_surroundings around_;
  std::map<std::string, progress_ptr> under_way_;             ///< by function name, until all loops know of it
  std::multimap<std::string, std::string> routes_under_way_;  ///< identity of a route and the function that takes it
};

struct deployer::progress {
  std::string name;
  std::vector<promise> answers;  ///< of the first try and of those that came while it ran
  deployment_ptr what;           ///< null for a removal
  std::optional<removal> removes;
  deployment_result result;
  uuid function;              ///< whose first start is waited for
  std::uint64_t version = 0;  ///< of that start

  std::optional<digest> retry_key;
  unsigned try_number = 0;  ///< of the ids that `retry_key` gives: those before it are void
  cluster::commit_id id{};
  std::vector<cluster::guard> guards;
  std::vector<cluster::write> writes;
  /// Set when the change does not fit and the store is only asked whether an earlier try was applied.
  std::optional<std::pair<denial, error>> probes;
  std::vector<std::multimap<std::string, std::string>::iterator> reserved;  ///< routes, until the end
};

}  // namespace troupe::actors
