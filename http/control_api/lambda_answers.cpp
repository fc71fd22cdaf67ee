#include "http/control_api/lambda_answers.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "cluster/record_codec.hpp"
#include "config/name_uuid.hpp"
#include "config/text.hpp"
#include "functions/manifest.hpp"
#include "http/control_api/lambda_body.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& body) {
  return body.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

/// `2026-01-01T00:00:00.000+0000`
std::string lambda_time(std::int64_t unix_ms) {
  const auto whole = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[64];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03d+0000", static_cast<int>(unix_ms % 1000));
  return text;
}

std::string base64_of(const digest& value) {
  return base64_encode({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

void add_state(json& out, function_phase phase) {
  constexpr const char* creating = "The function is being created.";
  if (phase == function_phase::created || phase == function_phase::pending) {
    out["State"] = "Pending";
    out["StateReason"] = creating;
    out["StateReasonCode"] = "Creating";
  } else if (phase == function_phase::updating) {
    out["State"] = "Active";
    out["LastUpdateStatus"] = "InProgress";
    out["LastUpdateStatusReason"] = creating;
    out["LastUpdateStatusReasonCode"] = "Creating";
  } else if (phase == function_phase::active) {
    out["State"] = "Active";
    out["LastUpdateStatus"] = "Successful";
  }
}

json configuration_of(const function_view& function, const answer_surroundings& around) {
  const auto& record = function.record;
  const bool has_archive = record.archive != digest{};
  json out;
  out["FunctionName"] = record.name;
  out["FunctionArn"] = function_arn(around.place, {record.name, function.qualifier});
  out["Runtime"] = record.runtime;
  out["Role"] = record.role;
  out["Handler"] = record.handler;
  out["CodeSize"] = has_archive ? record.archive_bytes : record.code_bytes;
  out["Description"] = record.description;
  out["Timeout"] = (record.timeout_ms + 999) / 1000;
  out["MemorySize"] = record.memory_mb;
  out["LastModified"] = lambda_time(record.modified_unix_ms);
  out["CodeSha256"] = base64_of(has_archive ? record.archive : record.code);
  out["Version"] = "$LATEST";
  if (!record.environment.empty())
    out["Environment"] = {{"Variables", json(record.environment)}};
  out["TracingConfig"] = {{"Mode", record.tracing}};
  out["RevisionId"] = revision_id(around.store, record);
  add_state(out, function.phase);
  out["PackageType"] = "Zip";
  out["Architectures"] = json::array({record.architecture});
  out["EphemeralStorage"] = {{"Size", record.ephemeral_mb}};
  out["SnapStart"] = {{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}};
  if (function.phase != function_phase::listed)
    out["RuntimeVersionConfig"] = {{"RuntimeVersionArn", "arn:aws:lambda:" + around.place.region +
                                                             "::runtime:" + to_string(sha256(record.runtime))}};
  out["LoggingConfig"] = {{"LogFormat", "Text"}, {"LogGroup", "/aws/lambda/" + record.name}};
  return out;
}

}  // namespace

std::string revision_id(const cluster::store_identity& store, const cluster::function_record& record) {
  const auto name = std::to_string(store.generation.counter) + "/" + std::to_string(store.generation.salt) + "/" +
                    cluster::function_key(record.name) + "/" + std::to_string(record.revision);
  return to_string(make_name_uuid(store.store_id, name));
}

std::string configuration_body_of(const function_view& function, const answer_surroundings& around) {
  return text_of(configuration_of(function, around));
}

std::string function_body_of(const function_view& function, const answer_surroundings& around,
                             std::string_view location) {
  json out;
  out["Configuration"] = configuration_of(function, around);
  out["Code"] = json::object();
  if (!location.empty())
    out["Code"] = {{"RepositoryType", "S3"}, {"Location", location}};
  if (!function.record.tags.empty())
    out["Tags"] = json(function.record.tags);
  return text_of(out);
}

std::string function_list_body(std::span<const cluster::function_record> functions, const answer_surroundings& around,
                               std::string_view next) {
  auto list = json::array();
  for (const auto& record : functions)
    list.push_back(configuration_of({record, function_phase::listed}, around));
  json out;
  out["Functions"] = std::move(list);
  if (!next.empty())
    out["NextMarker"] = next;
  return text_of(out);
}

std::string version_list_body(const cluster::function_record& record, const answer_surroundings& around) {
  json out;
  out["Versions"] = json::array({configuration_of({record, function_phase::listed, "$LATEST"}, around)});
  return text_of(out);
}

std::string tags_body(const cluster::function_record& record) {
  json out;
  out["Tags"] = json(record.tags);
  return text_of(out);
}

std::string account_settings_body(const account_figures& figures) {
  json out;
  out["AccountLimit"] = {{"TotalCodeSize", figures.max_code_bytes},
                         {"CodeSizeUnzipped", functions::max_package_bytes},
                         {"CodeSizeZipped", max_zip_bytes},
                         {"ConcurrentExecutions", figures.max_concurrency},
                         {"UnreservedConcurrentExecutions", figures.max_concurrency}};
  out["AccountUsage"] = {{"TotalCodeSize", figures.code_bytes}, {"FunctionCount", figures.functions}};
  return text_of(out);
}

std::string code_signing_body(std::string_view function) {
  json out;
  out["CodeSigningConfigArn"] = "";
  out["FunctionName"] = function;
  return text_of(out);
}

}  // namespace troupe::http
