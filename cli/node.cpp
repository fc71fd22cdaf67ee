#include "cli/node.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <future>

#include "actors/stores/sqlite_store.hpp"
#include "cli/node_state.hpp"
#include "config/log.hpp"
#include "functions/shims.hpp"
#include "http/admin_api.hpp"

namespace troupe::cli {

namespace {

constexpr std::size_t max_file_jobs = 256;
constexpr seconds open_timeout{10};
/// When the node goes down an admin connection without a request has no reason to wait for one.
constexpr milliseconds admin_idle_at_end{100};
constexpr std::size_t max_admin_connections = 256;
/// An invocation may run for 900 s, after it waited for an instance that needed its whole init limit.
constexpr milliseconds admin_call_timeout{960'000};

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: the soft limit stays, which the next line reads
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string default_name(const uuid& id) {
  char host[256] = "node";
  ::gethostname(host, sizeof host - 1);
  return std::string{host} + "-" + to_string(id).substr(0, 4);
}

}  // namespace

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
  if (added)
    state_->program_functions.back().library = std::move(library);
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
  auto begun = prepare().and_then([this] { return open_sockets(); });
  if (!begun) {
    std::fprintf(stderr, "troupe: %s\n", begun.error().what.c_str());
    if (spawner.pid > 0)
      functions::stop_spawner(spawner);
    return 2;
  }
  start_system();
  start_actors();
  if (auto started = start_serving(); !started) {
    std::fprintf(stderr, "troupe: %s\n", started.error().what.c_str());
    take_apart();
    return 1;
  }
  announce();
  wait([] { return false; }, time_point::max());
  drain();
  take_apart();
  return lost_spawner ? 1 : 0;
}

expected<void> node::state::prepare() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (wake < 0)
    wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (options.loops == 0)
    options.loops = usable_cores();
  auto opened = data_directory::open(options.data_dir);
  if (!opened)
    return tl::unexpected{opened.error()};
  directory.emplace(std::move(*opened));
  if (options.name.empty())
    options.name = default_name(directory->node_id());
  spawner = options.spawner;
  if (spawner.pid < 0) {
    auto started = functions::start_spawner();
    if (!started)
      return tl::unexpected{started.error()};
    spawner = *started;
  }
  const auto descriptors = raise_descriptor_limit();
  if (options.max_connections == 0)
    options.max_connections = descriptors / 4 * 3;
  auto opened_store = [this] {
    actors::sqlite_store_options wanted;
    wanted.data_dir = directory->path();
    return actors::open_sqlite_store(std::move(wanted));
  }();
  if (!opened_store)
    return tl::unexpected{opened_store.error()};
  store = std::move(*opened_store);
  auto identified = std::make_shared<std::promise<expected<cluster::store_identity>>>();
  store->open(clock::now() + open_timeout,
              [identified](expected<cluster::store_identity> known) { identified->set_value(std::move(known)); });
  auto known = identified->get_future().get();
  if (!known)
    return tl::unexpected{known.error()};
  identity = *known;
  auto opened_code = functions::code_store::open(directory->path());
  if (!opened_code)
    return tl::unexpected{opened_code.error()};
  code.emplace(std::move(*opened_code));
  return directory->write_file(node_shim_file, functions::node_shim()).and_then([this] {
    return directory->write_file(python_shim_file, functions::python_shim());
  });
}

expected<void> node::state::open_sockets() {
  if (!is_loopback(options.admin))
    return fail(errc::bad_setting, "admin address '" + to_string(options.admin) +
                                       "': only loopback addresses are allowed until there are admin credentials");
  for (const auto& address : options.http) {
    endpoint bound;
    auto opened = http::open_listeners(address, options.loops, bound);
    if (!opened)
      return tl::unexpected{opened.error()};
    http_sockets.push_back(std::move(*opened));
    http_bound.push_back(bound);
  }
  auto opened = http::open_listeners(options.admin, 1, admin_bound);
  if (!opened)
    return tl::unexpected{opened.error()};
  admin_sockets = std::move(*opened);
  return {};
}

