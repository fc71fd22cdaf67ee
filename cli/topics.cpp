#include "cli/topics.hpp"

#include <algorithm>
#include <cstddef>

#include "cli/topic_tables.hpp"

namespace troupe::cli {

// Made by cmake/embed_topics.cmake from cli/topics.
extern const topic embedded_topics[];
extern const std::size_t embedded_topic_count;

std::span<const topic> all_topics() noexcept {
  return {embedded_topics, embedded_topic_count};
}

const topic* find_topic(std::string_view name) noexcept {
  const auto topics = all_topics();
  const auto found = std::find_if(topics.begin(), topics.end(), [&](const topic& each) { return each.name == name; });
  return found == topics.end() ? nullptr : &*found;
}

std::string text_of(const topic& what) {
  std::string text{what.summary};
  text += "\n\n";
  auto rest = what.prose;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const bool marked = line.size() > 2 && line.front() == '@' && line.back() == '@';
    const auto table = marked ? table_named(line.substr(1, line.size() - 2)) : std::string{};
    text += table.empty() ? std::string{line} + "\n" : table;
  }
  return text;
}

}  // namespace troupe::cli
