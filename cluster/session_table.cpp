#include "cluster/session_table.hpp"

#include <utility>

namespace troupe::cluster {

std::vector<session_record> session_table::follow(const history& durable, milliseconds boot) {
  std::map<session_id, entry> before;
  before.swap(open_);
  for (const auto* stored : durable.find_all("session/")) {
    const auto found = decode_session(*stored);
    if (!found)
      continue;
    const auto known = before.find(found->session);
    if (known == before.end())
      open_.emplace(found->session, entry{*found, boot + found->ttl});
    else
      open_.insert(before.extract(known));
  }
  std::vector<session_record> gone;
  for (auto& [id, each] : before)
    gone.push_back(std::move(each.session));
  return gone;
}

void session_table::refresh(milliseconds boot) {
  for (auto& [id, each] : open_)
    if (each.now == entry::state::open)
      each.free_at = boot + each.session.ttl;
}

std::optional<milliseconds> session_table::renew(const session_id& session, milliseconds boot) {
  const auto found = open_.find(session);
  if (found == open_.end() || found->second.now != entry::state::open)
    return std::nullopt;
  found->second.free_at = boot + found->second.session.ttl;
  return found->second.session.ttl;
}

std::vector<session_id> session_table::expire(milliseconds boot) {
  std::vector<session_id> expired;
  for (auto& [id, each] : open_) {
    if (each.now == entry::state::ending || (each.now == entry::state::open && boot < each.free_at))
      continue;
    each.now = entry::state::ending;
    expired.push_back(id);
  }
  return expired;
}

void session_table::retry() {
  for (auto& [id, each] : open_)
    if (each.now == entry::state::ending)
      each.now = entry::state::expired;
}

}  // namespace troupe::cluster
