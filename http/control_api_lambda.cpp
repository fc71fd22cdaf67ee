// The AWS Lambda API: all but the invocation.
#include <algorithm>
#include <limits>

#include "cluster/catalog_view.hpp"
#include "http/control_api.hpp"
#include "http/control_api/deployment_error.hpp"
#include "http/control_api/retry_key.hpp"
#include "http/control_api_reply.hpp"

namespace troupe::http {

namespace {

/// Bodies up to this size are read on the loop; decoding and hashing a larger one would keep others waiting.
constexpr std::size_t max_loop_body = 64 * 1024;
/// No record is ever at this revision.
constexpr auto no_revision = std::numeric_limits<std::uint64_t>::max();

/// The fields of the answer have no room for more of the names of members that lag.
constexpr std::size_t max_laggards_bytes = 1'000;

/// What Lambda's bodies have no word for: how far a change has come in the cluster.
reply with_spread(reply what, const actors::deployment_result& result) {
  if (result.copies == 1)
    what.fields += "x-troupe-alone: true\r\n";
  if (!result.laggards || result.laggards->empty())
    return what;
  std::string names;
  for (const auto& name : *result.laggards) {
    if (names.size() + name.size() > max_laggards_bytes) {
      names += ", ...";
      break;
    }
    names.append(names.empty() ? "" : ", ").append(name);
  }
  what.fields.append("x-troupe-laggards: ").append(names).append("\r\n");
  return what;
}

}  // namespace

caf::result<reply_ptr> control_api::lambda(const admin_call& incoming) {
  const auto& request = incoming.request;
  auto id = to_string(make_fast_uuid());
  auto parsed = parse_lambda_request(request->method, request->path, request->query, around_->lambda.place);
  if (!parsed)
    return share(error_reply(parsed.error(), id));
  auto call = std::make_shared<lambda_call>(
      lambda_call{make_response_promise<promise>(), request, incoming.caller_gone, std::move(*parsed), std::move(id)});
  // Running what is deployed never waits for the store; what reads or changes it does.
  if (call->what.operation == lambda_operation::invoke)
    invoke(call);
  else
    when_level([this, call](std::optional<seconds> stale) {
      if (call->request->method == "GET")
        call->stale = stale;
      serve(call);
    });
  return call->answer;
}

void control_api::serve(const lambda_call_ptr& call) {
  switch (call->what.operation) {
    case lambda_operation::create_function: create(call); break;
    case lambda_operation::update_function_code: update_code(call); break;
    case lambda_operation::update_function_configuration: update_configuration(call); break;
    case lambda_operation::delete_function: delete_by_lambda(call); break;
    case lambda_operation::tag_resource:
    case lambda_operation::untag_resource: change_tags(call); break;
    case lambda_operation::invoke: invoke(call); break;
    case lambda_operation::list_functions: list_by_lambda(call); break;
    case lambda_operation::get_account_settings: describe_account(call); break;
    case lambda_operation::get_function:
    case lambda_operation::get_function_configuration:
    case lambda_operation::list_tags:
    case lambda_operation::get_function_code_signing_config:
    case lambda_operation::get_function_concurrency:
    case lambda_operation::list_versions_by_function: read_by_lambda(call); break;
  }
}

template <class Body>
void control_api::with_body(const lambda_call_ptr& call, std::function<lambda_result<Body>(std::string_view)> parse,
                            std::function<void(Body&&)> then) {
  struct read {
    lambda_result<Body> body;
    std::optional<digest> retry_key;
  };
  const auto read_it = [request = call->request, parse = std::move(parse)] {
    return read{parse(request->body.view()), retry_key_of(*request)};
  };
  const auto go_on = [call, then = std::move(then)](read result) {
    if (!result.body)
      return call->refuse(result.body.error());
    call->retry_key = result.retry_key;
    call->request.reset();  // megabytes that nobody needs any more
    then(std::move(*result.body));
  };
  if (call->request->body.size() <= max_loop_body)
    go_on(read_it());
  else if (!run_on<read>(*around_->files, read_it, go_on))
    call->refuse(throttled("CallerRateLimitExceeded"));
}

template <class Message>
void control_api::send_to_deployer(const lambda_call_ptr& call, Message what,
                                   std::function<reply(const actors::deployment_result&)> then) {
  request(around_->deployer, caf::infinite, std::move(what))
      .then(
          [this, call, then = std::move(then)](const actors::deployment_result_ptr& result) {
            if (result->failed)
              call->refuse(deployment_error(*result, call->what.function.name, call->arn(around_->lambda.place)));
            else
              call->deliver(with_spread(then(*result), *result));
          },
          [call](const caf::error&) { call->refuse(service_fault(going_down())); });
}

std::shared_ptr<actors::deployment> control_api::change_of(const lambda_call& call, actors::deployment_kind kind,
                                                           const std::optional<std::string>& revision) const {
  auto wanted = std::make_shared<actors::deployment>();
  wanted->kind = kind;
  wanted->spec.name = call.what.function.name;
  wanted->retry_key = call.retry_key;
  wanted->waits_for_start = false;
  if (revision)
    if (const auto record = find(call.what.function.name))
      wanted->expected_revision =
          *revision == revision_id(around_->identity(), *record) ? record->revision : no_revision;
  return wanted;
}

void control_api::create(const lambda_call_ptr& call) {
  with_body<create_body>(
      call, [around = around_](std::string_view body) { return parse_create(body, around->lambda); },
      [this, call](create_body&& body) {
        call->what.function = body.function;
        auto wanted = change_of(*call, actors::deployment_kind::create, std::nullopt);
        wanted->change = std::move(body.change);
        wanted->code = actors::deployment::archive{body.code.sha256, std::move(body.code.bytes)};
        send_to_deployer<actors::deployment_ptr>(call, std::move(wanted), [this, call](const auto& result) {
          return success_reply(201, configuration_body_of({result.record, function_phase::created}, answering()),
                               call->id);
        });
      });
}

void control_api::update_code(const lambda_call_ptr& call) {
  with_body<code_body>(call, &parse_code, [this, call](code_body&& body) {
    auto wanted = change_of(*call, actors::deployment_kind::update, body.revision_id);
    if (body.dry_run) {
      const auto record = find(call->what.function.name);
      if (!record)
        return call->refuse(function_not_found(call->arn(around_->lambda.place)));
      if (body.revision_id && wanted->expected_revision == no_revision)
        return call->refuse(revision_mismatch());
      return call->deliver(
          success_reply(200, configuration_body_of({*record, phase_of(*record)}, answering()), call->id));
    }
    wanted->change = std::move(body.change);
    wanted->code = actors::deployment::archive{body.code.sha256, std::move(body.code.bytes)};
    send_to_deployer<actors::deployment_ptr>(call, std::move(wanted), [this, call](const auto& result) {
      return success_reply(200, configuration_body_of({result.record, function_phase::updating}, answering()),
                           call->id);
    });
  });
}

void control_api::update_configuration(const lambda_call_ptr& call) {
  with_body<configuration_body>(
      call, [around = around_](std::string_view body) { return parse_configuration(body, around->lambda); },
      [this, call](configuration_body&& body) {
        auto wanted = change_of(*call, actors::deployment_kind::update, body.revision_id);
        wanted->change = std::move(body.change);
        send_to_deployer<actors::deployment_ptr>(call, std::move(wanted), [this, call](const auto& result) {
          return success_reply(200, configuration_body_of({result.record, function_phase::updating}, answering()),
                               call->id);
        });
      });
}

void control_api::change_tags(const lambda_call_ptr& call) {
  const auto change = [this, call](cluster::function_change&& tags) {
    auto wanted = change_of(*call, actors::deployment_kind::annotate, std::nullopt);
    wanted->change = std::move(tags);
    send_to_deployer<actors::deployment_ptr>(call, std::move(wanted),
                                             [call](const auto&) { return success_reply(204, {}, call->id); });
  };
  if (call->what.operation == lambda_operation::tag_resource)
    return with_body<cluster::function_change>(call, &parse_tags, change);
  with_body<cluster::function_change>(
      call,
      [keys = call->what.tag_keys](std::string_view) -> lambda_result<cluster::function_change> {
        cluster::function_change tags;
        tags.drop_tags = keys;
        return tags;
      },
      change);
}

void control_api::delete_by_lambda(const lambda_call_ptr& call) {
  if (!call->what.function.qualifier.empty())
    return call->refuse(invalid_parameter("$LATEST version cannot be deleted without deleting the function."));
  for (const auto& own : around_->registry->program_functions())
    if (own.spec.name == call->what.function.name)
      return call->refuse(invalid_parameter("function '" + own.spec.name + "' is part of the node's program"));
  send_to_deployer(call, actors::removal{call->what.function.name, true, retry_key_of(*call->request)},
                   [call](const auto&) { return success_reply(204, {}, call->id); });
}

function_phase control_api::phase_of(const cluster::function_record& record) const {
  const bool installed = around_->registry->installed() >= record.revision;
  if (!installed && record.version == 1)
    return function_phase::pending;
  return !installed || around_->starts->running(record.id) ? function_phase::updating : function_phase::active;
}

void control_api::read_by_lambda(const lambda_call_ptr& call) {
  const auto record = find(call->what.function.name);
  if (!record)
    return call->refuse(function_not_found(call->arn(around_->lambda.place)));
  const function_view view{*record, phase_of(*record), call->what.function.qualifier};
  std::string body;
  switch (call->what.operation) {
    case lambda_operation::get_function: {
      const auto host = call->request->field("host");
      const bool has_code = record->form != "program";
      body = function_body_of(
          view, answering(),
          has_code ? "http://" + std::string{host} + "/v1/functions/" + record->name + "/code" : std::string{});
      break;
    }
    case lambda_operation::get_function_configuration: body = configuration_body_of(view, answering()); break;
    case lambda_operation::list_tags: body = tags_body(*record); break;
    case lambda_operation::get_function_code_signing_config: body = code_signing_body(record->name); break;
    case lambda_operation::list_versions_by_function: body = version_list_body(*record, answering()); break;
    default: body = "{}"; break;  // no concurrency is reserved
  }
  call->deliver(success_reply(200, std::move(body), call->id));
}

void control_api::list_by_lambda(const lambda_call_ptr& call) {
  const auto all = with_program_functions();
  const auto& page = call->what.page;
  const auto begin = std::upper_bound(all.functions.begin(), all.functions.end(), page.after,
                                      [](const std::string& after, const auto& each) { return after < each.name; });
  const auto count = std::min(page.max_items, static_cast<std::size_t>(all.functions.end() - begin));
  const std::span<const cluster::function_record> shown{begin, count};
  const bool more = begin + static_cast<std::ptrdiff_t>(count) != all.functions.end();
  call->deliver(success_reply(
      200, function_list_body(shown, answering(), more ? marker_of(shown.back().name) : std::string{}), call->id));
}

void control_api::describe_account(const lambda_call_ptr& call) {
  constexpr std::uint64_t least_memory_mb = 128;
  account_figures figures;
  figures.max_concurrency = around_->registry->instances().max_promised_mb / least_memory_mb;
  figures.max_code_bytes = around_->max_code_bytes;
  for (const auto& record : around_->follower->snapshot()->functions) {
    figures.code_bytes += record.code_bytes;
    ++figures.functions;
  }
  call->deliver(success_reply(200, account_settings_body(figures), call->id));
}

}  // namespace troupe::http
