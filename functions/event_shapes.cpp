#include "functions/event_shapes.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace troupe::functions {

std::optional<event_shapes::known> event_shapes::find(std::string_view event, std::span<const json_span> varying) {
  ++events_;
  if (varying.empty() || varying.size() > max_values || event.size() > max_event_bytes)
    return std::nullopt;
  shape_.clear();
  auto* const begin = shape_.room(event.size() + varying.size()).data();
  auto* at = begin;
  std::size_t done = 0;
  const auto copy_to = [&](std::size_t end) {
    std::memcpy(at, event.data() + done, end - done);
    at += end - done;
  };
  for (const auto& value : varying) {
    copy_to(value.from);
    *at++ = mark;
    done = value.to;
  }
  copy_to(event.size());
  shape_.commit(static_cast<std::size_t>(at - begin));

  const auto is_it = [&](const entry& e) { return e.shape == shape(); };
  if (last_ >= entries_.size() || !is_it(entries_[last_])) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), is_it);
    if (found == entries_.end()) {
      if (!is_due())
        return std::nullopt;
      last_ = place();
      return known{last_, false};
    }
    last_ = static_cast<std::size_t>(found - entries_.begin());
  }
  entries_[last_].used_at = events_;
  return known{last_, true};
}

/// Whether enough events had this shape lately, and there is a place for it. What hashes alike is counted down.
bool event_shapes::is_due() {
  if (shape_.size() > max_shape_bytes || (entries_.size() == max_shapes && events_ - exchanged_at_ < exchange_interval))
    return false;
  const auto hash = std::hash<std::string_view>{}(shape());
  auto& seen = candidates_[hash % candidates_.size()];
  if (seen.hash != hash) {
    if (seen.seen > 0 && --seen.seen > 0)
      return false;
    seen = {hash, 0};
  }
  if (++seen.seen < told_after)
    return false;
  seen.seen = 0;
  return true;
}

std::size_t event_shapes::place() {
  auto at = entries_.size();
  if (at == max_shapes) {
    const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                         [](const entry& a, const entry& b) { return a.used_at < b.used_at; });
    at = static_cast<std::size_t>(oldest - entries_.begin());
    exchanged_at_ = events_;
  } else {
    entries_.emplace_back();
  }
  entries_[at] = {std::string{shape()}, events_};
  return at;
}

void append_values(buffer& out, std::string_view event, std::span<const json_span> varying) {
  std::size_t bytes = 0;
  for (const auto& value : varying)
    bytes += 1 + value.to - value.from;
  auto* at = out.room(bytes).data();
  for (const auto& value : varying) {
    *at++ = ',';
    std::memcpy(at, event.data() + value.from, value.to - value.from);
    at += value.to - value.from;
  }
  out.commit(bytes);
}

}  // namespace troupe::functions
