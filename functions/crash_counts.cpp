#include "functions/crash_counts.hpp"

#include <algorithm>
#include <set>

namespace troupe::functions {

crash_counts crash_counts::parse(std::string_view text) {
  crash_counts result;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto space = std::min(line.find(' '), line.size());
    const auto deaths = line.substr(std::min(space + 1, line.size()));
    digest object;
    if (deaths.size() == 1 && deaths[0] >= '1' && deaths[0] <= '0' + static_cast<char>(max_deaths) &&
        parse_digest(line.substr(0, space), object))
      result.deaths_[object] = static_cast<unsigned>(deaths[0] - '0');
  }
  return result;
}

std::string crash_counts::text() const {
  std::string lines;
  for (const auto& [object, deaths] : deaths_)
    lines += to_string(object) + " " + std::to_string(deaths) + "\n";
  return lines;
}

void crash_counts::add_end(std::span<const digest> running) {
  const std::set<digest> ran{running.begin(), running.end()};
  std::erase_if(deaths_, [&](const auto& entry) { return entry.second < max_deaths && !ran.contains(entry.first); });
  for (const auto& object : ran)
    deaths_[object] = std::min(deaths_[object] + 1, max_deaths);
}

bool crash_counts::isolates(const digest& object) const {
  const auto found = deaths_.find(object);
  return found != deaths_.end() && found->second >= max_deaths;
}

}  // namespace troupe::functions
