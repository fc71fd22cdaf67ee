// What a running node says about its settings, and how it takes over those of a file that changed. On the control loop,
// but for SIGHUP.
#include <algorithm>

#include "cli/node_state.hpp"
#include "config/log.hpp"

namespace troupe::cli {

namespace {

/// When the node goes down an admin connection without a request has no reason to wait for one.
constexpr milliseconds admin_idle_at_end{100};
/// Of the machine's memory, for bodies on their way, unless a setting says otherwise.
constexpr std::size_t body_memory_part = 8;
/// However large the machine, as long as a loop has its share: ten of the largest answers on their way at a time.
constexpr std::size_t most_body_memory = 512 << 20;
constexpr std::size_t body_memory_of_loop = 64 << 20;
/// An invocation may run for 900 s, after it waited for an instance that needed its whole init limit.
constexpr milliseconds admin_call_timeout{960'000};

std::string keys_of(const std::vector<setting_difference>& differences) {
  std::string text;
  for (const auto& each : differences)
    text.append(text.empty() ? "" : ", ").append(each.key);
  return text;
}

std::string addresses_text(const std::vector<endpoint>& all) {
  std::string text;
  for (const auto& each : all)
    text.append(text.empty() ? "" : ",").append(to_string(each));
  return text;
}

}  // namespace

std::size_t node::state::body_memory(const node_options& from) const {
  if (from.edge.max_body_memory != 0)
    return from.edge.max_body_memory;
  return std::min(static_cast<std::size_t>(machine_memory_mb() << 20) / body_memory_part,
                  std::max(most_body_memory, gateways.size() * body_memory_of_loop));
}

/// For bodies of calls that wait. One for each loop fits in any case, beside small ones.
std::size_t node::state::waiting_body_memory(const node_options& from) const {
  return std::max(body_memory(from), gateways.size() * static_cast<std::size_t>(from.edge.head.max_body_bytes));
}

/// Of one loop. Each has room for one body at least: whoever is alone is served.
http::edge_options node::state::client_edge_options(const node_options& from) const {
  auto client_options = from.edge;
  client_options.max_body_memory = std::max(body_memory(from) / gateways.size(), from.edge.head.max_body_bytes);
  return client_options;
}

http::edge_options node::state::admin_edge_options(const node_options& from) const {
  auto admin_options = from.edge;
  admin_options.max_body_memory = std::max<std::size_t>(body_memory(from), from.max_admin_body_bytes);
  admin_options.head.max_body_bytes = from.max_admin_body_bytes;
  admin_options.chunks.max_body_bytes = from.max_admin_body_bytes;
  admin_options.drain_idle_timeout = std::min(admin_options.drain_idle_timeout, admin_idle_at_end);
  admin_options.call_timeout = admin_call_timeout;
  admin_options.access_log = access_log_mode::off;
  return admin_options;
}

std::size_t node::state::max_connections(const node_options& from) const {
  return from.max_connections != 0 ? from.max_connections : descriptors / 4 * 3;
}

http::settings_questions node::state::settings_questions() {
  if (!options.source)
    return {};
  return {[this] { return settings_view(); }, [this](http::settings_questions::done done) { reload(std::move(done)); }};
}

/// What the node made of a setting that left it the choice; empty for all others.
std::string node::state::effective_value(std::string_view key) const {
  if (key == "name")
    return options.name;
  if (key == "loops")
    return std::to_string(options.loops);
  if (key == "native.compute_loops")
    return std::to_string(options.compute_loops);
  if (key == "http")
    return addresses_text(http_bound);
  if (key == "admin")
    return to_string(admin_bound);
  if (key == "cluster" && cluster)
    return to_string(cluster->address());
  if (key == "edge.max_body_memory")
    return bytes_text(body_memory(options.source->options_of(settings_now->running())));
  if (key == "edge.max_connections")
    return std::to_string(connections->max.load());
  if (key == "instance_memory")
    return bytes_text(budget->max_mb.load() << 20);
  return {};
}

http::settings_view node::state::settings_view() const {
  http::settings_view view{options.source->file, {}};
  for (std::size_t index = 0; index < all_settings().size(); ++index) {
    const auto& what = all_settings()[index];
    const auto& row = settings_now->rows()[index];
    http::setting_view each{
        &what, what.print(what.rule, settings_now->running()), {}, row.place, {}, row.after_restart};
    if (auto effective = effective_value(what.key); !effective.empty() && effective != each.value)
      each.effective = std::move(effective);
    if (row.reloaded_at)
      each.reloaded_unix_ms = row.reloaded_at->count();
    view.settings.push_back(std::move(each));
  }
  return view;
}

/// In the thread of `run`. The outcome is logged.
void node::state::on_hangup() {
  const auto stage = node_state->load();
  if (stage == http::node_state::draining)
    return;
  if (stage == http::node_state::starting) {
    hangup_waits = true;
    return;
  }
  control.front().loop->post([this] { reload([](const auto&) {}); });
}

void node::state::reload(http::settings_questions::done done) {
  using refusal = http::reload_refusal;
  const auto refuse = [this, done](refusal why) {
    log_event(log_level::error, "reload_refused",
              {{"reason", why.why.what}, {"faults", static_cast<std::uint64_t>(why.faults.size())}});
    journal.add("reload_refused", "the settings stay as they are: " + why.why.what);
    done(tl::unexpected{std::move(why)});
  };
  if (!options.source->file)
    return refuse({{errc::refused, "the node was started without --config: there is no file to read again"}});
  const bool taken = files->post([this, refuse, done] {
    auto fresh = std::make_shared<const loaded_settings>(options.source->read_again());
    control.front().loop->post([this, refuse, done, fresh] {
      const auto stage = node_state->load();
      if (stage != http::node_state::ready && stage != http::node_state::joining)
        return refuse({{stage == http::node_state::draining ? errc::draining : errc::not_ready,
                        "the node is " + std::string{http::to_string(stage)}}});
      if (fresh->faults.empty())
        return adopt(*fresh, done);
      refuse({{errc::bad_setting, fresh->faults.front().what}, fresh->faults});
    });
  });
  if (!taken)
    refuse({{errc::overloaded, "the node handles too much code at once; try again"}});
}

void node::state::adopt(const loaded_settings& fresh, http::settings_questions::done done) {
  const auto level_before = settings_now->running().log.level;
  auto change = settings_now->take(fresh, wall_now());
  const auto& running = settings_now->running();
  const auto changed = keys_of(change.changed);
  const auto waiting = keys_of(change.needs_restart);
  // Whichever of the two levels would write the line.
  adjust_log(std::min(level_before, running.log.level), running.log.format);
  log_event(waiting.empty() ? log_level::info : log_level::warning, "settings_reloaded",
            {{"file", *options.source->file}, {"changed", changed}, {"needs_restart", waiting}});
  adjust_log(running.log.level, running.log.format);
  journal.add("settings_reloaded", "changed: " + (changed.empty() ? "nothing" : changed) +
                                       (waiting.empty() ? "" : "; needs a restart: " + waiting));
  apply(running,
        [done = std::move(done), what = http::reload_view{*options.source->file, std::move(change)}] { done(what); });
}

/// @param done  when all loops have them.
void node::state::apply(const settings& wanted, std::function<void()> done) {
  auto fresh = options.source->options_of(wanted);
  fresh.queues.bodies = options.queues.bodies;
  fresh.queues.bodies->set_max(waiting_body_memory(fresh));
  drain_announce = fresh.drain_announce;
  drain_timeout = fresh.drain_timeout;
  connections->max = max_connections(fresh);
  budget->max_mb = instance_memory_mb(fresh);
  compute->adjust(fresh.queues);
  options.workers.idle_timeout.set(fresh.workers.idle_timeout.get());
  controls->allowed_hosts = fresh.admin_hosts;
  if (backups)
    backups->adjust(fresh.backups.interval, static_cast<std::size_t>(fresh.backups.keep));
  control.front().edge->adjust(std::make_shared<const http::edge_options>(admin_edge_options(fresh)));

  const auto shared = std::make_shared<const http::edge_options>(client_edge_options(fresh));
  const auto left = std::make_shared<std::atomic<std::size_t>>(gateways.size());
  std::size_t index = 0;
  for (auto& each : gateways)
    each.loop->post([this, &each, shared, left, done, queues = fresh.queues, router = routing[index++]] {
      each.edge->adjust(shared);
      router->limits = queues;
      if (left->fetch_sub(1) == 1)
        control.front().loop->post(done);
    });
}

}  // namespace troupe::cli
