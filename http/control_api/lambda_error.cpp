#include "http/control_api/lambda_error.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

/// Which of both spellings a client's model has depends on the error.
bool has_upper_case_message(std::string_view type) {
  return type == "ResourceNotFoundException" || type == "ServiceException";
}

std::string fields_of(std::string_view request_id) {
  return std::string{"content-type: application/json\r\nx-amzn-requestid: "}.append(request_id).append("\r\n");
}

/// Whether the request could succeed by itself some time soon.
bool passes(errc code) {
  return code == errc::unavailable || code == errc::draining || code == errc::not_ready || code == errc::breaker_open ||
         code == errc::overloaded || code == errc::no_capacity;
}

}  // namespace

tl::unexpected<lambda_error> refuse(lambda_error why) {
  return tl::unexpected<lambda_error>{std::move(why)};
}

lambda_error invalid_parameter(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message)};
}

lambda_error invalid_content(std::string message) {
  return {400, "InvalidRequestContentException", "Could not parse request body into json: " + std::move(message)};
}

lambda_error validation_fault(std::string_view value, std::string_view field, std::string_view constraint) {
  std::string message = "1 validation error detected: Value '";
  message.append(value.substr(0, 300)).append("' at '").append(field);
  message.append("' failed to satisfy constraint: ").append(constraint);
  return {400, "ValidationException", std::move(message)};
}

lambda_error function_not_found(std::string_view arn) {
  return {404, "ResourceNotFoundException", "Function not found: " + std::string{arn}};
}

lambda_error update_in_progress(std::string_view arn) {
  return {409, "ResourceConflictException",
          "The operation cannot be performed at this time. An update is in progress for resource: " + std::string{arn}};
}

lambda_error unknown_operation(std::string_view method, std::string_view path) {
  return {404, "UnknownOperationException",
          "This node does not have the call " + std::string{method.substr(0, 16)} + " " +
              std::string{path.substr(0, 300)} + "; docs/lambda-api.md lists those that it has"};
}

lambda_error throttled(std::string_view reason) {
  return {429, "TooManyRequestsException", "Rate Exceeded.", std::string{reason}, true};
}

lambda_error service_fault(const error& why) {
  return {passes(why.code) ? 503u : 500u, "ServiceException", why.what, {}, passes(why.code)};
}

reply error_reply(const lambda_error& why, std::string_view request_id) {
  json body;
  if (!why.reason.empty())
    body["Reason"] = why.reason;
  if (why.type != "ValidationException")
    body["Type"] = why.status < 500 ? "User" : "Service";
  body[has_upper_case_message(why.type) ? "Message" : "message"] = why.message;
  reply what;
  what.status = why.status;
  what.fields = fields_of(request_id) + "x-amzn-errortype: " + why.type + "\r\n";
  if (why.later)
    what.fields += "retry-after: 1\r\n";
  what.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return what;
}

reply success_reply(unsigned status, std::string body, std::string_view request_id) {
  reply what;
  what.status = status;
  what.fields = fields_of(request_id);
  what.body = std::move(body);
  return what;
}

}  // namespace troupe::http
