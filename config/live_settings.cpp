#include "config/live_settings.hpp"

#include <cassert>
#include <utility>

namespace troupe {

live_settings::live_settings(loaded_settings first) : running_{std::move(first.values)} {
  assert(first.faults.empty());
  for (auto& place : first.places)
    rows_.push_back({std::move(place), {}, {}});
}

settings_change live_settings::take(const loaded_settings& fresh, milliseconds now) {
  assert(fresh.faults.empty());
  settings_change result;
  for (std::size_t index = 0; index < rows_.size(); ++index) {
    const auto& what = all_settings()[index];
    auto& row = rows_[index];
    setting_difference difference{std::string{what.key}, what.print(what.rule, running_),
                                  what.print(what.rule, fresh.values)};
    const bool same = difference.from == difference.to;
    if (!same && what.changes == change_mode::at_restart) {
      row.after_restart = difference.to;
      result.needs_restart.push_back(std::move(difference));
      continue;
    }
    row.place = fresh.places[index];
    row.after_restart.reset();
    if (same)
      continue;
    what.take(fresh.values, running_);
    row.reloaded_at = now;
    result.changed.push_back(std::move(difference));
  }
  return result;
}

}  // namespace troupe
