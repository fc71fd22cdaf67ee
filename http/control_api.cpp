#include "http/control_api.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "http/log_view.hpp"

namespace troupe::http {

namespace {

using actors::deployment_result_ptr;

reply_ptr reply_of(unsigned status, std::string_view type, std::string body) {
  auto what = std::make_shared<reply>();
  what->status = status;
  what->fields.append("content-type: ").append(type).append("\r\n");
  what->body = std::move(body);
  return what;
}

reply_ptr json_reply(unsigned status, std::string body) {
  return reply_of(status, "application/json", std::move(body));
}

reply_ptr text_reply(unsigned status, std::string body) {
  return reply_of(status, "text/plain; charset=utf-8", std::move(body));
}

reply_ptr refusal_of(const error& why) {
  return json_reply(admin_status_of(why.code), error_body(why));
}

/// All of them, so that a second one cannot hide behind the first; one empty view when there is none.
std::vector<std::string_view> origins_of(const functions::http_request& request) {
  std::vector<std::string_view> origins;
  for (const auto& field : request.fields)
    if (iequals(field.name, "origin"))
      origins.push_back(field.value);
  if (origins.empty())
    origins.emplace_back();
  return origins;
}

}  // namespace

control_api::control_api(caf::actor_config& config, std::shared_ptr<const control_surroundings> surroundings)
    : loop_bound{config}, around_{std::move(surroundings)} {
  set_default_handler(caf::drop);
}

control_api::behavior_type control_api::make_behavior() {
  return {[this](const functions::http_request_ptr& request) { return handle(request); }};
}

caf::result<reply_ptr> control_api::handle(const functions::http_request_ptr& request) {
  for (const auto origin : origins_of(*request))
    if (const auto allowed = check_admin_origin(request->field("host"), origin, around_->allowed_hosts); !allowed)
      return json_reply(403, error_body(allowed.error()));
  if (request->method == "GET" && (request->path == "/healthz" || request->path == "/readyz"))
    return health(request->path);
  auto parsed = parse_admin_request(request->method, request->path, request->body.view());
  if (!parsed) {
    auto refused = json_reply(parsed.error().status, error_body(parsed.error().why));
    if (!parsed.error().allow.empty())
      refused->fields += "allow: " + parsed.error().allow + "\r\n";
    return refused;
  }
  return std::visit(
      [&](auto&& what) -> caf::result<reply_ptr> {
        using kind = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<kind, ask_missing_blobs>)
          return find_missing(std::move(what));
        else if constexpr (std::is_same_v<kind, store_blob>)
          return store(what, request);
        else if constexpr (std::is_same_v<kind, deploy_function>)
          return deploy(std::move(what));
        else if constexpr (std::is_same_v<kind, remove_function>)
          return remove(what);
        else if constexpr (std::is_same_v<kind, list_functions>)
          return list();
        else if constexpr (std::is_same_v<kind, describe_function>)
          return describe(what.name);
        else if constexpr (std::is_same_v<kind, read_logs>)
          return logs(what.name, request->query);
        else if constexpr (std::is_same_v<kind, list_routes>)
          return routes();
        else
          return node();
      },
      std::move(*parsed));
}

reply_ptr control_api::health(std::string_view path) const {
  const auto state = around_->state->load();
  if (path == "/healthz")
    return text_reply(200, "ok\n");
  switch (state) {
    case node_state::starting: return text_reply(503, "starting\n");
    case node_state::ready: return text_reply(200, "ready\n");
    case node_state::draining: return text_reply(503, "draining\n");
  }
  return text_reply(503, "unknown\n");
}

caf::result<reply_ptr> control_api::find_missing(ask_missing_blobs&& what) {
  auto answer = make_response_promise<promise>();
  auto wanted = std::make_shared<const std::vector<digest>>(std::move(what.digests));
  request(around_->deployer, caf::infinite, std::move(wanted))
      .then(
          [answer](const actors::blobs_result_ptr& result) mutable {
            answer.deliver(result->missing ? json_reply(200, missing_body(*result->missing))
                                           : refusal_of(result->missing.error()));
          },
          [answer](const caf::error&) mutable {
            answer.deliver(refusal_of({errc::draining, "the node is going down"}));
          });
  return answer;
}

caf::result<reply_ptr> control_api::store(const store_blob& what, const functions::http_request_ptr& body) {
  auto answer = make_response_promise<promise>();
  request(around_->deployer, caf::infinite, actors::blob_upload{what.sha256, body})
      .then(
          [answer, blob = what.sha256, bytes = body->body.size()](const actors::blobs_result_ptr& result) mutable {
            answer.deliver(result->missing ? json_reply(201, stored_body(blob, bytes))
                                           : refusal_of(result->missing.error()));
          },
          [answer](const caf::error&) mutable {
            answer.deliver(refusal_of({errc::draining, "the node is going down"}));
          });
  return answer;
}

