// What the nodes of a cluster read of each other's journals and of the logs that functions have at each of them. On the
// control loop.
#include <algorithm>
#include <limits>
#include <utility>

#include "cli/node_cluster.hpp"
#include "http/log_view.hpp"

namespace troupe::cli {

namespace {

constexpr seconds answer_timeout{1};
/// Of a log, formatted for one envelope.
constexpr std::size_t log_page_bytes = actors::max_envelope_bytes;

}  // namespace

/// One question to all peers: what they have comes in pages.
struct node_cluster::journal_reading {
  struct place {
    uuid node;
    bool answered = false;
    std::size_t bytes = 0;
    http::journal_part part;
  };
  uuid function;     ///< whose log is read; nil: the journals
  std::size_t room;  ///< bytes of one node; what it has beyond is left for the next time
  std::vector<place> places;
  std::size_t waiting = 0;
  time_point deadline;
  journals done;

  void add(const uuid& node, const std::string& name, std::string id, const http::event_position& from) {
    place added{node, false, 0, {name, std::move(id), {}}};
    if (const auto known = from.find(added.part.id); known != from.end())
      added.part.contents.next = std::max<std::uint64_t>(known->second, 1);
    places.push_back(std::move(added));
  }

  void settle() {
    if (--waiting > 0)
      return;
    std::vector<http::journal_part> parts;
    std::vector<std::string> silent;
    for (auto& each : places) {
      if (!each.answered)
        silent.push_back(each.part.node);
      if (each.part.contents.next > 1 || each.part.dropped > 0)
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

cluster::event_page node_cluster::log_page_of(actors::function_logs& logs, const uuid& function, std::uint64_t after) {
  cluster::event_page page;
  const auto ring = logs.find(function);
  if (!ring)
    return page;
  auto kept = ring->read(after + 1, log_page_bytes);
  page.last = kept.next - 1;
  page.more = kept.more;
  page.dropped = kept.dropped;
  for (const auto& line : kept.lines)
    page.events.push_back({line.sequence, line.unix_ms, {}, http::text_of(line)});
  return page;
}

void node_cluster::read_journals(const http::event_position& from, journals done) {
  read_all({}, from, std::numeric_limits<std::size_t>::max(), std::move(done));
}

void node_cluster::read_logs(const uuid& function, const http::event_position& from, std::size_t room, journals done) {
  read_all(function, from, room, std::move(done));
}

/// @param function  whose logs; nil: the journals.
void node_cluster::read_all(const uuid& function, const http::event_position& from, std::size_t room, journals done) {
  const auto id_of = [&](const uuid& incarnation) {
    return function == uuid{} ? actors::event_journal::id_of(incarnation) : actors::log_id_of(incarnation, function);
  };
  auto reading = std::make_shared<journal_reading>();
  reading->function = function;
  reading->room = room;
  reading->done = std::move(done);
  reading->deadline = clock::now() + answer_timeout;
  for (const auto& [node, peer] : membership_->table().peers())
    reading->add(node, peer.name, peer.incarnation == uuid{} ? std::string{} : id_of(peer.incarnation), from);
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
  const auto after = place.part.contents.next - 1;
  plane_->ask_events(place.node, reading->function, after, actors::event_journal::max_events, reading->deadline,
                     [this, reading, index, after](expected<cluster::event_page> page) {
                       if (!page)
                         return reading->settle();
                       if (take_page(*reading, index, std::move(*page), after))
                         return read_on(reading, index);
                       reading->settle();
                     });
}

/// @returns whether to ask for the next page.
bool node_cluster::take_page(journal_reading& reading, std::size_t index, cluster::event_page&& page,
                             std::uint64_t after) {
  auto& there = reading.places[index];
  auto& read = there.part.contents;
  for (auto& event : page.events) {
    there.bytes += event.text.size();
    read.overwritten += event.sequence - std::min(event.sequence, read.next);
    read.next = event.sequence + 1;
    read.events.push_back({event.sequence, event.time_unix_ms, std::move(event.name), std::move(event.text)});
  }
  there.part.dropped = page.dropped;
  there.part.more = page.more && read.next > after + 1;
  there.answered = !page.more || there.bytes >= reading.room;
  return there.part.more && !there.answered;
}

}  // namespace troupe::cli
