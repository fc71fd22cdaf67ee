// What readers, copies and comparisons get of a history.
#include <algorithm>

#include "cluster/history.hpp"

namespace troupe::cluster {

std::optional<digest> history::hash_at(cursor at) const {
  if (at.value == 0)
    return digest{};
  if (heads_.empty() || at < heads_.front().at || at > tip_)
    return std::nullopt;
  return heads_[static_cast<std::size_t>(at.value - heads_.front().at.value)].hash;
}

std::optional<std::vector<history_row>> history::rows_after(cursor from, std::size_t max_bytes) const {
  const auto oldest = bodies_from().value;
  if (from > tip_ || from.value + 1 < oldest)
    return std::nullopt;
  std::vector<history_row> rows;
  std::size_t bytes = 0;
  for (auto i = static_cast<std::size_t>(from.value + 1 - oldest); i < log_.size() && bytes < max_bytes; ++i) {
    if (!rows.empty() && bytes + log_[i].body.size() > max_bytes)
      break;
    const auto head = static_cast<std::size_t>(log_[i].at.value - heads_.front().at.value);
    rows.push_back({heads_[head], log_[i].body});
    bytes += log_[i].body.size() + row_overhead;
  }
  return rows;
}

primary_state history::whole() const {
  primary_state all;
  for (const auto& [key, value] : records_)
    all.records.push_back(value);
  if (heads_.empty())
    return all;
  auto from = tip_;
  if (!ids_by_age_.empty())
    from = std::min(from, ids_by_age_.front().first);
  all.heads.assign(heads_.begin() + static_cast<std::ptrdiff_t>(from.value - heads_.front().at.value), heads_.end());
  all.bodies.emplace_back(tip_, log_.back().body);
  return all;
}

const record* history::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

std::vector<const record*> history::find_all(std::string_view prefix) const {
  std::vector<const record*> found;
  for (auto i = records_.lower_bound(std::string{prefix}); i != records_.end() && i->first.starts_with(prefix); ++i)
    found.push_back(&i->second);
  return found;
}

digest history::records_digest() const {
  sha256_stream all;
  const auto number = [&all](std::uint64_t value) {
    char bytes[8];
    for (auto& byte : bytes) {
      byte = static_cast<char>(value & 0xff);
      value >>= 8;
    }
    all.update({bytes, sizeof bytes});
  };
  for (const auto& [key, value] : records_) {
    number(key.size());
    all.update(key);
    number(value.value.size());
    all.update(value.value);
    number(value.revision);
  }
  return all.finish();
}

}  // namespace troupe::cluster
