// What the nodes of a cluster read of each other's journals. On the control loop.
#include <algorithm>
#include <utility>

#include "cli/node_cluster.hpp"

namespace troupe::cli {

namespace {

constexpr seconds answer_timeout{1};

}  // namespace

/// One question to all peers: their journals come in pages.
struct node_cluster::journal_reading {
  struct place {
    uuid node;
    bool answered = false;
    http::journal_part part;
  };
  std::vector<place> places;
  std::size_t waiting = 0;
  time_point deadline;
  journals done;

  void settle() {
    if (--waiting > 0)
      return;
    std::vector<http::journal_part> parts;
    std::vector<std::string> silent;
    for (auto& each : places) {
      if (!each.answered)
        silent.push_back(each.part.node);
      if (each.part.contents.next > 1)
        parts.push_back(std::move(each.part));
    }
    std::sort(silent.begin(), silent.end());
    done(std::move(parts), std::move(silent));
  }
};

cluster::event_page node_cluster::page_of(const actors::event_journal& journal, std::uint64_t after,
                                          std::uint32_t limit) {
  auto kept = journal.read(after + 1);
  cluster::event_page page;
  page.last = kept.next - 1;
  page.more = kept.events.size() > limit;
  for (auto& event : kept.events) {
    if (page.events.size() == limit)
      break;
    page.events.push_back({event.sequence, event.unix_ms, std::move(event.kind), std::move(event.text)});
  }
  return page;
}

void node_cluster::read_journals(const http::event_position& from, journals done) {
  auto reading = std::make_shared<journal_reading>();
  reading->deadline = clock::now() + answer_timeout;
  reading->done = std::move(done);
  for (const auto& [node, peer] : membership_->table().peers()) {
    journal_reading::place place{node, false, {peer.name, {}, {}}};
    if (peer.incarnation != uuid{}) {
      place.part.id = actors::event_journal::id_of(peer.incarnation);
      if (const auto known = from.find(place.part.id); known != from.end())
        place.part.contents.next = std::max<std::uint64_t>(known->second, 1);
    }
    reading->places.push_back(std::move(place));
  }
  // One more than there are: whoever is not in contact settles at once.
  reading->waiting = reading->places.size() + 1;
  for (std::size_t i = 0; i < reading->places.size(); ++i)
    read_on(reading, i);
  reading->settle();
}

void node_cluster::read_on(const std::shared_ptr<journal_reading>& reading, std::size_t index) {
  auto& place = reading->places[index];
  if (!plane_ || place.part.id.empty())
    return reading->settle();
  auto& contents = place.part.contents;
  const auto after = contents.next - 1;
  plane_->ask_events(
      place.node, after, actors::event_journal::max_events, reading->deadline,
      [this, reading, index, after](expected<cluster::event_page> page) {
        auto& there = reading->places[index];
        if (!page)
          return reading->settle();
        auto& read = there.part.contents;
        for (auto& event : page->events) {
          read.overwritten += event.sequence - std::min(event.sequence, read.next);
          read.next = event.sequence + 1;
          read.events.push_back({event.sequence, event.time_unix_ms, std::move(event.name), std::move(event.text)});
        }
        there.answered = !page->more;
        if (page->more && read.next > after + 1)
          return read_on(reading, index);
        reading->settle();
      });
}

}  // namespace troupe::cli
