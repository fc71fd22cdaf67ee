#include "http/control_api/retry_key.hpp"

#include <algorithm>
#include <string>

namespace troupe::http {

namespace {

/// The access key of `AWS4-HMAC-SHA256 Credential=<key>/<date>/...`; the signature itself differs from try to try.
std::string_view caller_of(std::string_view authorization) {
  constexpr std::string_view mark = "Credential=";
  const auto begin = authorization.find(mark);
  if (begin == authorization.npos)
    return {};
  const auto rest = authorization.substr(begin + mark.size());
  return rest.substr(0, std::min(rest.find('/'), rest.size()));
}

}  // namespace

std::optional<digest> retry_key_of(const functions::http_request& request) {
  const auto id = request.field("amz-sdk-invocation-id");
  if (id.empty())
    return std::nullopt;
  std::string whole;
  for (const auto part : {caller_of(request.field("authorization")), id, request.method, request.target})
    whole.append(part).push_back('\n');
  return sha256(whole.append(to_string(sha256(request.body.view()))));
}

}  // namespace troupe::http
