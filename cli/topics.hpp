// What `troupe help TOPIC` explains. The prose lies in cli/topics/*.txt and is compiled in; tables in it that follow
// from declarations (settings, statuses, limits) are made from those when somebody asks.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace troupe::cli {

struct topic {
  std::string_view name;
  std::string_view summary;  ///< one line
  std::string_view prose;    ///< a line `@name@` in it stands for a table
};

/// In the order of the overview.
std::span<const topic> all_topics() noexcept;
const topic* find_topic(std::string_view name) noexcept;

/// The whole text, ending in a line feed.
std::string text_of(const topic& what);

}  // namespace troupe::cli
