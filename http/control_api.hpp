// The actor behind the admin port: health, troupe's own API (http/admin_api) and the AWS Lambda API
// (http/control_api/). Bound to the control loop.
#pragma once

#include <atomic>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/deployer.hpp"
#include "http/admin_api.hpp"
#include "http/control_api/lambda_answers.hpp"
#include "http/control_api/lambda_body.hpp"
#include "http/control_api/lambda_request.hpp"
#include "http/control_api_reply.hpp"
#include "http/control_api_surroundings.hpp"
#include "http/edge.hpp"
#include "http/store_backup.hpp"

namespace troupe::http {

class control_api final : public actors::loop_bound<admin_actor::base> {
public:
  control_api(caf::actor_config& config, std::shared_ptr<const control_surroundings> surroundings);

  behavior_type make_behavior() override;
  const char* name() const override { return "control_api"; }

private:
  using promise = caf::typed_response_promise<reply_ptr>;
  /// One request of the Lambda API on its way.
  struct lambda_call;
  using lambda_call_ptr = std::shared_ptr<lambda_call>;

  /// Where the answer of a read of troupe's own API goes, and how old what it says may be.
  class read_answer;

  // control_api.cpp
  caf::result<reply_ptr> handle(const admin_call& call);
  /// Of this node: `to_string(node_state)`, or `stalled` while it would be ready but for a loop that stands still.
  std::string_view state_text() const;
  reply_ptr health(std::string_view path) const;
  reply_ptr metrics() const;
  void when_level(std::function<void(std::optional<seconds> stale)> then);
  caf::result<reply_ptr> read(std::function<void(read_answer)> then);
  caf::result<reply_ptr> read_at_once(std::function<reply_ptr()> make);

  // control_api_deploy.cpp: troupe's own API, what changes something or reads code
  caf::result<reply_ptr> deploy(deploy_function&& what);
  void send_deployment(promise answer, actors::deployment_ptr wanted);
  caf::result<reply_ptr> remove(const remove_function& what);
  caf::result<reply_ptr> find_missing(ask_missing_blobs&& what);
  caf::result<reply_ptr> store(const store_blob& what, const functions::http_request_ptr& request);
  caf::result<reply_ptr> download(const std::string& name);
  void send_code(read_answer answer, const std::string& name);

  // control_api_view.cpp: what it reads
  reply_ptr list() const;
  reply_ptr describe(const std::string& name) const;
  caf::result<reply_ptr> logs(const std::string& name, const functions::http_request_ptr& request);
  void send_logs(read_answer answer, const cluster::function_record& record, const event_position& from);
  reply_ptr routes() const;
  reply_ptr node();

  // control_api_cluster.cpp: nodes of the cluster
  reply_ptr nodes() const;
  caf::result<reply_ptr> remove(const remove_node& what);
  caf::result<reply_ptr> events(std::string_view query);
  caf::result<reply_ptr> move(const move_store& what);
  caf::result<reply_ptr> settle(const std::function<void(cluster_questions::done)>& ask, std::string done_body);
  caf::result<reply_ptr> back_up();
  void write_backup(const promise& answer, expected<store_backup>&& contents);

  // control_api_settings.cpp
  reply_ptr settings() const;
  caf::result<reply_ptr> reload();

  cluster::catalog_snapshot with_program_functions() const;
  std::optional<cluster::function_record> find(const std::string& name) const;
  instance_counts own_instances_of(const cluster::function_record& record) const;
  instance_counts instances_of(const cluster::function_record& record) const;

  // control_api_lambda.cpp
  caf::result<reply_ptr> lambda(const admin_call& incoming);
  void serve(const lambda_call_ptr& call);
  void create(const lambda_call_ptr& call);
  void update_code(const lambda_call_ptr& call);
  void update_configuration(const lambda_call_ptr& call);
  void change_tags(const lambda_call_ptr& call);
  void delete_by_lambda(const lambda_call_ptr& call);
  void read_by_lambda(const lambda_call_ptr& call);
  void list_by_lambda(const lambda_call_ptr& call);
  void describe_account(const lambda_call_ptr& call);
  template <class Body>
  void with_body(const lambda_call_ptr& call, std::function<lambda_result<Body>(std::string_view)> parse,
                 std::function<void(Body&&)> then);
  template <class Message>
  void send_to_deployer(const lambda_call_ptr& call, Message what,
                        std::function<reply(const actors::deployment_result&)> then);
  std::shared_ptr<actors::deployment> change_of(const lambda_call& call, actors::deployment_kind kind,
                                                const std::optional<std::string>& revision) const;
  answer_surroundings answering() const { return {around_->lambda.place, around_->identity()}; }
  function_phase phase_of(const cluster::function_record& record) const;

  // control_api_invoke.cpp
  void invoke(const lambda_call_ptr& call);
  functions::function_ref spec_to_invoke(const cluster::function_record& record, lambda_error& why) const;

  std::shared_ptr<const control_surroundings> around_;
  const time_point started_at_ = clock::now();
  std::size_t next_router_ = 0;
  std::shared_ptr<std::atomic<int>> downloads_ = std::make_shared<std::atomic<int>>(0);
};

class control_api::read_answer {
public:
  read_answer(promise to, std::optional<seconds> stale) : to_{std::move(to)}, stale_{stale} {}
  void deliver(reply_ptr what) {
    mark_stale(*what, stale_);
    to_.deliver(std::move(what));
  }

private:
  promise to_;
  std::optional<seconds> stale_;
};

struct control_api::lambda_call {
  promise answer;
  functions::http_request_ptr request;
  std::shared_ptr<const std::atomic<bool>> caller_gone;
  lambda_request what;
  std::string id;                     ///< `x-amzn-RequestId`
  std::optional<digest> retry_key{};  ///< known once the body was read
  std::optional<seconds> stale{};     ///< of a read: how old what it says may be

  std::string arn(const lambda_place& place) const { return function_arn(place, what.function); }
  void deliver(reply&& what_became) {
    mark_stale(what_became, stale);
    answer.deliver(std::make_shared<reply>(std::move(what_became)));
  }
  void refuse(const lambda_error& why) { deliver(error_reply(why, id)); }
};

}  // namespace troupe::http
