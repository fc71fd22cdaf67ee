// Troupe's own API: the nodes of the cluster and what happened to them. A node that is alone answers as the only one.
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
  node_view own{around_->node_name, around_->node_id, "primary", std::string{to_string(around_->state->load())}};
  const auto age = std::chrono::duration_cast<milliseconds>(clock::now() - started_at_);
  own.age_ms = static_cast<std::uint64_t>(age.count());
  own.version = TROUPE_VERSION;
  own.store.cursor = around_->follower->snapshot()->cursor;
  const auto figures = around_->registry->instances();
  own.load = {figures.in_flight, figures.ready};
  for (const auto& record : with_program_functions().functions)
    if (instances_of(record).ready > 0)
      own.functions.push_back(record.name);
  return json_reply(200, nodes_body({&own, 1}));
}

reply_ptr control_api::remove(const remove_node& what) const {
  if (what.name == around_->node_name)
    return refusal_of({errc::refused, "node '" + what.name + "' is live: it is the one that answers"});
  return refusal_of({errc::refused, "node '" + what.name + "' is not in this cluster"});
}

reply_ptr control_api::events(std::string_view query) const {
  const auto position = parse_event_position(query);
  if (!position)
    return refusal_of(position.error());
  const auto& journal = *around_->journal;
  const auto place = position->find(journal.id());
  const auto from = place == position->end() ? 0 : place->second;
  return json_reply(200, events_body({{around_->node_name, journal.id(), journal.read(from)}}, *position));
}

reply_ptr control_api::move(const move_store& what) const {
  if (what.to == around_->node_name)
    return refusal_of({errc::refused, "node '" + what.to + "' has the store already"});
  return refusal_of({errc::refused, "node '" + what.to + "' is not in this cluster"});
}

caf::result<reply_ptr> control_api::back_up() {
  auto answer = make_response_promise<promise>();
  around_->store->load(clock::now() + backup_timeout,
                       [self = strong_self(), this, answer](expected<cluster::loaded> contents) {
                         auto shared = std::make_shared<expected<cluster::loaded>>(std::move(contents));
                         loop().post([self, this, answer, shared] {
                           enter();
                           write_backup(answer, std::move(*shared));
                           loop().drain();
                         });
                       });
  return answer;
}

void control_api::write_backup(const promise& answer, expected<cluster::loaded>&& contents) {
  auto reply_to = answer;
  if (!contents) {
    reply_to.deliver(refusal_of(contents.error()));
    return;
  }
  auto backup = std::make_shared<store_backup>(store_backup{around_->identity, std::move(*contents)});
  // Megabytes of text: not on this loop.
  const bool taken = on_files<std::string>([backup] { return backup_text(*backup); },
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
