// How many generic workers of each class wait for code, and when they make room.
#include <algorithm>

#include "actors/stem_process.hpp"

namespace troupe::actors {

namespace {

/// Between two looks at whether all that wait are still wanted.
constexpr seconds look_interval{10};
/// What a generic worker is counted as: a started interpreter without code.
constexpr std::uint64_t stem_memory_mb = 64;
/// The function whose start took a generic worker has the processor first.
constexpr milliseconds refill_delay{100};
/// After a generic worker that did not start.
constexpr seconds refill_pause{10};

}  // namespace

std::size_t stem_pool::count(const std::string& name, bool booted) const {
  return static_cast<std::size_t>(std::count_if(processes_.begin(), processes_.end(), [&](const auto& each) {
    return each->stem_class == name && each->booted == booted && !each->owner && !each->doomed;
  }));
}

void stem_pool::deployed(const functions::function_spec& spec) {
  const auto launch = functions::launch_of(spec, options_.programs, options_.surroundings);
  if (!launch || launch->stem_class.empty())
    return;
  auto& known = classes_.try_emplace(launch->stem_class, options_.max_stems).first->second;
  known.policy.used(loop_.now());
  known.example = std::make_shared<const functions::function_spec>(spec);
  ++known.functions;
  refill_soon();
}

void stem_pool::removed(const functions::function_spec& spec) {
  const auto launch = functions::launch_of(spec, options_.programs, options_.surroundings);
  const auto known = launch ? classes_.find(launch->stem_class) : classes_.end();
  if (known == classes_.end() || --known->second.functions > 0)
    return;
  for (const auto& each : processes_)
    if (each->stem_class == known->first && each->booted)
      doom(*each);
  classes_.erase(known);
}

void stem_pool::refill_soon() {
  if (options_.stem_cells)
    loop_.arm(*this, loop_.now() + refill_delay);
}

void stem_pool::pause_refill(const std::string& name) {
  if (const auto known = classes_.find(name); known != classes_.end())
    known->second.no_refill_before = loop_.now() + refill_pause;
}

void stem_pool::refill() {
  if (!options_.stem_cells || stopped_ || !orders_.empty())
    return;
  const auto now = loop_.now();
  if (!classes_.empty() && !armed)
    loop_.arm(*this, now + look_interval);
  for (auto& [name, each] : classes_) {
    if (now < each.no_refill_before)
      continue;
    for (auto have = count(name, true) + count(name, false); have < each.policy.wanted(now); ++have) {
      if (booting() >= options_.max_booting || processes_.size() >= options_.max_stems ||
          !budget_->take(stem_memory_mb))
        return;
      auto launch = functions::launch_of(*each.example, options_.programs, options_.surroundings);
      if (!launch || !boot(*launch, *each.example, {}, worker_actor{})) {
        budget_->give_back(stem_memory_mb);
        each.no_refill_before = now + refill_pause;
        break;
      }
      processes_.back()->promised_mb = stem_memory_mb;
    }
  }
}

/// A burst of starts is over, or a class has not been used for long.
void stem_pool::end_surplus(time_point now) {
  for (auto& [name, each] : classes_) {
    auto surplus = count(name, true);
    const auto wanted = each.policy.wanted(now);
    for (auto one = processes_.begin(); one != processes_.end() && surplus > wanted; ++one)
      if ((*one)->booted && !(*one)->doomed && (*one)->stem_class == name) {
        doom(**one);
        --surplus;
      }
  }
}

void stem_pool::on_timer(time_point now) {
  end_surplus(now);
  refill();
}

std::uint64_t stem_pool::yield_memory(std::uint64_t mb) {
  std::uint64_t freed = 0;
  for (auto& each : processes_) {
    if (freed >= mb)
      break;
    if (each->owner || each->doomed || each->promised_mb == 0)
      continue;
    freed += each->promised_mb;
    doom(*each);
    // Who asked has the memory first.
    pause_refill(each->stem_class);
  }
  return freed;
}

std::size_t stem_pool::waiting_stems() const noexcept {
  return static_cast<std::size_t>(std::count_if(processes_.begin(), processes_.end(),
                                                [](const auto& each) { return each->booted && !each->doomed; }));
}

}  // namespace troupe::actors
