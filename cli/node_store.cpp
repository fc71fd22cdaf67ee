// The store of a node: opened once its loops run, since it may have to reach the stores of others.
#include "cli/new_file.hpp"
#include "cli/node_state.hpp"
#include "config/log.hpp"
#include "http/store_backup.hpp"

namespace troupe::cli {

namespace {

/// How long one question to a store that has no history yet may take; then it is asked again.
constexpr milliseconds open_try{1'000};

std::string_view kind_of(cluster::store_event::kind what) noexcept {
  using kind = cluster::store_event::kind;
  switch (what) {
    case kind::joined: return "node_registered";
    case kind::removed: return "node_removed";
    case kind::primary_changed: return "primary_changed";
    case kind::session_ended: return "session_ended";
    case kind::halted: return "store_halted";
    case kind::resumed: return "store_resumed";
    case kind::refused_peer: return "store_refused_peer";
    case kind::name_taken: return "name_taken";
    case kind::id_taken: return "id_taken";
    case kind::loaded: return "store_loaded";
    case kind::replaced: return "store_replaced";
    case kind::set_aside: return "commits_set_aside";
    case kind::out_of_reach: return "primary_out_of_reach";
    case kind::in_reach: return "primary_in_reach";
  }
  return "store_event";
}

log_level level_of(cluster::store_event::kind what) noexcept {
  using kind = cluster::store_event::kind;
  switch (what) {
    case kind::halted: return log_level::error;
    // Somebody has to look: something is not as it was meant.
    case kind::refused_peer:
    case kind::name_taken:
    case kind::id_taken:
    case kind::replaced:
    case kind::set_aside:
    case kind::out_of_reach: return log_level::warning;
    default: return log_level::info;
  }
}

}  // namespace

expected<void> node::state::open_store() {
  actors::cluster_store_options wanted;
  wanted.data_dir = directory->path();
  wanted.node.self.id = directory->node_id();
  wanted.node.self.name = options.name;
  wanted.node.self.cores = usable_cores();
  wanted.node.incarnation = incarnation;
  wanted.notices.on_event = [this](const cluster::store_event& event) {
    using kind = cluster::store_event::kind;
    if (event.what == kind::in_reach || event.what == kind::primary_changed || event.what == kind::loaded)
      level_since_ns = clock::now().time_since_epoch().count();
    else if (event.what == kind::out_of_reach)
      level_since_ns = 0;
    if (!cluster && event.what != kind::halted && event.what != kind::resumed)
      return;  // a node alone is nobody's news
    log_event(level_of(event.what), kind_of(event.what), {{"reason", event.text}});
    journal.add(kind_of(event.what), event.text);
    if (event.what == kind::name_taken || event.what == kind::id_taken)
      control.front().loop->post([this, why = event.text] { end_with(2, why); });
  };
  if (cluster) {
    cluster_surroundings around;
    for (auto& each : gateways)
      around.loops.push_back(each.loop.get());
    around.control = control.front().loop.get();
    around.on_each_loop = [this](const std::function<void(std::size_t)>& job) {
      on_each(gateways, [&](serving_loop& each) { job(each.loop->index()); });
    };
    around.on_control = [this](const std::function<void()>& job) { on_each(control, [&](serving_loop&) { job(); }); };
    around.journal = &journal;
    around.logs = &logs;
    around.files = files.get();
    around.code = &*code;
    around.code_arrived = [this](const digest& arrived) {
      if (registry)
        registry->code_arrived(arrived);
    };
    around.load = [this] { return load(); };
    around.slots_per_instance = [this](const uuid& function) { return registry->concurrency_of(function); };
    around.apply_band = [this](const uuid& function, std::function<void(expected<void>)> kept) {
      registry->apply_band(function, std::move(kept));
    };
    around.refresh_bands = [this] {
      if (registry)
        registry->refresh_bands();
    };
    around.await_start = [this](const uuid& function, std::uint64_t version,
                                std::function<void(const actors::start_report&)> done) {
      registry->await_start(function, version, std::move(done));
    };
    around.installed = [this] { return cluster::cursor{registry->installed()}; };
    around.when_installed = [this](cluster::cursor at, time_point deadline, std::function<void(bool there)> done) {
      registry->when_installed(at.value, deadline, std::move(done));
    };
    around.authority_heard = [this](cluster::cursor tip, time_point asked_at) {
      if (reads)
        reads->heard(tip, asked_at);
    };
    around.must_end = [this](int with, const std::string& why) { end_with(with, why); };
    cluster->attach(std::move(around));
    wanted.node.self.addresses = {to_string(cluster->address())};
    wanted.network = cluster->network();
    wanted.seeds = cluster->seeds();
    wanted.notices.on_history_replaced = [this](const cluster::store_identity&) {
      control.front().loop->post([this] { cluster->history_replaced(); });
    };
  }
  wanted.keep_commits = [folder = directory->path()](const cluster::store_identity& replaced,
                                                     const cluster::history& records,
                                                     cluster::cursor cut) -> expected<std::string> {
    // The same name for the same commits: a second try writes no second file.
    const auto path =
        folder + "/commits-after-" + std::to_string(cut.value) + "-of-" + to_string(replaced.store_id) + ".ndjson";
    return replace_file(path, http::commits_text(replaced, records, cut), file_secrecy::secret).map([&] {
      return path;
    });
  };
  auto opened = actors::open_cluster_store(std::move(wanted));
  if (!opened)
    return tl::unexpected{opened.error()};
  store = std::move(*opened);
  return {};
}

/// On the control loop. The first reason counts.
void node::state::end_with(int with, const std::string& why) {
  if (exit_code != 0)
    return;
  log_event(log_level::error, "node_must_end", {{"reason", why}});
  end_reason = why;
  exit_code = with;
  stop_requests.fetch_add(1);
  notify();
}

/// A node whose directory is empty waits here until it has joined.
expected<void> node::state::await_store() {
  struct answer {
    std::atomic<bool> there{false};
    expected<cluster::store_identity> what;
  };
  if (store->point()->role == cluster::store_role::empty)
    node_state->store(http::node_state::joining);
  while (true) {
    auto asked = std::make_shared<answer>();
    store->open(clock::now() + open_try, [this, asked](expected<cluster::store_identity> what) {
      asked->what = std::move(what);
      asked->there = true;
      notify();
    });
    wait([asked] { return asked->there.load(); }, time_point::max());
    if (!asked->there)
      return fail(errc::refused, "stopped before it was ready");
    if (asked->what)
      return {};
    if (store->point()->role != cluster::store_role::empty)
      return tl::unexpected{asked->what.error()};
  }
}

void node::state::start_backups() {
  control.front().loop->post([this] {
    // The settings may have been reloaded while the node joined.
    const auto wanted = settings_now ? options.source->options_of(settings_now->running()).backups : options.backups;
    backups = std::make_unique<store_backups>(
        *control.front().loop, *store, *files,
        backup_folder{directory->path() + "/backups", static_cast<std::size_t>(wanted.keep)}, wanted.interval,
        [this](std::string_view kind, const std::string& text) { journal.add(kind, text); });
    backups->start();
  });
}

/// What waits for the store: for this node's picture of it, and for the copies of others.
void node::state::start_waits() {
  auto& control_loop = *control.front().loop;
  actors::level_reads_config reading;
  reading.store = store.get();
  reading.follower = follower.get();
  reading.started_at = started_at;
  reading.own_tip = [this]() -> std::optional<cluster::cursor> {
    const auto point = store->point();
    return point->role == cluster::store_role::primary ? std::optional{point->at} : std::nullopt;
  };
  reads = std::make_unique<actors::level_reads>(control_loop, std::move(reading));
  if (!cluster)
    return;
  actors::spread_waits_config spreading;
  spreading.ask = [this](cluster::cursor at, time_point deadline, auto done) {
    store->wait_spread(at, deadline, std::move(done));
  };
  spreading.members = [this] {
    std::vector<std::string> names;
    for (const auto& [id, peer] : cluster->members().table().peers())
      if (peer.live)
        names.push_back(peer.name);
    return names;
  };
  spreading.is_suspected = [this](const std::string& name) {
    const auto& table = cluster->members().table();
    for (const auto& [id, peer] : table.peers())
      if (peer.name == name)
        return table.state_of(id) == cluster::member_state::unreachable;
    return true;  // not known here: nothing that could be waited for
  };
  copies = std::make_unique<actors::spread_waits>(control_loop, std::move(spreading));
}

std::optional<std::uint64_t> node::state::backup_age_ms() const {
  const auto age = store->health().backup_age;
  return age ? std::optional{static_cast<std::uint64_t>(milliseconds{*age}.count())} : std::nullopt;
}

cluster::node_load node::state::load() const {
  cluster::node_load load;
  if (!registry)
    return load;
  const auto figures = registry->instances();
  load.in_flight = static_cast<std::uint32_t>(figures.in_flight);
  load.memory_used_bytes = figures.promised_mb << 20;
  load.memory_left_bytes =
      figures.max_promised_mb > figures.promised_mb ? (figures.max_promised_mb - figures.promised_mb) << 20 : 0;
  if (node_state->load() == http::node_state::draining)
    load.state = cluster::serving_state::draining;
  else if (stalled->load())
    load.state = cluster::serving_state::stalled;
  load.figures.version = TROUPE_VERSION;
  load.figures.age_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(clock::now() - started_at).count());
  const auto point = store->point();
  load.figures.store_cursor = point->at.value;
  load.figures.store_digest = to_string(point->hash);
  load.figures.backup_age_ms = backup_age_ms();
  load.functions = registry->presences();
  return load;
}

}  // namespace troupe::cli
