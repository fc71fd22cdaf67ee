// What a request changes of a function's record. A field that is not set keeps its value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/catalog.hpp"

namespace troupe::cluster {

struct function_change {
  std::optional<std::string> runtime;
  std::optional<std::string> handler;
  std::optional<std::string> role;
  std::optional<std::string> description;
  std::optional<std::string> architecture;
  std::optional<std::string> tracing;
  std::optional<std::uint64_t> timeout_ms;
  std::optional<std::uint64_t> memory_mb;
  std::optional<std::uint64_t> ephemeral_mb;
  std::optional<std::map<std::string, std::string>> environment;  ///< replaced as a whole
  std::map<std::string, std::string> set_tags;
  std::vector<std::string> drop_tags;
};

void apply(const function_change& change, function_record& record);

}  // namespace troupe::cluster
