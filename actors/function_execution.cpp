#include "actors/function_execution.hpp"

#include <algorithm>

#include "config/log.hpp"

namespace troupe::actors {

using functions::call_samples;
using functions::execution_class;
using functions::function_spec;

function_execution::function_execution(std::uint64_t number, const function_spec& spec, native_execution mode,
                                       event_loop& control)
    : number_{number}, name_{spec.name}, mode_{mode}, control_{control}, inline_{mode == native_execution::inlined},
      version_{spec.version} {}

void function_execution::report(std::uint64_t version, const call_samples& news) {
  if (adapts())
    control_.post([self = shared_from_this(), version, news] { self->judge(version, news); });
}

void function_execution::judge(std::uint64_t version, const call_samples& news) {
  // Calls of the version before end after its successor is installed, and say nothing of that.
  if (version != version_ || !judge_.take(news, control_.now()))
    return;
  const auto which = judge_.current();
  set_class(which);
  (which == execution_class::inlined ? promotions_ : demotions_).add();
  log_event(log_level::info, "execution_class_changed", {{"function", name_}, {"class", to_string(which)}});
}

void function_execution::adopt(const function_spec& spec) {
  if (std::exchange(version_, spec.version) == spec.version || !adapts())
    return;
  judge_.reset();
  set_class(judge_.current());
}

function_execution_ptr execution_directory::adopt(const function_spec& spec, std::optional<native_execution> mode) {
  const std::lock_guard lock{mutex_};
  auto& entry = installed_[spec.id];
  if (entry) {
    entry->adopt(spec);
    return entry;
  }
  std::erase_if(numbered_, [](const auto& each) { return each.second.expired(); });
  entry = std::make_shared<function_execution>(++last_number_, spec, mode.value_or(mode_), control_);
  numbered_.emplace(last_number_, entry);
  return entry;
}

void execution_directory::keep_only(const std::unordered_set<uuid>& functions) {
  const std::lock_guard lock{mutex_};
  std::erase_if(installed_, [&](const auto& each) { return !functions.contains(each.first); });
}

std::vector<function_execution_ptr> execution_directory::all() const {
  std::vector<function_execution_ptr> found;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [id, each] : installed_)
      found.push_back(each);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return found;
}

function_execution_ptr execution_directory::find(std::uint64_t number) const {
  const std::lock_guard lock{mutex_};
  const auto found = numbered_.find(number);
  return found == numbered_.end() ? nullptr : found->second.lock();
}

}  // namespace troupe::actors
