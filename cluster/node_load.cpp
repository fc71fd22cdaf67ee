#include "cluster/node_load.hpp"

#include <algorithm>

namespace troupe::cluster {

serving_state serving_state_of(std::uint8_t number) noexcept {
  switch (const auto state = static_cast<serving_state>(number)) {
    case serving_state::serving:
    case serving_state::stalled: return state;
    case serving_state::draining: break;
  }
  return serving_state::draining;
}

std::vector<load_report> load_reporter::next(node_load current, time_point now) {
  std::sort(current.functions.begin(), current.functions.end(),
            [](const auto& a, const auto& b) { return a.function < b.function; });
  const bool whole_is_due = sequence_ == 0 || now - whole_at_ >= whole_interval;
  std::vector<function_presence> changed;
  std::vector<uuid> gone;
  auto old = told_.functions.begin();
  const auto old_end = told_.functions.end();
  for (const auto& entry : current.functions) {
    for (; old != old_end && old->function < entry.function; ++old)
      gone.push_back(old->function);
    const bool known = old != old_end && old->function == entry.function;
    if (!known || !(*old == entry))
      changed.push_back(entry);
    if (known)
      ++old;
  }
  for (; old != old_end; ++old)
    gone.push_back(old->function);

  told_ = std::move(current);
  ++sequence_;
  if (!whole_is_due)
    return split(report_form::change, changed, gone);
  whole_at_ = now;
  return whole();
}

std::vector<load_report> load_reporter::whole() const {
  if (sequence_ == 0)
    return {};
  return split(report_form::whole, told_.functions, {});
}

std::vector<load_report> load_reporter::split(report_form form, const std::vector<function_presence>& functions,
                                              const std::vector<uuid>& gone) const {
  load_report empty;
  empty.sequence = sequence_;
  empty.form = form;
  empty.numbers = told_;
  empty.numbers.functions.clear();
  std::vector<load_report> parts{empty};
  const auto room = [&]() -> load_report& {
    if (parts.back().numbers.functions.size() + parts.back().gone.size() == max_entries)
      parts.push_back(empty);
    return parts.back();
  };
  for (const auto& entry : functions)
    room().numbers.functions.push_back(entry);
  for (const auto& id : gone)
    room().gone.push_back(id);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].part = static_cast<std::uint32_t>(i);
    parts[i].parts = static_cast<std::uint32_t>(parts.size());
  }
  return parts;
}

}  // namespace troupe::cluster
