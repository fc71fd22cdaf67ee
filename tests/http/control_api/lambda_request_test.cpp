#include "http/control_api/lambda_request.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::http;

namespace {

const lambda_place here{"us-east-1", "000000000000"};

lambda_request read(std::string_view method, std::string_view path, std::string_view query = {}) {
  auto found = parse_lambda_request(method, path, query, here);
  EXPECT_TRUE(found.has_value()) << method << " " << path << ": " << (found ? "" : found.error().message);
  return found ? *found : lambda_request{};
}

lambda_error fault(std::string_view method, std::string_view path, std::string_view query = {}) {
  const auto found = parse_lambda_request(method, path, query, here);
  EXPECT_FALSE(found.has_value()) << method << " " << path;
  return found ? lambda_error{} : found.error();
}

}  // namespace

TEST(LambdaRequestTest, TellsCallsApartWithAndWithoutATrailingSlash) {
  struct {
    const char* method;
    const char* path;
    lambda_operation operation;
  } const cases[] = {
      {"POST", "/2015-03-31/functions", lambda_operation::create_function},
      {"GET", "/2015-03-31/functions", lambda_operation::list_functions},
      {"GET", "/2015-03-31/functions/f", lambda_operation::get_function},
      {"DELETE", "/2015-03-31/functions/f", lambda_operation::delete_function},
      {"GET", "/2015-03-31/functions/f/configuration", lambda_operation::get_function_configuration},
      {"PUT", "/2015-03-31/functions/f/configuration", lambda_operation::update_function_configuration},
      {"PUT", "/2015-03-31/functions/f/code", lambda_operation::update_function_code},
      {"POST", "/2015-03-31/functions/f/invocations", lambda_operation::invoke},
      {"GET", "/2015-03-31/functions/f/versions", lambda_operation::list_versions_by_function},
      {"GET", "/2016-08-19/account-settings", lambda_operation::get_account_settings},
      {"GET", "/2019-09-30/functions/f/concurrency", lambda_operation::get_function_concurrency},
      {"GET", "/2020-06-30/functions/f/code-signing-config", lambda_operation::get_function_code_signing_config},
  };
  for (const auto& each : cases)
    for (const auto* end : {"", "/"}) {
      const auto path = std::string{each.path} + end;
      EXPECT_TRUE(is_lambda_path(path));
      EXPECT_EQ(read(each.method, path).operation, each.operation) << each.method << " " << path;
    }
}

TEST(LambdaRequestTest, OwnPathsAreNoneOfLambda) {
  for (const auto* path : {"/", "/v1/functions", "/healthz", "/2015", "/2015-03-31", "/20150331/functions"})
    EXPECT_FALSE(is_lambda_path(path)) << path;
}

TEST(LambdaRequestTest, NamesArePercentEncoded) {
  const auto request =
      read("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello%3A%24LATEST");

  EXPECT_EQ(request.function.name, "hello");
  EXPECT_EQ(request.function.qualifier, "$LATEST");
}

TEST(LambdaRequestTest, AQualifierOfTheQueryCounts) {
  EXPECT_EQ(read("GET", "/2015-03-31/functions/f", "Qualifier=%24LATEST").function.qualifier, "$LATEST");
  EXPECT_EQ(fault("POST", "/2015-03-31/functions/f/invocations", "Qualifier=prod").type,
            "InvalidParameterValueException");
}

TEST(LambdaRequestTest, ListsHavePages) {
  EXPECT_EQ(read("GET", "/2015-03-31/functions").page.max_items, 50u);
  EXPECT_EQ(read("GET", "/2015-03-31/functions", "MaxItems=3").page.max_items, 3u);
  EXPECT_EQ(read("GET", "/2015-03-31/functions", "MaxItems=10000").page.max_items, 50u);
  EXPECT_EQ(read("GET", "/2015-03-31/functions", "Marker=YWZ0ZXI6aGVsbG8%3D").page.after, "hello");
  EXPECT_EQ(marker_of("hello"), "YWZ0ZXI6aGVsbG8=");
  for (const auto* items : {"0", "-1", "x", "10001", ""})
    EXPECT_EQ(fault("GET", "/2015-03-31/functions", std::string{"MaxItems="} + items).type, "ValidationException");
  for (const auto* marker : {"x", "aGVsbG8%3D", "%20"})
    EXPECT_EQ(fault("GET", "/2015-03-31/functions", std::string{"Marker="} + marker).type,
              "InvalidParameterValueException");
}

TEST(LambdaRequestTest, TagsAreOfAnArn) {
  const std::string path = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello";

  EXPECT_EQ(read("GET", path).operation, lambda_operation::list_tags);
  EXPECT_EQ(read("POST", path).function.name, "hello");
  EXPECT_EQ(read("DELETE", path, "tagKeys=a&tagKeys=b%20c").tag_keys, (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(fault("DELETE", path).type, "InvalidParameterValueException");
  EXPECT_EQ(fault("GET", "/2017-03-31/tags/hello").type, "ValidationException");
}

TEST(LambdaRequestTest, InvocationsThatAreNotThereYetAreNamed) {
  const auto streaming = fault("POST", "/2021-11-15/functions/f/response-streaming-invocations");
  const auto async = fault("POST", "/2014-11-13/functions/f/invoke-async/");

  EXPECT_EQ(streaming.type, "InvalidParameterValueException");
  EXPECT_NE(streaming.message.find("InvokeWithResponseStream"), std::string::npos);
  EXPECT_EQ(async.status, 400u);
  EXPECT_NE(async.message.find("Event"), std::string::npos);
}

TEST(LambdaRequestTest, WhatIsNotThereIsSaid) {
  for (const auto& [method, path] :
       std::vector<std::pair<const char*, const char*>>{{"POST", "/2015-03-31/functions/f/versions"},
                                                        {"POST", "/2015-03-31/functions/f/aliases"},
                                                        {"PUT", "/2017-10-31/functions/f/concurrency"},
                                                        {"GET", "/2015-03-31/event-source-mappings/"},
                                                        {"PATCH", "/2015-03-31/functions/f"},
                                                        {"GET", "/2015-03-31/functions/f/code/more"},
                                                        {"GET", "/2015-03-31//"}}) {
    const auto why = fault(method, path);
    EXPECT_EQ(why.status, 404u) << path;
    EXPECT_EQ(why.type, "UnknownOperationException") << path;
    EXPECT_NE(why.message.find(path), std::string::npos);
  }
}
