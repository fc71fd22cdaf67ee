// The JSON that the AWS Lambda API answers about functions (specs: lambda-control-api 3). Pure values in, text out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/catalog.hpp"
#include "cluster/catalog_store.hpp"
#include "http/control_api/function_reference.hpp"

namespace troupe::http {

/// Where a function is between two versions; computed, never stored.
enum class function_phase : std::uint8_t {
  listed,    ///< lists do not say
  created,   ///< the answer of a creation
  pending,   ///< not every loop knows it yet
  updating,  ///< the first instance of the newest version has neither started nor failed to
  active,
};

struct function_view {
  const cluster::function_record& record;
  function_phase phase = function_phase::active;
  std::string qualifier{};  ///< as the caller gave it: the ARN repeats it
};

/// Changes with each commit of the function.
std::string revision_id(const cluster::store_identity& store, const cluster::function_record& record);

/// What answers need beside the function.
struct answer_surroundings {
  const lambda_place& place;
  cluster::store_identity store;
};

std::string configuration_body_of(const function_view& function, const answer_surroundings& around);
/// @param location  URL of the code, or empty.
std::string function_body_of(const function_view& function, const answer_surroundings& around,
                             std::string_view location);
/// @param functions  the page. @param next  marker of the next page, or empty.
std::string function_list_body(std::span<const cluster::function_record> functions, const answer_surroundings& around,
                               std::string_view next);
std::string version_list_body(const cluster::function_record& record, const answer_surroundings& around);
std::string tags_body(const cluster::function_record& record);

struct account_figures {
  std::uint64_t max_concurrency = 0;  ///< instances of the smallest memory size that fit on this node
  std::uint64_t max_code_bytes = 0;   ///< what the disk of the node can hold
  std::uint64_t code_bytes = 0;
  std::uint64_t functions = 0;
};
std::string account_settings_body(const account_figures& figures);
std::string code_signing_body(std::string_view function);

}  // namespace troupe::http
