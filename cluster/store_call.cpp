#include "cluster/store_call.hpp"

#include <utility>

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

std::optional<commit_id> id_of(const store_call& call) {
  if (const auto* each = std::get_if<commit_call>(&call))
    return each->request.id;
  if (const auto* each = std::get_if<outcome_call>(&call))
    return each->id;
  return std::nullopt;
}

store_answer widen(commit_result result) {
  return std::visit([](auto&& each) -> store_answer { return std::forward<decltype(each)>(each); }, std::move(result));
}

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
