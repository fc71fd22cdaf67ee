// The actor behind the admin port: health, and troupe's own API (http/admin_api). Bound to the control loop.
#pragma once

#include <atomic>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/deployer.hpp"
#include "actors/function_logs.hpp"
#include "http/admin_api.hpp"
#include "http/edge.hpp"

namespace troupe::http {

enum class node_state : std::uint8_t { starting, ready, draining };

struct control_surroundings {
  actors::deployer_actor deployer;
  actors::catalog_follower* follower = nullptr;
  actors::function_registry* registry = nullptr;
  actors::function_logs* logs = nullptr;
  std::vector<std::string> allowed_hosts;
  std::string node_name;
  std::vector<std::string> http_addresses;
  std::string admin_address;
  std::shared_ptr<const std::atomic<node_state>> state;
};

class control_api final : public actors::loop_bound<admin_actor::base> {
public:
  control_api(caf::actor_config& config, std::shared_ptr<const control_surroundings> surroundings);

  behavior_type make_behavior() override;
  const char* name() const override { return "control_api"; }

private:
  using promise = caf::typed_response_promise<reply_ptr>;

  caf::result<reply_ptr> handle(const functions::http_request_ptr& request);
  reply_ptr health(std::string_view path) const;
  caf::result<reply_ptr> deploy(deploy_function&& what);
  caf::result<reply_ptr> remove(const remove_function& what);
  caf::result<reply_ptr> find_missing(ask_missing_blobs&& what);
  caf::result<reply_ptr> store(const store_blob& what, const functions::http_request_ptr& request);
  reply_ptr list() const;
  reply_ptr describe(const std::string& name) const;
  reply_ptr logs(const std::string& name, std::string_view query) const;
  reply_ptr routes() const;
  reply_ptr node() const;
  void add_program_functions(std::vector<cluster::function_record>& functions,
                             std::vector<cluster::route_record>& routes) const;
  instance_counts instances_of(const cluster::function_record& record) const;

  std::shared_ptr<const control_surroundings> around_;
  const uuid start_ = make_uuid();  ///< tells this start of the node from others
};

}  // namespace troupe::http
