#include "cli/node.hpp"

#include <unistd.h>

#include <cstdio>

#include "cli/node_state.hpp"

namespace troupe::cli {

node::node(node_options options) : state_{std::make_unique<state>(std::move(options))} {}

node::~node() = default;

expected<void> node::register_function(std::string name, function_limits limits, std::vector<std::string> routes,
                                       native_handler handler) {
  auto library = functions::native_library::of([handler = std::move(handler)](const troupe_request* request,
                                                                              const troupe_context* context,
                                                                              troupe_response* response) {
    return sdk::call(handler, request, context, response);
  });
  auto added = register_actor(std::move(name), limits, std::move(routes), nullptr);
  if (!added)
    return added;
  auto& function = state_->program_functions.back();
  function.library = std::move(library);
  function.execution = limits.execution;
  return added;
}

expected<void> node::register_actor(std::string name, function_limits limits, std::vector<std::string> routes,
                                    actor_factory factory) {
  actors::program_function function;
  function.spec.name = name;
  function.spec.kind = functions::runtime_kind::native;
  function.spec.timeout = limits.timeout;
  function.spec.concurrency = limits.concurrency;
  function.routes = routes.empty() ? http::default_routes(name) : std::move(routes);
  for (const auto& key : function.routes)
    if (auto parsed = http::parse_route_key(key); !parsed)
      return tl::unexpected{parsed.error()};
  if (auto checked = functions::check(function.spec); !checked)
    return checked;
  for (const auto& other : state_->program_functions)
    if (other.spec.name == name)
      return fail(errc::conflict, "function '" + name + "' is registered already");
  if (factory)
    state_->factories.emplace_back(state_->program_functions.size(), std::move(factory));
  state_->program_functions.push_back(std::move(function));
  return {};
}

int node::run() {
  return state_->run();
}

void node::stop() noexcept {
  state_->stop_requests.fetch_add(1);
  state_->notify();
}

node::state::state(node_options o)
    : options{std::move(o)}, drain_announce{options.drain_announce}, drain_timeout{options.drain_timeout} {
  if (options.source)
    settings_now.emplace(options.source->first);
}

node::state::~state() {
  for (const auto& sockets : http_sockets)
    for (const int descriptor : sockets)
      ::close(descriptor);
  for (const int descriptor : admin_sockets)
    ::close(descriptor);
  for (const int descriptor : {signals, wake})
    if (descriptor >= 0)
      ::close(descriptor);
}

int node::state::run() {
  auto begun = prepare().and_then([this] { return open_sockets(); }).and_then([this] { return judge_last_end(); });
  if (!begun) {
    std::fprintf(stderr, "troupe: %s\n", begun.error().what.c_str());
    if (spawner.pid > 0)
      functions::stop_spawner(spawner);
    return 2;
  }
  start_system();
  if (auto opened = open_store(); !opened) {
    std::fprintf(stderr, "troupe: %s\n", opened.error().what.c_str());
    end_threads();
    return 2;
  }
  start_actors();
  if (auto started = start_serving(); !started) {
    const int ended_with = exit_code.load();
    std::fprintf(stderr, "troupe: %s\n", ended_with == 0 ? started.error().what.c_str() : end_reason.c_str());
    take_apart();
    return ended_with == 0 ? 1 : ended_with;
  }
  announce();
  wait([] { return false; }, time_point::max());
  const int ended_with = exit_code.load();
  if (ended_with != 0)
    std::fprintf(stderr, "troupe: %s\n", end_reason.c_str());
  drain();
  take_apart();
  return lost_spawner ? 1 : ended_with;
}

}  // namespace troupe::cli
