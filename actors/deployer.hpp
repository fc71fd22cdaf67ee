// Takes code in, commits functions and routes, and waits until the first instance has started. A control-plane actor
// bound to the control loop; what blocks runs on the files thread and in the store.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actors/catalog_follower.hpp"
#include "actors/function_registry.hpp"
#include "actors/loop_bound.hpp"
#include "functions/manifest.hpp"

namespace troupe::actors {

struct deployment {
  struct archive {
    digest blob;
  };
  struct object {
    digest blob;
  };

  functions::function_spec spec;    ///< id, version and code are set here
  std::vector<std::string> routes;  ///< route keys
  std::variant<functions::manifest, archive, object> code;
  std::string source;  ///< on this machine: the folder of the manifest, or the file; empty when unknown
};
using deployment_ptr = std::shared_ptr<const deployment>;

struct deployment_result {
  std::vector<digest> missing;  ///< not empty: nothing was done, these are needed first
  error why{};                  ///< when `failed`
  bool failed = false;
  bool committed = false;  ///< with `failed`: deployed, but its first instance did not start
  bool fresh = false;      ///< the name was not deployed before
  duration start_took{};
  cluster::function_record record;
  std::vector<cluster::route_record> routes;
};
using deployment_result_ptr = std::shared_ptr<const deployment_result>;

/// What happened to a blob, or which are missing.
struct blobs_result {
  expected<std::vector<digest>> missing;
};
using blobs_result_ptr = std::shared_ptr<const blobs_result>;

struct blob_upload {
  digest blob;
  functions::http_request_ptr request;  ///< its body is the blob
};

struct removal {
  std::string name;
};

using deployer_actor = caf::typed_actor<
    // Replies when the first instance of the new version runs, or with what went wrong. Nothing is changed before all
    // code is there and durable.
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
  native_isolation isolation = native_isolation::process;
  /// Equal for route keys that select the same requests.
  std::function<std::string(const std::string& key)> route_identity;
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
  struct imported {
    digest code;
    std::uint64_t bytes = 0;
    std::vector<digest> missing;
  };
  /// One deployment or removal on its way.
  struct progress;
  using progress_ptr = std::shared_ptr<progress>;

  caf::result<deployment_result_ptr> deploy(const deployment_ptr& what);
  caf::result<deployment_result_ptr> remove(const removal& what);
  caf::result<blobs_result_ptr> with_blobs(std::function<expected<std::vector<digest>>(functions::code_store&)> job);
  expected<imported> import(const deployment& what) const;
  void commit(const progress_ptr& job, imported code);
  expected<void> add_routes(const progress_ptr& job, std::vector<cluster::guard>& guards,
                            std::vector<cluster::write>& writes);
  void submit(const progress_ptr& job, std::vector<cluster::guard> guards, std::vector<cluster::write> writes);
  void on_commit(const progress_ptr& job, const cluster::commit_result& result);
  void settle_unknown(const progress_ptr& job);
  void on_committed(const progress_ptr& job, cluster::cursor at);
  void await_start(const progress_ptr& job);
  void finish(const progress_ptr& job);
  void fail_job(const progress_ptr& job, error why);
  /// Runs `job` on the files thread and `then` with its result here. @returns false when the files thread is full.
  template <class T>
  bool on_files(std::function<T()> job, std::function<void(T)> then);
  void on_timer(time_point now) override;

  deployer_surroundings around_;
  std::multimap<std::string, std::string> routes_under_way_;  ///< identity of a route and the function that takes it
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::deployment_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::deployment_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::blobs_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::blob_upload)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::removal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const std::vector<troupe::digest>>)