void node::state::start_system() {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  config.set("scheduler.max-throughput", std::size_t{64});
  system = std::make_unique<caf::actor_system>(config);
  files = std::make_unique<actors::work_thread>("files", max_file_jobs);
  for (unsigned i = 0; i < options.loops; ++i)
    gateways.emplace_back(std::make_unique<actors::event_loop>(i, "loop-" + std::to_string(i)));
  control.emplace_back(std::make_unique<actors::event_loop>(options.loops, "control"));
  for (auto* set : {&gateways, &control})
    for (auto& each : *set) {
      each.loop->attach(*system);
      each.loop->start();
    }
}

void node::state::start_actors() {
  auto& control_loop = *control.front().loop;
  routers = std::make_shared<std::vector<actors::router_actor>>();

  auto routing = std::make_shared<actors::router_surroundings>();
  routing->limits = options.queues;
  routing->log = &logs;
  routing->peers = routers;
  routing->on_demand = [this](const actors::demand& wanted) {
    control.front().loop->post([this, wanted] {
      if (registry)
        if (auto supervisor = registry->supervisor_of(wanted.function))
          caf::anon_send(supervisor, wanted);
    });
  };
  for (auto& each : gateways)
    routers->push_back(actors::spawn_on<actors::router>(*system, *each.loop, routing));

  actors::registry_surroundings around;
  around.control = &control_loop;
  around.files = files.get();
  around.code = &*code;
  around.isolation = options.native;
  around.supervision = make_supervision();
  around.logs = &logs;
  around.install = [this](auto update, auto routes, auto done) {
    install(std::move(update), std::move(routes), std::move(done));
  };
  for (auto& [index, factory] : factories)
    program_functions[index].factory = [this, make = factory](actors::event_loop& loop) { return make(*system, loop); };
  registry = std::make_unique<actors::function_registry>(*system, std::move(around));
  for (auto& function : program_functions)
    if (auto added = registry->add_program_function(function); !added)
      log_event(log_level::error, "function_not_registered", {{"reason", added.error().what}});
  follower = std::make_unique<actors::catalog_follower>(
      control_loop, *store, [this](cluster::catalog_snapshot_ptr snapshot) { registry->adopt(std::move(snapshot)); });

  const auto starts = std::make_shared<actors::first_starts>();
  actors::deployer_surroundings deploying;
  deploying.files = files.get();
  deploying.code = &*code;
  deploying.store = store.get();
  deploying.follower = follower.get();
  deploying.registry = registry.get();
  deploying.starts = starts;
  deploying.isolation = options.native;
  deploying.route_identity = [](const std::string& key) {
    return http::parse_route_key(key).map([](const auto& parsed) { return http::identity_of(parsed); }).value_or(key);
  };
  deployer = actors::spawn_on<actors::deployer>(*system, control_loop, std::move(deploying));

  auto controls = std::make_shared<http::control_surroundings>();
  controls->deployer = deployer;
  controls->follower = follower.get();
  controls->registry = registry.get();
  controls->logs = &logs;
  controls->allowed_hosts = options.admin_hosts;
  controls->journal = &journal;
  controls->store = store.get();
  controls->node_id = directory->node_id();
  controls->node_name = options.name;
  for (const auto& bound : http_bound)
    controls->http_addresses.push_back(to_string(bound));
  controls->admin_address = to_string(admin_bound);
  controls->state = node_state;
  controls->files = files.get();
  controls->code = &*code;
  controls->routers = routers;
  controls->starts = starts;
  controls->lambda.place = {options.region, options.account_id};
  controls->lambda.programs = programs;
  controls->identity = identity;
  std::error_code unknown;
  controls->max_code_bytes = std::filesystem::space(directory->path(), unknown).capacity;
  controls->start_allowance = options.workers.init_timeout + options.queues.start_timeout;
  admin = actors::spawn_on<http::control_api>(*system, control_loop, std::move(controls));
}

