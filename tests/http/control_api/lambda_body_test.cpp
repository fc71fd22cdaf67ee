#include "http/control_api/lambda_body.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/text.hpp"

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

namespace {

lambda_surroundings around() {
  lambda_surroundings result;
  result.place = {"us-east-1", "000000000000"};
  result.programs.node = "/usr/bin/node";
  return result;
}

json creation() {
  return {{"FunctionName", "hello"},
          {"Runtime", "nodejs20.x"},
          {"Role", "arn:aws:iam::000000000000:role/r"},
          {"Handler", "index.handler"},
          {"Timeout", 5},
          {"MemorySize", 256},
          {"Code", {{"ZipFile", "emlw"}}},
          {"Publish", false},
          {"PackageType", "Zip"}};
}

json with(const char* name, const json& value) {
  auto body = creation();
  body[name] = value;
  return body;
}

create_body read(const json& body) {
  auto found = parse_create(body.dump(), around());
  EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
  return found ? *found : create_body{};
}

lambda_error fault(const json& body) {
  const auto found = parse_create(body.dump(), around());
  EXPECT_FALSE(found.has_value()) << body.dump();
  return found ? lambda_error{} : found.error();
}

/// The type of the error of a creation with one member set.
std::string fault_of(const char* name, const json& value) {
  const auto why = fault(with(name, value));
  EXPECT_EQ(why.status, 400u);
  return why.type;
}

}  // namespace

TEST(LambdaBodyTest, ACreationSaysAllOfIt) {
  auto body = creation();
  body["Environment"] = {{"Variables", {{"ONE", "1"}}}};
  body["Description"] = "says hello";
  body["Tags"] = {{"team", "blue"}};
  body["Architectures"] = {"arm64"};
  body["TracingConfig"] = {{"Mode", "Active"}};
  body["EphemeralStorage"] = {{"Size", 1024}};

  const auto request = read(body);

  EXPECT_EQ(request.function.name, "hello");
  EXPECT_EQ(request.change.runtime, "nodejs20.x");
  EXPECT_EQ(request.change.handler, "index.handler");
  EXPECT_EQ(request.change.role, "arn:aws:iam::000000000000:role/r");
  EXPECT_EQ(request.change.timeout_ms, 5000u);
  EXPECT_EQ(request.change.memory_mb, 256u);
  EXPECT_EQ(request.change.description, "says hello");
  EXPECT_EQ(request.change.environment->at("ONE"), "1");
  EXPECT_EQ(request.change.set_tags.at("team"), "blue");
  EXPECT_EQ(request.change.architecture, "arm64");
  EXPECT_EQ(request.change.tracing, "Active");
  EXPECT_EQ(request.change.ephemeral_mb, 1024u);
  EXPECT_EQ(*request.code.bytes, "zip");
  EXPECT_EQ(request.code.sha256, sha256("zip"));
}

TEST(LambdaBodyTest, MembersThatNobodyKnowsAndNullsArePassedOver) {
  auto body = with("Sometime", json::array({1}));
  body["Layers"] = json::array();
  body["Description"] = nullptr;
  body["VpcConfig"] = {{"SubnetIds", json::array()}};

  EXPECT_FALSE(read(body).change.description.has_value());
}

TEST(LambdaBodyTest, ValuesOutOfRangeAreValidationFaults) {
  EXPECT_EQ(fault(with("Timeout", 901)).message,
            "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have "
            "value less than or equal to 900");
  EXPECT_EQ(fault_of("Timeout", 0), "ValidationException");
  EXPECT_EQ(fault_of("Timeout", -1), "ValidationException");
  EXPECT_EQ(fault_of("MemorySize", 127), "ValidationException");
  EXPECT_EQ(fault_of("MemorySize", 10241), "ValidationException");
  EXPECT_EQ(fault_of("Role", "x"), "ValidationException");
  EXPECT_EQ(fault_of("Handler", "a b"), "ValidationException");
  EXPECT_EQ(fault_of("Handler", std::string(129, 'x')), "ValidationException");
  EXPECT_EQ(fault_of("Description", std::string(257, 'x')), "ValidationException");
  EXPECT_EQ(fault_of("FunctionName", "a b"), "ValidationException");
  EXPECT_EQ(fault_of("FunctionName", "hello:$LATEST"), "ValidationException");
  EXPECT_EQ(fault_of("Architectures", {"mips"}), "ValidationException");
  EXPECT_EQ(fault_of("TracingConfig", {{"Mode", "x"}}), "ValidationException");
  EXPECT_EQ(fault_of("EphemeralStorage", {{"Size", 511}}), "ValidationException");
}

TEST(LambdaBodyTest, OtherTypesThanExpectedAreInvalidContent) {
  for (const auto& [name, value] : std::vector<std::pair<const char*, json>>{
           {"Timeout", "5"}, {"Timeout", 5.5}, {"Handler", 1}, {"Environment", 1}, {"Code", "x"}, {"Publish", 1}})
    EXPECT_EQ(fault_of(name, value), "InvalidRequestContentException") << name;
  for (const auto* body : {"", "{", "[]", "1", "{\"a\":}"})
    EXPECT_EQ(parse_create(body, around()).error().type, "InvalidRequestContentException") << body;
}

