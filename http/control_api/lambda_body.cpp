#include "http/control_api/lambda_body.hpp"

#include "config/text.hpp"
#include "http/control_api/lambda_configuration.hpp"

namespace troupe::http {

namespace {

lambda_error too_large() {
  return {413, "RequestTooLargeException",
          "The archive must be smaller than " + std::to_string(max_zip_bytes) + " bytes"};
}

/// The archive of a request that may bring its code in other ways, which this node does not have.
void read_zip(lambda_fields& fields, zip_upload& out) {
  if (fields.says_something("S3Bucket") || fields.says_something("S3Key"))
    return fields.blame(invalid_parameter("S3Bucket: this node reads no code from S3; send the archive as ZipFile"));
  if (fields.says_something("ImageUri"))
    return fields.blame(invalid_parameter("ImageUri: this node runs no container images; send an archive as ZipFile"));
  const auto* zip = fields.member("ZipFile");
  if (zip == nullptr)
    return fields.blame(invalid_parameter("Please provide a source for function code: ZipFile is missing"));
  if (!zip->is_string())
    return fields.blame(invalid_content("ZipFile is not a string"));
  auto bytes = base64_decode(zip->get_ref<const std::string&>());
  if (!bytes)
    return fields.blame(invalid_content("ZipFile is not base64"));
  if (bytes->empty())
    return fields.blame(invalid_parameter("Uploaded file must be a non-empty zip"));
  if (bytes->size() > max_zip_bytes)
    return fields.blame(too_large());
  out.sha256 = sha256(*bytes);
  out.bytes = std::make_shared<const std::string>(std::move(*bytes));
}

}  // namespace

lambda_result<create_body> parse_create(std::string_view body, const lambda_surroundings& around) {
  const auto parsed = parse_lambda_object(body);
  if (!parsed)
    return refuse(parsed.error());
  lambda_fields fields{*parsed};
  create_body request;
  const auto name = fields.text("FunctionName");
  if (!name)
    fields.blame(validation_fault("null", "functionName", "Member must not be null"));
  if (fields.member("Role") == nullptr)
    fields.blame(validation_fault("null", "role", "Member must not be null"));
  read_configuration(fields, around, request.change);
  read_architecture(fields, request.change);
  read_tags(fields, request.change);
  if (!request.change.runtime || !request.change.handler)
    fields.blame(invalid_parameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."));
  const auto* code = fields.object("Code");
  if (code == nullptr)
    fields.blame(validation_fault("null", "code", "Member must not be null"));
  if (fields.fault())
    return refuse(*fields.fault());
  auto function = parse_function_reference(*name, std::nullopt, around.place);
  if (!function)
    return refuse(function.error());
  if (!function->qualifier.empty())
    return refuse(validation_fault(*name, "functionName", "Member must be a name or ARN without a qualifier"));
  request.function = std::move(*function);
  lambda_fields inside{*code, "code."};
  read_zip(inside, request.code);
  if (inside.fault())
    return refuse(*inside.fault());
  return request;
}

lambda_result<code_body> parse_code(std::string_view body) {
  const auto parsed = parse_lambda_object(body);
  if (!parsed)
    return refuse(parsed.error());
  lambda_fields fields{*parsed};
  code_body request;
  request.revision_id = fields.text("RevisionId");
  request.dry_run = fields.flag("DryRun");
  read_architecture(fields, request.change);
  refuse_unsupported(fields);
  read_zip(fields, request.code);
  if (fields.fault())
    return refuse(*fields.fault());
  return request;
}

lambda_result<configuration_body> parse_configuration(std::string_view body, const lambda_surroundings& around) {
  const auto parsed = parse_lambda_object(body);
  if (!parsed)
    return refuse(parsed.error());
  lambda_fields fields{*parsed};
  configuration_body request;
  request.revision_id = fields.text("RevisionId");
  read_configuration(fields, around, request.change);
  if (fields.fault())
    return refuse(*fields.fault());
  return request;
}

lambda_result<cluster::function_change> parse_tags(std::string_view body) {
  const auto parsed = parse_lambda_object(body);
  if (!parsed)
    return refuse(parsed.error());
  lambda_fields fields{*parsed};
  cluster::function_change change;
  read_tags(fields, change);
  if (change.set_tags.empty())
    fields.blame(invalid_parameter("Tags: 1 to 50 are expected"));
  if (fields.fault())
    return refuse(*fields.fault());
  return change;
}

}  // namespace troupe::http
