// From a prepared node to one that serves: threads, actors, the first picture of what is deployed, listeners.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/node_state.hpp"
#include "config/log.hpp"
#include "functions/runtime_trial.hpp"
#include "http/admin_api.hpp"

namespace troupe::cli {

namespace {

constexpr std::size_t max_file_jobs = 256;
constexpr std::size_t max_admin_connections = 256;

}  // namespace

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
  route_metrics.emplace(options.loops);
  options.queues.bodies = std::make_shared<functions::waiting_bodies>(waiting_body_memory(options));
  start_compute();
  start_routers();
  start_registry();
  const auto starts = std::make_shared<actors::first_starts>();
  start_deployer(starts);
  start_admin(starts);
  start_watchdog();
}

void node::state::start_routers() {
  routers = std::make_shared<std::vector<actors::router_actor>>();

  actors::router_surroundings around;
  around.limits = options.queues;
  around.log = &logs;
  around.objects = objects;
  around.compute = compute.get();
  around.peers = routers;
  if (cluster)
    around.remote = cluster->remote();
  around.on_demand = [this](const actors::demand& wanted) {
    control.front().loop->post([this, wanted] {
      if (!registry)
        return;
      if (cluster && registry->starts_nothing(wanted.function) && cluster->runs_elsewhere(wanted.function))
        caf::anon_send((*routers)[wanted.loop], actors::runs_elsewhere{wanted.function});
      else if (auto supervisor = registry->supervisor_of(wanted.function))
        caf::anon_send(supervisor, wanted);
    });
  };
  for (auto& each : gateways) {
    routing.push_back(std::make_shared<actors::router_surroundings>(around));
    routers->push_back(actors::spawn_on<actors::router>(*system, *each.loop, routing.back()));
  }
}

void node::state::start_registry() {
  auto& control_loop = *control.front().loop;
  actors::registry_surroundings around;
  around.control = &control_loop;
  around.files = files.get();
  around.code = &*code;
  around.objects = objects;
  around.supervision = make_supervision();
  around.logs = &logs;
  around.executions = executions.get();
  around.count_calls = options.edge.count_requests;
  if (cluster) {
    around.band_of = [this](const functions::function_spec& spec) { return cluster->band_of(spec); };
    around.given_band = [this](const uuid& function) { return cluster->given_band(function); };
  }
  around.install = [this](auto update, auto routes, auto done) {
    install(std::move(update), std::move(routes), std::move(done));
  };
  for (auto& [index, factory] : factories)
    program_functions[index].factory = [this, make = factory](actors::event_loop& loop) { return make(*system, loop); };
  registry = std::make_unique<actors::function_registry>(*system, std::move(around));
  for (auto& function : program_functions)
    if (auto added = registry->add_program_function(function); !added)
      log_event(log_level::error, "function_not_registered", {{"reason", added.error().what}});
  follower =
      std::make_unique<actors::catalog_follower>(control_loop, *store, [this](cluster::catalog_snapshot_ptr snapshot) {
        copies_lag.note(snapshot->cursor, clock::now());
        if (cluster)
          cluster->adopt(*snapshot);
        registry->adopt(std::move(snapshot));
      });
  start_waits();
}

void node::state::start_deployer(const std::shared_ptr<actors::first_starts>& starts) {
  actors::deployer_surroundings deploying;
  deploying.files = files.get();
  deploying.code = &*code;
  deploying.store = store.get();
  deploying.follower = follower.get();
  deploying.registry = registry.get();
  deploying.starts = starts;
  deploying.objects = objects;
  if (cluster)
    deploying.spread = cluster->spreading();
  if (cluster)
    deploying.start_elsewhere = [this](const uuid& function, std::uint64_t version, time_point deadline,
                                       std::function<void(const actors::start_report&)> done) {
      return cluster->start_elsewhere(function, version, deadline, std::move(done));
    };
  if (cluster)
    deploying.level_since = [this]() -> std::optional<time_point> {
      const auto since = level_since_ns.load();
      return since == 0 ? std::nullopt : std::optional{time_point{duration{since}}};
    };
  deploying.try_runtime = [trial = std::make_shared<functions::runtime_trial>(programs)](const std::string& runtime) {
    return trial->check(runtime);
  };
  deploying.route_identity = [](const std::string& key) {
    return http::parse_route_key(key).map([](const auto& parsed) { return http::identity_of(parsed); }).value_or(key);
  };
  deploying.copies = copies.get();
  deployer = actors::spawn_on<actors::deployer>(*system, *control.front().loop, std::move(deploying));
}

