#include "cluster/commit_request.hpp"

#include <set>
#include <string>
#include <string_view>

namespace troupe::cluster {

expected<void> check(const commit_request& request) {
  if (request.id == commit_id{})
    return fail(errc::bad_usage, "a commit needs an id");
  const auto operations = request.guards.size() + request.writes.size();
  if (operations > max_commit_operations)
    return fail(errc::too_big, "commit of " + std::to_string(operations) + " guards and writes, at most " +
                                   std::to_string(max_commit_operations) + " are allowed");
  std::size_t bytes = 0;
  std::set<std::string_view> written;
  for (const auto& condition : request.guards) {
    if (condition.key.empty())
      return fail(errc::bad_usage, "a guard needs a key");
    bytes += condition.key.size();
  }
  for (const auto& change : request.writes) {
    if (change.key.empty())
      return fail(errc::bad_usage, "a write needs a key");
    if (!written.insert(change.key).second)
      return fail(errc::bad_usage, "record '" + change.key + "' is written twice in one commit");
    if (change.value.size() > max_record_bytes)
      return fail(errc::too_big, "record '" + change.key + "' of " + std::to_string(change.value.size()) +
                                     " bytes, at most " + std::to_string(max_record_bytes) + " are allowed");
    bytes += change.key.size() + change.value.size();
  }
  if (bytes > max_commit_bytes)
    return fail(errc::too_big, "commit of " + std::to_string(bytes) + " bytes, at most " +
                                   std::to_string(max_commit_bytes) + " are allowed");
  return {};
}

}  // namespace troupe::cluster
