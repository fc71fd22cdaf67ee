// How many instances of a function each node keeps and may have: this node as the home that splits them, and as one
// that keeps to its part. On the control loop.
#include <algorithm>

#include "cli/node_cluster.hpp"

namespace troupe::cli {

void node_cluster::make_planner() {
  actors::instance_planner_config config;
  config.self = self_.node;
  config.view = [this] { return plan_view(); };
  config.tell = [this](const cluster::band_order& order, time_point deadline,
                       std::function<void(expected<void>)> done) { tell_order(order, deadline, std::move(done)); };
  planner_ = std::make_unique<actors::instance_planner>(*around_.control, std::move(config));
}

void node_cluster::plan_functions(const cluster::catalog_snapshot& snapshot) {
  std::vector<cluster::planned_function> planned;
  limited_.clear();
  for (const auto& record : snapshot.functions) {
    const cluster::split_limits limits{static_cast<std::uint32_t>(record.min_instances),
                                       static_cast<std::uint32_t>(record.max_instances)};
    if (limits.min == 0 && limits.max == 0)
      continue;
    limited_.emplace(record.id, limits);
    planned.push_back({record.id, record.version, limits, record.memory_mb << 20});
  }
  bands_.keep_only([this](const uuid& function) { return limited_.contains(function); });
  planner_->set_functions(std::move(planned));
}

std::vector<cluster::plan_member> node_cluster::plan_view() {
  std::vector<cluster::plan_member> view;
  for (const auto& node : membership_->table().homes()) {
    cluster::plan_member member;
    member.node = node;
    if (node == self_.node) {
      member.incarnation = self_.incarnation;
      member.heard = true;
      member.heard_at = clock::now();
      own_instances_.clear();
      if (!limited_.empty()) {
        auto own = around_.load();
        member.memory_left_bytes = own.memory_left_bytes;
        for (const auto& each : own.functions)
          own_instances_.emplace(each.function, each);
        member.functions = &own_instances_;
      }
    } else {
      member.incarnation = membership_->table().peers().at(node).incarnation;
      if (const auto* load = load_of(node)) {
        member.heard = true;
        member.heard_at = load->heard_at;
        member.memory_left_bytes = load->numbers.memory_left_bytes;
        member.functions = &load->functions;
      }
    }
    view.push_back(member);
  }
  return view;
}

void node_cluster::tell_order(const cluster::band_order& order, time_point deadline,
                              std::function<void(expected<void>)> done) {
  if (order.node == self_.node)
    return take_order(order, self_.node, self_.incarnation, std::move(done));
  plane_->spawn_supervisor(order.node, {0, order.function, order.version, order.number, order.band}, deadline,
                           std::move(done));
}

void node_cluster::take_order(const cluster::band_order& order, const uuid& from, const uuid& incarnation,
                              std::function<void(expected<void>)> kept) {
  const auto home = cluster::home_of(order.function, membership_->table().homes());
  if (auto accepted = bands_.accept(order, from, incarnation, home); !accepted)
    return kept(tl::unexpected{accepted.error()});
  load_moved();
  around_.apply_band(order.function, std::move(kept));
}

void node_cluster::on_spawn(const uuid& from, const uuid& incarnation, const actors::spawn_request& what,
                            std::function<void(expected<void>)> reply) {
  if (what.number != 0)
    return take_order({self_.node, what.function, what.version, what.number, what.band}, from, incarnation,
                      std::move(reply));
  around_.await_start(what.function, what.version, [reply = std::move(reply)](const actors::start_report& report) {
    if (report.started)
      return reply({});
    reply(fail(report.why.code, report.why.payload.empty() ? report.why.detail : report.why.payload));
  });
}

/// The first of all that live would be the home if it were not suspected; until another one has been for long enough,
/// nobody decides.
cluster::home_standing node_cluster::standing_of_home(const uuid& function) const {
  const auto& table = membership_->table();
  if (table.peers().empty())
    return cluster::home_standing::alone;
  const auto home = cluster::home_of(function, table.live());
  return home != self_.node && table.state_of(home) == cluster::member_state::unreachable
             ? cluster::home_standing::suspected
             : cluster::home_standing::reachable;
}

cluster::instance_band node_cluster::band_of(const functions::function_spec& spec) {
  const cluster::split_limits limits{spec.min_instances, spec.max_instances};
  const bool limited = limits.min != 0 || limits.max != 0;
  return bands_.current(spec.id, limits, limited ? standing_of_home(spec.id) : cluster::home_standing::reachable);
}

void node_cluster::load_moved() {
  if (!planner_ || !planner_->running())
    return;
  if (plane_)
    plane_->load_moved();
  planner_->look_soon();
}

std::uint32_t node_cluster::running_at(const uuid& node, const uuid& function) const {
  const auto* load = load_of(node);
  if (load == nullptr)
    return 0;
  const auto there = load->functions.find(function);
  return there == load->functions.end() ? 0 : there->second.ready + there->second.starting;
}

bool node_cluster::runs_elsewhere(const uuid& function) const {
  const auto nodes = membership_->table().homes();
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const uuid& node) { return node != self_.node && running_at(node, function) > 0; });
}

bool node_cluster::start_elsewhere(const uuid& function, std::uint64_t version, time_point deadline,
                                   std::function<void(const actors::start_report&)> done) {
  const auto limits = limited_.find(function);
  if (!plane_ || limits == limited_.end() ||
      bands_.current(function, limits->second, standing_of_home(function)).max > 0)
    return false;
  uuid best;
  std::uint32_t most = 0;
  for (const auto& node : membership_->table().homes())
    if (const auto running = node == self_.node ? 0 : running_at(node, function); running > most) {
      best = node;
      most = running;
    }
  // Nobody has said that it runs: the home has the room that nobody uses.
  if (most == 0)
    best = cluster::home_of(function, membership_->table().homes());
  if (best == self_.node)
    return false;
  auto settle = [control = around_.control, done = std::move(done), asked = clock::now()](expected<void> started) {
    actors::start_report report{started.has_value(), clock::now() - asked, {}};
    if (!started) {
      const auto& why = started.error();
      // It may start there or not: what matters is that nobody has said how it went.
      const bool unknown = why.code == errc::unknown_outcome || why.code == errc::budget_spent ||
                           why.code == errc::overloaded || why.code == errc::not_ready;
      report.why = {unknown ? errc::unavailable : why.code, {}, why.what};
    }
    control->post([done, report] { done(report); });
  };
  plane_->spawn_supervisor(best, {0, function, version, 0, {}}, deadline, std::move(settle));
  return true;
}

}  // namespace troupe::cli