void node::state::start_admin(const std::shared_ptr<actors::first_starts>& starts) {
  controls = std::make_shared<http::control_surroundings>();
  controls->deployer = deployer;
  controls->follower = follower.get();
  controls->reads = reads.get();
  controls->registry = registry.get();
  controls->logs = &logs;
  controls->allowed_hosts = options.admin_hosts;
  controls->journal = &journal;
  controls->store = store.get();
  controls->node_id = directory->node_id();
  controls->incarnation = incarnation;
  controls->node_name = options.name;
  for (const auto& bound : http_bound)
    controls->http_addresses.push_back(to_string(bound));
  controls->admin_address = to_string(admin_bound);
  controls->state = node_state;
  controls->stalled = stalled;
  controls->files = files.get();
  controls->code = &*code;
  controls->routers = routers;
  controls->starts = starts;
  controls->lambda.place = {options.region, options.account_id};
  controls->lambda.programs = programs;
  controls->cluster = cluster_questions();
  controls->settings = settings_questions();
  controls->metrics = [this] { return metrics_text(); };
  controls->identity = [this] { return store->point()->identity; };
  std::error_code unknown;
  controls->max_code_bytes = std::filesystem::space(directory->path(), unknown).capacity;
  controls->start_allowance = options.workers.init_timeout + options.queues.start_timeout;
  admin = actors::spawn_on<http::control_api>(*system, *control.front().loop, controls);
}

expected<void> node::state::start_serving() {
  open_edges();
  if (cluster) {
    cluster->listen(*system, *store, *routers);
    // A node that waits for its cluster says so at its admin port.
    start_listening(control);
    write_node_file();
  }
  if (auto ready = await_store().and_then([this] { return load_first_picture(); }); !ready)
    return ready;
  if (cluster) {
    if (auto met = cluster->meet(*system); !met)
      return met;
  } else {
    start_listening(control);
  }
  start_listening(gateways);
  start_backups();
  node_state->store(http::node_state::ready);
  files->post([this] {
    if (auto swept = code->sweep(); !swept)
      log_event(log_level::warning, "sweep_failed", {{"reason", swept.error().what}});
  });
  return {};
}

void node::state::start_listening(std::list<serving_loop>& which) {
  on_each(which, [](serving_loop& each) {
    for (auto& listener : each.listeners)
      listener.start();
  });
}

void node::state::open_edges() {
  const auto shared = std::make_shared<const http::edge_options>(client_edge_options(options));
  const auto shared_admin = std::make_shared<const http::edge_options>(admin_edge_options(options));
  connections = std::make_shared<http::connection_budget>();
  connections->max = max_connections(options);
  auto admin_budget = std::make_shared<http::connection_budget>();
  admin_budget->max = max_admin_connections;

  std::size_t index = 0;
  for (auto& each : gateways) {
    each.edge = std::make_unique<http::edge>(*each.loop, *system, shared, connections);
    each.edge->routes = http::route_table::build({}).table;
    each.edge->router = (*routers)[index];
    each.edge->router_here = actors::router::behind(each.edge->router);
    if (cluster)
      each.edge->after_sleep = [this, loop = each.loop.get()](std::function<void()> go_on) {
        control.front().loop->post([this, loop, go_on = std::move(go_on)]() mutable {
          cluster->slept([loop, go_on = std::move(go_on)] { loop->post(go_on); });
        });
      };
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
}

/// It is on every loop before the first connection is accepted.
expected<void> node::state::load_first_picture() {
  auto ready = std::make_shared<std::atomic<bool>>(false);
  auto problem = std::make_shared<std::optional<error>>();
  follower->start([this, problem, ready](const expected<void>& loaded) {
    if (!loaded) {
      *problem = loaded.error();
      *ready = true;
      notify();
      return;
    }
    registry->when_installed(follower->snapshot()->cursor, time_point::max(), [this, ready](bool) {
      *ready = true;
      notify();
    });
  });
  wait([ready] { return ready->load(); }, time_point::max());
  if (!ready->load())
    return fail(errc::refused, "stopped before it was ready");
  if (*problem)
    return tl::unexpected{**problem};
  return {};
}

void node::state::install(actors::routing_update_ptr update, std::vector<actors::routed_function> routes,
                          std::function<void()> done) {
  std::vector<http::route> entries;
  for (auto& route : routes) {
    if (!options.edge.count_requests) {
      entries.push_back({std::make_shared<const std::string>(route.route_key), std::move(route.function), nullptr});
      continue;
    }
    const auto metrics = route_metrics->find_or_add(route.route_key, route.function ? route.function->name : "");
    entries.push_back({http::key_of(metrics), std::move(route.function), metrics.get()});
  }
  auto built = http::route_table::build(std::move(entries));
  route_metrics->forget_unused();
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
  if (std::exchange(hangup_waits, false))
    on_hangup();
}

void node::state::write_node_file() const {
  std::string json = "{\"pid\":" + std::to_string(::getpid()) + ",\"http\":[";
  for (const auto& bound : http_bound)
    json += (json.back() == '[' ? "\"" : ",\"") + to_string(bound) + "\"";
  json += "],\"admin\":\"" + to_string(admin_bound) + "\"";
  if (cluster)
    json += ",\"cluster\":\"" + to_string(cluster->address()) + "\"";
  json += "}\n";
  if (auto written = directory->write_file("node.json", json); !written)
    log_event(log_level::warning, "node_file_not_written", {{"reason", written.error().what}});
}

}  // namespace troupe::cli
