#include "actors/event_journal.hpp"

#include <algorithm>
#include <new>

#include "config/clock.hpp"
#include "config/ids.hpp"
#include "config/text.hpp"

namespace troupe::actors {

namespace {

std::string one_line(std::string_view text) {
  auto end = std::min(text.size(), event_journal::max_text_bytes);
  // No character is cut in two.
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  std::string line{text.substr(0, end)};
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

}  // namespace

event_journal::event_journal(const uuid& incarnation) : id_{id_of(incarnation)} {}

std::string event_journal::id_of(const uuid& incarnation) {
  auto text = to_string(incarnation);
  std::erase(text, '-');
  return text.substr(0, 16);
}

void event_journal::add(std::string_view kind, std::string_view text) noexcept {
  try {
    journal_event event{0, wall_now().count(), std::string{kind}, one_line(text)};
    const std::lock_guard lock{mutex_};
    event.sequence = next_;
    events_.push_back(std::move(event));
    ++next_;
    if (events_.size() > max_events)
      events_.pop_front();
  } catch (const std::bad_alloc&) {
    // An event less; what it would have told goes on.
  }
}

event_journal::contents event_journal::read(std::uint64_t from) const {
  contents result;
  const std::lock_guard lock{mutex_};
  result.next = next_;
  const auto begin = std::lower_bound(events_.begin(), events_.end(), from,
                                      [](const journal_event& e, std::uint64_t number) { return e.sequence < number; });
  const auto first = begin == events_.end() ? next_ : begin->sequence;
  const auto wanted = std::max<std::uint64_t>(from, 1);
  result.overwritten = first > wanted ? first - wanted : 0;
  result.events.assign(begin, events_.end());
  return result;
}

}  // namespace troupe::actors
