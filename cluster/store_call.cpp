#include "cluster/store_call.hpp"

namespace troupe::cluster {

namespace {

std::size_t size_of(const std::vector<guard>& guards, const std::vector<write>& writes) {
  std::size_t bytes = 0;
  for (const auto& each : guards)
    bytes += each.key.size();
  for (const auto& each : writes)
    bytes += each.key.size() + each.value.size();
  return bytes;
}

}  // namespace

std::size_t size_of(const store_call& call) {
  if (const auto* each = std::get_if<commit_call>(&call))
    return size_of(each->request.guards, each->request.writes);
  if (const auto* each = std::get_if<claim_call>(&call))
    return each->resource.size() + size_of(each->guards, each->writes);
  if (const auto* each = std::get_if<transfer_call>(&call))
    return each->resource.size() + size_of(each->guards, each->writes);
  return 0;
}

}  // namespace troupe::cluster
