// Troupe's own API: the nodes of the cluster and what happened to them. A node that is alone answers as the only one.
#include <algorithm>

#include "cluster/catalog_view.hpp"
#include "http/cluster_view.hpp"
#include "http/control_api.hpp"
#include "http/control_api_reply.hpp"
#include "http/store_backup.hpp"

namespace troupe::http {

namespace {

constexpr seconds backup_timeout{30};

}  // namespace

reply_ptr control_api::nodes() const {
  node_view own{around_->node_name, around_->node_id, "primary", std::string{state_text()}};
  const auto age = std::chrono::duration_cast<milliseconds>(clock::now() - started_at_);
  own.age_ms = static_cast<std::uint64_t>(age.count());
  own.version = TROUPE_VERSION;
  own.store.cursor = around_->follower->snapshot()->cursor;
  const auto figures = around_->registry->instances();
  own.load = {figures.in_flight, figures.ready};
  for (const auto& record : with_program_functions().functions)
    if (own_instances_of(record).ready > 0)
      own.functions.push_back(record.name);
  std::vector<node_view> all{std::move(own)};
  if (around_->cluster.describe_own)
    around_->cluster.describe_own(all.front());
  if (around_->cluster.peers)
    for (auto& peer : around_->cluster.peers())
      all.push_back(std::move(peer));
  std::sort(all.begin(), all.end(), [](const node_view& a, const node_view& b) { return a.name < b.name; });
  return json_reply(200, nodes_body(all));
}

/// Answers when the cluster has.
caf::result<reply_ptr> control_api::settle(const std::function<void(cluster_questions::done)>& ask,
                                           std::string done_body) {
  auto answer = make_response_promise<promise>();
  ask([self = strong_self(), this, answer, body = std::move(done_body)](const expected<void>& settled) mutable {
    enter();
    if (getf(is_terminated_flag))
      return;  // the node is going down: nobody waits any more
    answer.deliver(settled ? json_reply(200, std::move(body)) : refusal_of(settled.error()));
    loop().drain();
  });
  return answer;
}

caf::result<reply_ptr> control_api::remove(const remove_node& what) {
  if (what.name == around_->node_name)
    return refusal_of({errc::refused, "node '" + what.name + "' is live: it is the one that answers"});
  if (around_->cluster.remove_node)
    return settle([&](cluster_questions::done then) { around_->cluster.remove_node(what.name, std::move(then)); },
                  "{\"removed\":\"" + what.name + "\"}\n");
  return refusal_of({errc::refused, "node '" + what.name + "' is not in this cluster"});
}

caf::result<reply_ptr> control_api::events(std::string_view query) {
  const auto position = parse_event_position(query);
  if (!position)
    return refusal_of(position.error());
  const auto& journal = *around_->journal;
  const auto place = position->find(journal.id());
  const auto from = place == position->end() ? 0 : place->second;
  journal_part own{around_->node_name, journal.id(), journal.read(from)};
  if (!around_->cluster.events)
    return json_reply(200, events_body({own}, {}, *position));
  auto answer = make_response_promise<promise>();
  around_->cluster.events(*position,
                          [self = strong_self(), this, answer, own = std::move(own), before = *position](
                              std::vector<journal_part> parts, const std::vector<std::string>& silent) mutable {
                            enter();
                            if (getf(is_terminated_flag))
                              return;  // the node is going down: nobody waits any more
                            parts.push_back(std::move(own));
                            answer.deliver(json_reply(200, events_body(parts, silent, before)));
                            loop().drain();
                          });
  return answer;
}

caf::result<reply_ptr> control_api::move(const move_store& what) {
  if (around_->cluster.move_store)
    return settle([&](cluster_questions::done then) { around_->cluster.move_store(what.to, std::move(then)); },
                  "{\"primary\":\"" + what.to + "\"}\n");
  if (what.to == around_->node_name)
    return refusal_of({errc::refused, "node '" + what.to + "' has the store already"});
  return refusal_of({errc::refused, "node '" + what.to + "' is not in this cluster"});
}

caf::result<reply_ptr> control_api::back_up() {
  auto answer = make_response_promise<promise>();
  around_->store->load(clock::now() + backup_timeout,
                       [self = strong_self(), this, answer](expected<cluster::loaded> contents) {
                         // Here on the store's thread the contents are those of this identity.
                         auto shared = std::make_shared<expected<store_backup>>(contents.map([&](auto& all) {
                           return store_backup{around_->identity(), std::move(all)};
                         }));
                         loop().post([self, this, answer, shared] {
                           enter();
                           write_backup(answer, std::move(*shared));
                           loop().drain();
                         });
                       });
  return answer;
}

void control_api::write_backup(const promise& answer, expected<store_backup>&& contents) {
  auto reply_to = answer;
  if (!contents) {
    reply_to.deliver(refusal_of(contents.error()));
    return;
  }
  auto backup = std::make_shared<store_backup>(std::move(*contents));
  // Megabytes of text: not on this loop.
  const bool taken = run_on<std::string>(
      *around_->files, [backup] { return backup_text(*backup); },
      [reply_to](std::string text) mutable {
        reply what;
        what.fields = "content-type: application/x-ndjson\r\n";
        what.body = std::move(text);
        reply_to.deliver(share(std::move(what)));
      });
  if (!taken)
    reply_to.deliver(refusal_of({errc::overloaded, "the node handles too much code at once; try again"}));
}

}  // namespace troupe::http
