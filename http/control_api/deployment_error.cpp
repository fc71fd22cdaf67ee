#include "http/control_api/deployment_error.hpp"

#include "functions/package_rules.hpp"

namespace troupe::http {

lambda_error revision_mismatch() {
  return {412, "PreconditionFailedException",
          "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve "
          "the latest RevisionId"};
}

lambda_error deployment_error(const actors::deployment_result& result, const std::string& name, std::string_view arn) {
  using actors::denial;
  switch (result.denied) {
    case denial::exists: return {409, "ResourceConflictException", "Function already exist: " + name};
    case denial::changed: return revision_mismatch();
    case denial::busy: return update_in_progress(arn);
    case denial::none: break;
  }
  const auto& why = result.why;
  switch (why.code) {
    case errc::no_such_function: return function_not_found(arn);
    case errc::conflict: return update_in_progress(arn);
    case errc::refused: return invalid_parameter(why.what);
    case errc::bad_usage:
    case errc::corrupt:
      return invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again. " +
                               why.what);
    case errc::too_big:
      return invalid_parameter("Unzipped size must be smaller than " + std::to_string(functions::max_package_bytes) +
                               " bytes: " + why.what);
    case errc::overloaded: return throttled("CallerRateLimitExceeded");
    default: return service_fault(why);
  }
}

}  // namespace troupe::http
