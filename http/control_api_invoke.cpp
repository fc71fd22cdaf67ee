// The AWS Lambda API: the invocation.
#include "http/control_api.hpp"
#include "http/control_api/lambda_invoke.hpp"
#include "http/control_api_reply.hpp"

namespace troupe::http {

functions::function_ref control_api::spec_to_invoke(const cluster::function_record& record, lambda_error& why) const {
  if (record.form == "program") {
    for (const auto& own : around_->registry->program_functions())
      if (own.spec.id == record.id)
        return std::make_shared<const functions::function_spec>(own.spec);
  } else if (phase_of(record) == function_phase::pending) {
    why = {409, "ResourceConflictException",
           "The operation cannot be performed at this time. The function is currently in the following state: Pending"};
    return nullptr;
  }
  auto spec = actors::spec_of(record);
  if (spec)
    return std::make_shared<const functions::function_spec>(std::move(*spec));
  why = service_fault(spec.error());
  return nullptr;
}

void control_api::invoke(const lambda_call_ptr& call) {
  auto& function = call->what.function;
  const function_reference qualified{function.name, function.qualifier.empty() ? "$LATEST" : function.qualifier};
  const auto record = find(function.name);
  if (!record)
    return call->refuse(function_not_found(function_arn(around_->lambda.place, qualified)));
  auto wanted = parse_invoke(*call->request);
  if (!wanted)
    return call->refuse(wanted.error());
  lambda_error why;
  auto spec = spec_to_invoke(*record, why);
  if (!spec)
    return call->refuse(why);
  if (wanted->dry_run)
    return call->deliver(success_reply(204, {}, call->id));
  auto invocation = std::make_shared<functions::invocation>();
  invocation->function = std::move(spec);
  invocation->request_id = make_request_id();
  invocation->invocation_id = parse_uuid(call->id);
  invocation->arrived_at = loop().now();
  invocation->deadline = loop().now() + invocation->function->timeout + around_->start_allowance;
  invocation->json = std::move(wanted->payload);
  invocation->client_context = std::move(wanted->client_context);
  invocation->trace = std::move(wanted->trace);
  invocation->caller_gone = call->caller_gone;
  invocation->wants_log_tail = wanted->wants_log_tail;
  call->request.reset();
  const auto& routers = *around_->routers;
  const auto& router = routers[next_router_++ % routers.size()];
  auto arn = function_arn(around_->lambda.place, qualified);
  request(router, caf::infinite, functions::invocation_ptr{invocation})
      .then(
          [call, invocation, arn = std::move(arn)](const functions::outcome_ptr& outcome) {
            call->deliver(invoke_reply(std::move(*outcome), *invocation, arn));
          },
          [call](const caf::error& broken) {
            call->refuse(service_fault({errc::not_ready, "the call did not reach the function: " + to_string(broken)}));
          });
}

}  // namespace troupe::http
