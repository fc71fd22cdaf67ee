#include "http/control_api.hpp"

#include "config/text.hpp"
#include "http/control_api_reply.hpp"

namespace troupe::http {

namespace {

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

reply_ptr answer_of(const admin_refusal& refused) {
  auto answer = json_reply(refused.status, error_body(refused.why));
  if (!refused.allow.empty())
    answer->fields += "allow: " + refused.allow + "\r\n";
  return answer;
}

}  // namespace

std::string_view to_string(node_state state) noexcept {
  switch (state) {
    case node_state::starting: return "starting";
    case node_state::ready: return "ready";
    case node_state::draining: return "draining";
    case node_state::joining: return "joining";
  }
  return "unknown";
}

control_api::control_api(caf::actor_config& config, std::shared_ptr<const control_surroundings> surroundings)
    : loop_bound{config}, around_{std::move(surroundings)} {
  set_default_handler(caf::drop);
}

control_api::behavior_type control_api::make_behavior() {
  return {[this](const admin_call& call) { return handle(call); }};
}

caf::result<reply_ptr> control_api::handle(const admin_call& call) {
  const auto& request = call.request;
  for (const auto origin : origins_of(*request))
    if (const auto allowed = check_admin_origin(request->field("host"), origin, around_->allowed_hosts); !allowed)
      return json_reply(403, error_body(allowed.error()));
  if (request->path == "/healthz" || request->path == "/readyz" || request->path == "/metrics") {
    // Load balancers ask with HEAD, too: the connection leaves the body out.
    if (request->method == "GET" || request->method == "HEAD")
      return request->path == "/metrics" ? metrics() : health(request->path);
    return answer_of(not_allowed(request->method, "GET, HEAD"));
  }
  if (is_lambda_path(request->path))
    return lambda(call);
  auto parsed = parse_admin_request(request->method, request->path, request->body.view());
  if (!parsed)
    return answer_of(parsed.error());
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
          return read_at_once([this] { return list(); });
        else if constexpr (std::is_same_v<kind, describe_function>)
          return read_at_once([this, name = what.name] { return describe(name); });
        else if constexpr (std::is_same_v<kind, read_logs>)
          return logs(what.name, request);
        else if constexpr (std::is_same_v<kind, download_code>)
          return download(what.name);
        else if constexpr (std::is_same_v<kind, list_routes>)
          return read_at_once([this] { return routes(); });
        else if constexpr (std::is_same_v<kind, list_nodes>)
          return nodes();
        else if constexpr (std::is_same_v<kind, remove_node>)
          return remove(what);
        else if constexpr (std::is_same_v<kind, read_events>)
          return events(request->query);
        else if constexpr (std::is_same_v<kind, back_up_store>)
          return back_up();
        else if constexpr (std::is_same_v<kind, move_store>)
          return move(what);
        else if constexpr (std::is_same_v<kind, show_settings>)
          return settings();
        else if constexpr (std::is_same_v<kind, reload_settings>)
          return reload();
        else
          return node();
      },
      std::move(*parsed));
}

/// Runs `then` when this node's records have everything that was acknowledged before, at once where nobody has to be
/// asked, or without contact after a moment: then with their age.
void control_api::when_level(std::function<void(std::optional<seconds> stale)> then) {
  around_->reads->read([self = strong_self(), this, then = std::move(then)](std::optional<seconds> stale) {
    enter();
    if (getf(is_terminated_flag))
      return;  // the node is going down: nobody waits any more
    then(stale);
    loop().drain();
  });
}

caf::result<reply_ptr> control_api::read(std::function<void(read_answer)> then) {
  auto answer = make_response_promise<promise>();
  when_level([answer, then = std::move(then)](std::optional<seconds> stale) { then({answer, stale}); });
  return answer;
}

caf::result<reply_ptr> control_api::read_at_once(std::function<reply_ptr()> make) {
  return read([make = std::move(make)](read_answer answer) { answer.deliver(make()); });
}

reply_ptr control_api::metrics() const {
  reply page;
  page.fields = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";
  page.body = around_->metrics();
  return share(std::move(page));
}

std::string_view control_api::state_text() const {
  const auto state = around_->state->load();
  return state == node_state::ready && around_->stalled && around_->stalled->load() ? "stalled" : to_string(state);
}

reply_ptr control_api::health(std::string_view path) const {
  if (path == "/healthz")
    return text_reply(200, "ok\n");
  const auto state = state_text();
  return text_reply(state == to_string(node_state::ready) ? 200 : 503, std::string{state} + "\n");
}

}  // namespace troupe::http