expected<void> node::state::start_serving() {
  const auto shared = std::make_shared<const http::edge_options>(options.edge);
  auto for_admin = options.edge;
  for_admin.head.max_body_bytes = options.max_admin_body_bytes;
  for_admin.chunks.max_body_bytes = options.max_admin_body_bytes;
  for_admin.drain_idle_timeout = std::min(for_admin.drain_idle_timeout, admin_idle_at_end);
  for_admin.call_timeout = admin_call_timeout;
  const auto shared_admin = std::make_shared<const http::edge_options>(for_admin);
  auto budget = std::make_shared<http::connection_budget>();
  budget->max = options.max_connections;
  auto admin_budget = std::make_shared<http::connection_budget>();
  admin_budget->max = max_admin_connections;

  std::size_t index = 0;
  for (auto& each : gateways) {
    each.edge = std::make_unique<http::edge>(*each.loop, *system, shared, budget);
    each.edge->routes = http::route_table::build({}).table;
    each.edge->router = (*routers)[index];
    for (std::size_t a = 0; a < http_sockets.size(); ++a)
      each.listeners.emplace_back(*each.edge, http_sockets[a][index], http_bound[a].port);
    ++index;
  }
  auto& control_side = control.front();
  control_side.edge = std::make_unique<http::edge>(*control_side.loop, *system, shared_admin, admin_budget);
  control_side.edge->admin = admin;
  control_side.listeners.emplace_back(*control_side.edge, admin_sockets.front(), admin_bound.port);
  http_sockets.clear();  // the listeners own them now
  admin_sockets.clear();
  on_each(gateways, [](serving_loop& each) { each.edge->start(); });
  on_each(control, [](serving_loop& each) { each.edge->start(); });

  // The first picture is on every loop before the first connection is accepted.
  auto ready = std::make_shared<std::atomic<bool>>(false);
  auto problem = std::make_shared<std::optional<error>>();
  follower->start([this, problem, ready](const expected<void>& loaded) {
    if (!loaded) {
      *problem = loaded.error();
      *ready = true;
      notify();
      return;
    }
    registry->when_installed(follower->snapshot()->cursor, [this, ready] {
      *ready = true;
      notify();
    });
  });
  wait([ready] { return ready->load(); }, time_point::max());
  if (!ready->load())
    return fail(errc::refused, "stopped before it was ready");
  if (*problem)
    return tl::unexpected{**problem};
  for (auto* set : {&gateways, &control})
    on_each(*set, [](serving_loop& each) {
      for (auto& listener : each.listeners)
        listener.start();
    });
  node_state->store(http::node_state::ready);
  files->post([this] {
    if (auto swept = code->sweep(); !swept)
      log_event(log_level::warning, "sweep_failed", {{"reason", swept.error().what}});
  });
  return {};
}

void node::state::install(actors::routing_update_ptr update, std::vector<actors::routed_function> routes,
                          std::function<void()> done) {
  std::vector<http::route> entries;
  for (auto& route : routes)
    entries.push_back({std::make_shared<const std::string>(std::move(route.route_key)), std::move(route.function)});
  auto built = http::route_table::build(std::move(entries));
  for (const auto& rejected : built.rejected)
    log_event(log_level::error, "route_rejected", {{"reason", rejected.what}});
  auto left = std::make_shared<std::atomic<std::size_t>>(gateways.size());
  std::size_t index = 0;
  for (auto& each : gateways) {
    each.loop->post([this, &each, update, left, done, table = built.table, router = (*routers)[index]] {
      // The router first: a route must never lead to a function that its loop does not know.
      caf::anon_send(router, actors::install_update{update, [this, &each, left, done, table] {
                                                      each.edge->routes = table;
                                                      if (left->fetch_sub(1) == 1)
                                                        control.front().loop->post(done);
                                                    }});
    });
    ++index;
  }
}

void node::state::announce() {
  write_node_file();
  std::string addresses;
  for (const auto& bound : http_bound)
    addresses += (addresses.empty() ? "" : " ") + to_string(bound);
  log_event(log_level::info, "node_ready",
            {{"name", options.name},
             {"http", addresses},
             {"admin", to_string(admin_bound)},
             {"loops", options.loops},
             {"data_dir", directory->path()}});
  journal.add("node_ready", options.name + " is ready, version " TROUPE_VERSION);
}

void node::state::write_node_file() const {
  std::string json = "{\"pid\":" + std::to_string(::getpid()) + ",\"http\":[";
  for (const auto& bound : http_bound)
    json += (json.back() == '[' ? "\"" : ",\"") + to_string(bound) + "\"";
  json += "],\"admin\":\"" + to_string(admin_bound) + "\"}\n";
  if (auto written = directory->write_file("node.json", json); !written)
    log_event(log_level::warning, "node_file_not_written", {{"reason", written.error().what}});
}

}  // namespace troupe::cli
