// What a node tells its peers of its instances, and the bands that their supervisors are given.
#include <algorithm>
#include <caf/send.hpp>

#include "actors/function_registry.hpp"

namespace troupe::actors {

namespace {

/// A supervisor that still lacks room says so more often.
constexpr seconds wish_age{1};

}  // namespace

cluster::instance_band function_registry::band_of(const functions::function_spec& spec) const {
  if (around_.band_of)
    return around_.band_of(spec);
  return {spec.min_instances, spec.max_instances == 0 ? cluster::no_max : spec.max_instances};
}

void function_registry::apply_band(const uuid& function, std::function<void(expected<void>)> kept) {
  const auto found = supervised_.find(function);
  if (found != supervised_.end() && found->second.spec) {
    auto& entry = found->second;
    entry.band = band_of(*entry.spec);
    const auto answer = [control = around_.control, kept = std::move(kept)](expected<void> result) {
      control->post([kept, result = std::move(result)] { kept(result); });
    };
    return caf::anon_send(entry.supervisor, band_change{entry.band, answer});
  }
  // In this process there is one on every loop, and there are no others to stop.
  const bool known = wanted_ && std::any_of(wanted_->functions.begin(), wanted_->functions.end(),
                                            [&](const auto& record) { return record.id == function; });
  kept(known ? expected<void>{} : fail(errc::not_ready, "function " + to_string(function) + " is not known here yet"));
}

void function_registry::await_start(const uuid& function, std::uint64_t version,
                                    std::function<void(const start_report&)> done) {
  const auto found = supervised_.find(function);
  if (found == supervised_.end() || !found->second.spec || found->second.spec->version < version)
    return done(
        {false, {}, {errc::not_ready, {}, "this node does not have version " + std::to_string(version) + " yet"}});
  const auto answer = [control = around_.control, done = std::move(done)](const start_report& report) {
    control->post([done, report] { done(report); });
  };
  caf::anon_send(found->second.supervisor, start_wish{version, answer});
}

void function_registry::refresh_bands() {
  for (auto& [id, entry] : supervised_) {
    if (!entry.spec || (entry.spec->min_instances == 0 && entry.spec->max_instances == 0))
      continue;
    if (const auto band = band_of(*entry.spec); band != entry.band) {
      entry.band = band;
      caf::anon_send(entry.supervisor, band_change{band});
    }
  }
}

bool function_registry::starts_nothing(const uuid& function) const {
  const auto found = supervised_.find(function);
  if (found == supervised_.end())
    return false;
  const auto& own = found->second.load->supervised;
  return own.ready.load(std::memory_order_relaxed) == 0 &&
         own.outlook.load(std::memory_order_relaxed) == start_outlook::none;
}

std::vector<cluster::function_presence> function_registry::presences() const {
  std::vector<cluster::function_presence> all;
  for (const auto& [id, entry] : supervised_)
    if (const auto here = presence_of(id, entry); here != cluster::function_presence{id})
      all.push_back(here);
  // One on every loop, which is never full.
  for (const auto& id : inline_functions_) {
    all.push_back({id, static_cast<std::uint32_t>(around_.supervision->loops.size())});
    if (around_.given_band)
      all.back().band = around_.given_band(id);
  }
  return all;
}

std::map<std::string, std::shared_ptr<const function_load>> function_registry::loads() const {
  std::map<std::string, std::shared_ptr<const function_load>> all;
  for (const auto& [id, entry] : supervised_)
    if (entry.spec)
      all.emplace(entry.spec->name, entry.load);
  return all;
}

std::map<std::string, std::shared_ptr<const std::vector<function_cells>>> function_registry::call_counts() const {
  std::map<std::string, std::shared_ptr<const std::vector<function_cells>>> all;
  for (const auto& [name, load] : loads())
    all.emplace(name, std::shared_ptr<const std::vector<function_cells>>{load, &load->cells});
  for (const auto& [id, entry] : counted_)
    all.emplace(entry.name, entry.cells);
  return all;
}

cluster::function_presence function_registry::presence_of(const uuid& function, const supervised& entry) const {
  cluster::function_presence here;
  here.function = function;
  const auto now = around_.control->now().time_since_epoch().count();
  const auto& own = entry.load->supervised;
  here.ready = own.ready.load(std::memory_order_relaxed);
  here.starting = own.starting.load(std::memory_order_relaxed);
  if (now - own.wanted_at_ns.load(std::memory_order_relaxed) < duration{wish_age}.count())
    here.wanted = own.wanted.load(std::memory_order_relaxed);
  std::int64_t oldest = now;
  for (const auto& loop : entry.load->per_loop) {
    here.outstanding += loop.in_flight.load(std::memory_order_relaxed) + loop.waiting.load(std::memory_order_relaxed);
    if (const auto since = loop.oldest_ns.load(std::memory_order_relaxed); since != 0)
      oldest = std::min(oldest, since);
  }
  here.queue_age_ms = static_cast<std::uint32_t>((now - oldest) / 1'000'000);
  if (around_.given_band)
    here.band = around_.given_band(function);
  return here;
}

}  // namespace troupe::actors