caf::result<reply_ptr> control_api::deploy(deploy_function&& what) {
  auto wanted = std::make_shared<actors::deployment>();
  wanted->spec = std::move(what.spec);
  wanted->routes = std::move(what.routes);
  if (auto* package = std::get_if<functions::manifest>(&what.code))
    wanted->code = std::move(*package);
  else if (const auto* zip = std::get_if<zip_code>(&what.code))
    wanted->code = actors::deployment::archive{zip->sha256};
  else
    wanted->code = actors::deployment::object{std::get<object_code>(what.code).sha256};
  // Another machine's paths mean nothing here.
  if (what.source && !what.source->boot_id.empty() && what.source->boot_id == functions::boot_id())
    wanted->source = what.source->root;
  auto answer = make_response_promise<promise>();
  request(around_->deployer, caf::infinite, actors::deployment_ptr{std::move(wanted)})
      .then(
          [this, answer](const deployment_result_ptr& result) mutable {
            if (!result->missing.empty()) {
              answer.deliver(json_reply(409, missing_blobs_error_body(result->missing)));
              return;
            }
            if (result->failed) {
              answer.deliver(refusal_of(result->why));
              return;
            }
            const auto start_ms = std::chrono::duration_cast<milliseconds>(result->start_took).count();
            answer.deliver(json_reply(result->fresh ? 201 : 200,
                                      deployed_body(result->record, result->routes, instances_of(result->record),
                                                    {result->fresh, static_cast<std::uint64_t>(start_ms), true})));
          },
          [answer](const caf::error&) mutable {
            answer.deliver(refusal_of({errc::draining, "the node is going down"}));
          });
  return answer;
}

caf::result<reply_ptr> control_api::remove(const remove_function& what) {
  auto answer = make_response_promise<promise>();
  request(around_->deployer, caf::infinite, actors::removal{what.name})
      .then(
          [answer, name = what.name](const deployment_result_ptr& result) mutable {
            answer.deliver(result->failed ? refusal_of(result->why) : json_reply(200, removed_body(name)));
          },
          [answer](const caf::error&) mutable {
            answer.deliver(refusal_of({errc::draining, "the node is going down"}));
          });
  return answer;
}

void control_api::add_program_functions(std::vector<cluster::function_record>& functions,
                                        std::vector<cluster::route_record>& routes) const {
  for (const auto& own : around_->registry->program_functions()) {
    cluster::function_record record;
    record.id = own.spec.id;
    record.name = own.spec.name;
    record.version = own.spec.version;
    record.runtime = own.spec.runtime;
    record.form = "program";
    record.timeout_ms = static_cast<std::uint64_t>(own.spec.timeout.count());
    record.memory_mb = own.spec.memory_mb;
    record.concurrency = own.spec.concurrency;
    functions.push_back(std::move(record));
    for (const auto& key : own.routes)
      routes.push_back({"default", key, own.spec.name});
  }
}

instance_counts control_api::instances_of(const cluster::function_record& record) const {
  if (record.runtime == "native")
    return {1, 0};
  return {around_->registry->instances_of(record.id).ready, 0};
}

reply_ptr control_api::list() const {
  auto functions = around_->follower->snapshot()->functions;
  auto known_routes = around_->follower->snapshot()->routes;
  add_program_functions(functions, known_routes);
  std::vector<instance_counts> counts;
  for (const auto& record : functions)
    counts.push_back(instances_of(record));
  return json_reply(200, functions_body(functions, known_routes, counts));
}

reply_ptr control_api::describe(const std::string& name) const {
  auto functions = around_->follower->snapshot()->functions;
  auto known_routes = around_->follower->snapshot()->routes;
  add_program_functions(functions, known_routes);
  const auto found = std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
  if (found == functions.end())
    return refusal_of({errc::no_such_function, "function '" + name + "' is not deployed"});
  std::erase_if(known_routes, [&](const auto& route) { return route.function != name; });
  return json_reply(200, function_body(*found, known_routes, instances_of(*found)));
}

reply_ptr control_api::logs(const std::string& name, std::string_view query) const {
  const auto from = parse_log_position(query);
  if (!from)
    return refusal_of(from.error());
  auto functions = around_->follower->snapshot()->functions;
  std::vector<cluster::route_record> ignored;
  add_program_functions(functions, ignored);
  const auto found = std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
  if (found == functions.end())
    return refusal_of({errc::no_such_function, "function '" + name + "' is not deployed"});
  // The ring lives as long as this node and this function: both name it.
  const auto log = to_string(start_) + "/" + to_string(found->id);
  return json_reply(200, logs_body(name, log, around_->logs->ring(found->id)->read(*from)));
}

reply_ptr control_api::routes() const {
  std::vector<cluster::function_record> ignored;
  auto known = around_->follower->snapshot()->routes;
  add_program_functions(ignored, known);
  return json_reply(200, routes_body(known));
}

reply_ptr control_api::node() const {
  node_description description;
  description.name = around_->node_name;
  switch (around_->state->load()) {
    case node_state::starting: description.state = "starting"; break;
    case node_state::ready: description.state = "ready"; break;
    case node_state::draining: description.state = "draining"; break;
  }
  description.http = around_->http_addresses;
  description.admin = around_->admin_address;
  description.boot_id = functions::boot_id();
  return json_reply(200, node_body(description));
}

}  // namespace troupe::http