TEST(LambdaBodyTest, RequiredMembersAreNamed) {
  for (const auto* name : {"FunctionName", "Role", "Code"}) {
    auto body = creation();
    body.erase(name);
    EXPECT_EQ(fault(body).type, "ValidationException") << name;
  }
  for (const auto* name : {"Runtime", "Handler"}) {
    auto body = creation();
    body.erase(name);
    EXPECT_EQ(fault(body).message,
              "Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  }
}

TEST(LambdaBodyTest, ARuntimeThatCannotRunHereIsRefusedWithThoseThatCan) {
  for (const auto* runtime : {"foo", "nodejsx", "native", "provided.al2023", "python3.12", "go1.x", ""}) {
    const auto why = fault(with("Runtime", runtime));
    EXPECT_EQ(why.type, "InvalidParameterValueException") << runtime;
    EXPECT_NE(why.message.find("[nodejs<version>.x]"), std::string::npos) << why.message;
  }
}

TEST(LambdaBodyTest, EnvironmentsAreCheckedAsOnLambda) {
  for (const auto& variables : std::vector<json>{
           {{"AWS_REGION", "x"}}, {{"LAMBDA_TASK_ROOT", "x"}}, {{"1A", "x"}}, {{"A", std::string(4096, 'x')}}}) {
    const auto why = fault(with("Environment", {{"Variables", variables}}));
    EXPECT_EQ(why.type, "InvalidParameterValueException");
    EXPECT_EQ(why.message.find("Lambda was unable to configure your environment variables"), 0u) << why.message;
  }
}

TEST(LambdaBodyTest, WhatThisNodeCannotDoIsRefusedByName) {
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, json>>{{"Publish", true},
                                                 {"PackageType", "Image"},
                                                 {"Layers", {"arn:aws:lambda:us-east-1:1:layer:x:1"}},
                                                 {"VpcConfig", {{"SubnetIds", {"subnet-1"}}}},
                                                 {"FileSystemConfigs", {{{"Arn", "x"}}}},
                                                 {"DeadLetterConfig", {{"TargetArn", "x"}}},
                                                 {"KMSKeyArn", "x"},
                                                 {"SnapStart", {{"ApplyOn", "PublishedVersions"}}},
                                                 {"LoggingConfig", {{"LogFormat", "JSON"}}},
                                                 {"ImageConfig", {{"Command", {"x"}}}}}) {
    const auto why = fault(with(name, value));
    EXPECT_EQ(why.type, "InvalidParameterValueException") << name;
    EXPECT_EQ(why.message.find(name), 0u) << why.message;
  }
}

TEST(LambdaBodyTest, CodeComesAsAZipOnly) {
  EXPECT_NE(fault(with("Code", {{"S3Bucket", "b"}, {"S3Key", "k"}})).message.find("S3Bucket"), std::string::npos);
  EXPECT_NE(fault(with("Code", {{"ImageUri", "i"}})).message.find("ImageUri"), std::string::npos);
  EXPECT_NE(fault(with("Code", json::object())).message.find("ZipFile"), std::string::npos);
  EXPECT_EQ(fault(with("Code", {{"ZipFile", "???"}})).type, "InvalidRequestContentException");
  EXPECT_EQ(fault(with("Code", {{"ZipFile", ""}})).message, "Uploaded file must be a non-empty zip");
}

TEST(LambdaBodyTest, AnArchiveOfMoreThanFiftyMegabytesIsTooLarge) {
  const auto why = fault(with("Code", {{"ZipFile", base64_encode(std::string(max_zip_bytes + 1, 'x'))}}));
  EXPECT_EQ(why.status, 413u);
  EXPECT_EQ(why.type, "RequestTooLargeException");
}

TEST(LambdaBodyTest, TagsHaveLimits) {
  EXPECT_EQ(fault_of("Tags", {{"aws:x", "1"}}), "InvalidParameterValueException");
  EXPECT_EQ(fault_of("Tags", {{"", "1"}}), "InvalidParameterValueException");
  EXPECT_EQ(fault_of("Tags", {{"a", 1}}), "InvalidRequestContentException");
  EXPECT_EQ(parse_tags("{\"Tags\":{\"a\":\"b\"}}")->set_tags.at("a"), "b");
  EXPECT_EQ(parse_tags("{}").error().type, "InvalidParameterValueException");
}

TEST(LambdaBodyTest, AChangeOfCodeIsReadAlike) {
  const auto request =
      parse_code(R"({"ZipFile":"emlw","DryRun":true,"RevisionId":"r","Architectures":["x86_64"],"Publish":false})");

  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(*request->code.bytes, "zip");
  EXPECT_TRUE(request->dry_run);
  EXPECT_EQ(request->revision_id, "r");
  EXPECT_EQ(request->change.architecture, "x86_64");
  EXPECT_EQ(parse_code(R"({"ZipFile":"emlw","Publish":true})").error().type, "InvalidParameterValueException");
}

TEST(LambdaBodyTest, AChangeOfConfigurationSetsOnlyWhatWasSent) {
  const auto request = parse_configuration(R"({"Timeout":7,"RevisionId":"r","Environment":{}})", around());

  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->change.timeout_ms, 7000u);
  EXPECT_TRUE(request->change.environment->empty());
  EXPECT_EQ(request->revision_id, "r");
  EXPECT_FALSE(request->change.memory_mb.has_value());
  EXPECT_FALSE(request->change.runtime.has_value());
  EXPECT_FALSE(request->change.role.has_value());
}
