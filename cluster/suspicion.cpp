#include "cluster/suspicion.hpp"

#include <algorithm>

namespace troupe::cluster {

std::string_view to_string(suspicion_reason reason) noexcept {
  switch (reason) {
    case suspicion_reason::none: return "none";
    case suspicion_reason::gone: return "gone";
    case suspicion_reason::silent: return "silent";
  }
  return "unknown";
}

suspicion::suspicion(std::size_t links, suspicion_limits limits, time_point now)
    : limits_{limits}, links_(links, link_record{.heard_at = now, .ticked_at = now}) {}

suspicion_change suspicion::opened(std::size_t link, time_point now) {
  auto& record = links_[link];
  record.open = true;
  // Somebody listens there again, whatever the other links were told before.
  for (auto& each : links_)
    each.refused = false;
  record.heard_at = std::max(record.heard_at, now);
  return judge(evidence::life);
}

suspicion_change suspicion::closed(std::size_t link, time_point) {
  links_[link].open = false;
  return judge(evidence::none);
}

suspicion_change suspicion::refused(std::size_t link, time_point) {
  links_[link].open = false;
  links_[link].refused = true;
  return judge(evidence::none);
}

suspicion_change suspicion::ticked(std::span<const link_tick> links) {
  auto seen = evidence::none;
  for (std::size_t link = 0; link < links.size(); ++link)
    if (take(links_[link], links[link]) == evidence::life)
      seen = evidence::life;
  return judge(seen);
}

suspicion::evidence suspicion::take(link_record& record, const link_tick& tick) const {
  if (tick.ticked_at <= record.ticked_at)
    return evidence::none;
  const bool late = tick.ticked_at - record.ticked_at > limits_.late_tick;
  const bool heard = record.open && tick.heard_at > record.heard_at;
  record.ticked_at = tick.ticked_at;
  record.heard_at = late ? tick.ticked_at : std::max(record.heard_at, tick.heard_at);
  return heard && tick.ticked_at - tick.heard_at < limits_.silence ? evidence::life : evidence::none;
}

/// A suspicion ends by a sign of life only: that the observer itself was late proves nothing.
suspicion_change suspicion::judge(evidence seen) {
  const bool was = suspected();
  const bool any_open = std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link.open; });
  const bool any_refused = std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link.refused; });
  if (!any_open && any_refused)
    reason_ = suspicion_reason::gone;
  else if (!links_.empty() && silence() >= limits_.silence)
    reason_ = suspicion_reason::silent;
  else if (seen == evidence::life)
    reason_ = suspicion_reason::none;
  if (was == suspected())
    return suspicion_change::none;
  return was ? suspicion_change::healed : suspicion_change::suspected;
}

duration suspicion::silence() const noexcept {
  auto least = duration::max();
  for (const auto& link : links_)
    least = std::min(least, link.silence());
  return least;
}

}  // namespace troupe::cluster
