#include "cluster/peer_status.hpp"

#include <utility>

namespace troupe::cluster {

void peer_status::join(const uuid& node, const uuid& incarnation) {
  auto& known = peers_[node];
  if (known.incarnation == incarnation)
    return;
  known = {};
  known.incarnation = incarnation;
}

void peer_status::keep_only(const std::function<bool(const uuid& node)>& listed) {
  std::erase_if(peers_, [&](const auto& each) { return !listed(each.first); });
}

peer_status::verdict peer_status::apply(const uuid& node, const uuid& incarnation, const load_report& report,
                                        time_point now) {
  const auto found = peers_.find(node);
  if (found == peers_.end() || found->second.incarnation != incarnation)
    return verdict::stranger;
  auto& known = found->second;
  const auto decided = apply_to(known, report);
  if (decided != verdict::old) {
    known.load.heard_at = now;
    known.known = true;
  }
  return decided;
}

peer_status::verdict peer_status::apply_to(peer& known, const load_report& report) {
  const bool is_whole = report.form == report_form::whole;
  if (report.part == 0) {
    // A whole may repeat the number of the last change: it is sent to those who missed something.
    if (report.sequence < known.sequence || (report.sequence == known.sequence && !is_whole))
      return verdict::old;
    if (!is_whole && (report.sequence != known.sequence + 1 || known.next_part != 0))
      known.whole = false;
    known.gathered.clear();
  } else if (report.sequence < known.sequence ||
             (report.sequence == known.sequence && report.part != known.next_part)) {
    return verdict::old;
  } else if (report.sequence > known.sequence) {  // its beginning never came
    known.whole = false;
    known.sequence = report.sequence;
    known.next_part = 0;
    return verdict::incomplete;
  }
  known.sequence = report.sequence;
  known.next_part = report.part + 1 < report.parts ? report.part + 1 : 0;

  auto& load = known.load;
  load.numbers = report.numbers;
  load.numbers.functions.clear();
  for (const auto& entry : report.numbers.functions) {
    load.functions[entry.function] = entry;
    if (is_whole)
      known.gathered[entry.function] = entry;
  }
  for (const auto& id : report.gone)
    load.functions.erase(id);
  if (is_whole && known.next_part == 0) {
    load.functions = std::exchange(known.gathered, {});
    known.whole = true;
  }
  return known.whole || is_whole ? verdict::applied : verdict::incomplete;
}

void peer_status::set_state(const uuid& node, serving_state state) {
  if (const auto found = peers_.find(node); found != peers_.end())
    found->second.load.numbers.state = state;
}

const known_load* peer_status::find(const uuid& node, time_point now) const {
  const auto found = peers_.find(node);
  if (found == peers_.end() || !found->second.known || now - found->second.load.heard_at > max_age_)
    return nullptr;
  return &found->second.load;
}

std::vector<uuid> peer_status::expire(time_point now) {
  std::vector<uuid> expired;
  for (auto& [node, known] : peers_) {
    if (!known.known || now - known.load.heard_at <= max_age_)
      continue;
    known.known = false;
    known.whole = false;
    known.load = {};
    known.gathered.clear();
    expired.push_back(node);
  }
  return expired;
}

}  // namespace troupe::cluster
