#include "http/control_api/lambda_answers.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "actors/deployment.hpp"
#include "http/control_api/deployment_error.hpp"
#include "http/control_api/retry_key.hpp"

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

namespace {

const lambda_place place{"us-east-1", "000000000000"};
const cluster::store_identity store{parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), {1, 2}, {}, {}};
const answer_surroundings around{place, store};

cluster::function_record hello() {
  cluster::function_record record;
  record.name = "hello";
  record.version = 1;
  record.revision = 41;
  record.runtime = "nodejs20.x";
  record.handler = "index.handler";
  record.role = "arn:aws:iam::000000000000:role/r";
  record.form = "folder";
  record.code = sha256("manifest");
  record.code_bytes = 1000;
  record.archive = sha256("zip");
  record.archive_bytes = 300;
  record.timeout_ms = 5000;
  record.memory_mb = 256;
  record.modified_unix_ms = 1'767'225'600'000;
  return record;
}

json configuration(function_phase phase, const std::string& qualifier = {}) {
  const auto record = hello();
  return json::parse(configuration_body_of({record, phase, qualifier}, around));
}

}  // namespace

TEST(LambdaAnswersTest, ACreatedFunctionLooksAsRecorded) {
  const auto record = hello();

  EXPECT_EQ(configuration_body_of({record, function_phase::created}, around),
            R"({"FunctionName":"hello","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello",)"
            R"("Runtime":"nodejs20.x","Role":"arn:aws:iam::000000000000:role/r","Handler":"index.handler",)"
            R"("CodeSize":300,"Description":"","Timeout":5,"MemorySize":256,)"
            R"("LastModified":"2026-01-01T00:00:00.000+0000",)"
            R"("CodeSha256":"SnD+mqZDbgLC3qNA+9HjUuTvLYzmylKtJdS5VHH8i/I=","Version":"$LATEST",)"
            R"("TracingConfig":{"Mode":"PassThrough"},"RevisionId":")" +
                revision_id(store, record) +
                R"(","State":"Pending","StateReason":"The function is being created.",)"
                R"("StateReasonCode":"Creating","PackageType":"Zip","Architectures":["x86_64"],)"
                R"("EphemeralStorage":{"Size":512},"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},)"
                R"("RuntimeVersionConfig":{"RuntimeVersionArn":"arn:aws:lambda:us-east-1::runtime:)" +
                to_string(sha256("nodejs20.x")) +
                R"("},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/hello"}})");
}

TEST(LambdaAnswersTest, StatesAreThoseThatWaitersLookAt) {
  EXPECT_EQ(configuration(function_phase::pending)["State"], "Pending");
  EXPECT_EQ(configuration(function_phase::updating)["State"], "Active");
  EXPECT_EQ(configuration(function_phase::updating)["LastUpdateStatus"], "InProgress");
  EXPECT_EQ(configuration(function_phase::active)["State"], "Active");
  EXPECT_EQ(configuration(function_phase::active)["LastUpdateStatus"], "Successful");
  EXPECT_FALSE(configuration(function_phase::active).contains("StateReason"));
  EXPECT_FALSE(configuration(function_phase::created).contains("LastUpdateStatus"));
}

TEST(LambdaAnswersTest, TheArnRepeatsTheQualifier) {
  EXPECT_EQ(configuration(function_phase::active, "$LATEST")["FunctionArn"],
            "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST");
}

TEST(LambdaAnswersTest, CodeThatCameAsAFolderHasTheDigestOfItsManifest) {
  auto record = hello();
  record.archive = {};
  record.timeout_ms = 1500;

  const auto body = json::parse(configuration_body_of({record}, around));

  EXPECT_EQ(body["CodeSha256"], "BbOr8leaXrZkA814vlV/2GBjOh/iEDx2QgMN7+MsZX8=");
  EXPECT_EQ(body["CodeSize"], 1000);
  EXPECT_EQ(body["Timeout"], 2);
}

TEST(LambdaAnswersTest, ARevisionIdChangesWithTheRevisionAndTheStore) {
  auto record = hello();
  const auto first = revision_id(store, record);
  auto other = store;
  other.generation.salt = 3;

  EXPECT_EQ(first, revision_id(store, record));
  EXPECT_EQ(first[14], '5');
  EXPECT_NE(first, revision_id(other, record));
  record.revision = 42;
  EXPECT_NE(first, revision_id(store, record));
}

TEST(LambdaAnswersTest, AFunctionComesWithWhereItsCodeIs) {
  auto record = hello();
  record.tags = {{"team", "blue"}};
  record.environment = {{"A", "1"}};

  const auto body = json::parse(function_body_of({record}, around, "http://localhost:9001/v1/functions/hello/code"));

  EXPECT_EQ(body["Code"]["Location"], "http://localhost:9001/v1/functions/hello/code");
  EXPECT_EQ(body["Code"]["RepositoryType"], "S3");
  EXPECT_EQ(body["Tags"]["team"], "blue");
  EXPECT_EQ(body["Configuration"]["Environment"]["Variables"]["A"], "1");
  EXPECT_FALSE(json::parse(function_body_of({hello()}, around, ""))["Code"].contains("Location"));
}

TEST(LambdaAnswersTest, ListsSayNoStates) {
  const std::vector<cluster::function_record> functions{hello()};

  const auto page = json::parse(function_list_body(functions, around, "next"));
  const auto versions = json::parse(version_list_body(hello(), around));

  EXPECT_EQ(page["NextMarker"], "next");
  for (const auto* member : {"State", "StateReason", "LastUpdateStatus", "RuntimeVersionConfig"})
    EXPECT_FALSE(page["Functions"][0].contains(member)) << member;
  EXPECT_FALSE(json::parse(function_list_body({}, around, "")).contains("NextMarker"));
  EXPECT_EQ(versions["Versions"][0]["FunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST");
}

TEST(LambdaAnswersTest, ErrorsSpellTheirMessageAsTheModelDoes) {
  const auto missing = error_reply(function_not_found("arn"), "id");
  const auto conflict = error_reply(update_in_progress("arn"), "id");
  const auto fault = error_reply(validation_fault("0", "timeout", "x"), "id");
  const auto slow = error_reply(throttled("ConcurrentInvocationLimitExceeded"), "id");

  EXPECT_EQ(missing.body_view(), R"({"Type":"User","Message":"Function not found: arn"})");
  EXPECT_NE(missing.fields.find("x-amzn-errortype: ResourceNotFoundException\r\n"), std::string::npos);
  EXPECT_NE(missing.fields.find("x-amzn-requestid: id\r\n"), std::string::npos);
  EXPECT_TRUE(json::parse(conflict.body_view()).contains("message"));
  EXPECT_FALSE(json::parse(fault.body_view()).contains("Type"));
  EXPECT_EQ(slow.body_view(),
            R"({"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})");
  EXPECT_EQ(slow.status, 429u);
  EXPECT_NE(slow.fields.find("retry-after: 1\r\n"), std::string::npos);
}

TEST(LambdaAnswersTest, EachReasonOfARefusedChangeHasItsError) {
  const auto of = [](actors::denial denied, errc code) {
    actors::deployment_result result;
    result.failed = true;
    result.denied = denied;
    result.why = {code, "why"};
    const auto answer = deployment_error(result, "hello", "arn");
    return std::to_string(answer.status) + " " + answer.type;
  };
  using actors::denial;

  EXPECT_EQ(of(denial::exists, errc::conflict), "409 ResourceConflictException");
  EXPECT_EQ(of(denial::busy, errc::conflict), "409 ResourceConflictException");
  EXPECT_EQ(of(denial::changed, errc::conflict), "412 PreconditionFailedException");
  EXPECT_EQ(of(denial::none, errc::conflict), "409 ResourceConflictException");
  EXPECT_EQ(of(denial::none, errc::no_such_function), "404 ResourceNotFoundException");
  EXPECT_EQ(of(denial::none, errc::bad_usage), "400 InvalidParameterValueException");
  EXPECT_EQ(of(denial::none, errc::too_big), "400 InvalidParameterValueException");
  EXPECT_EQ(of(denial::none, errc::overloaded), "429 TooManyRequestsException");
  EXPECT_EQ(of(denial::none, errc::unavailable), "503 ServiceException");
  EXPECT_EQ(of(denial::none, errc::full), "500 ServiceException");
  EXPECT_EQ(of(denial::none, errc::unknown_outcome), "500 ServiceException");
}

TEST(LambdaAnswersTest, TriesOfOneRequestHaveOneKey) {
  const auto key = [](std::string_view id, std::string_view authorization, std::string_view body) {
    functions::http_request request;
    request.method = "POST";
    request.target = "/2015-03-31/functions";
    if (!id.empty())
      request.fields.push_back({"amz-sdk-invocation-id", id});
    request.fields.push_back({"Authorization", authorization});
    request.body.append(body);
    return retry_key_of(request);
  };
  constexpr auto* first = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/aws4_request, Signature=1";
  constexpr auto* second = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/aws4_request, Signature=2";

  EXPECT_EQ(key("", first, "x"), std::nullopt);
  EXPECT_EQ(key("id", first, "x"), key("id", second, "x"));
  EXPECT_NE(key("id", first, "x"), key("id", first, "y"));
  EXPECT_NE(key("id", first, "x"), key("di", first, "x"));
  EXPECT_NE(key("id", first, "x"), key("id", "AWS4-HMAC-SHA256 Credential=OTHER/1", "x"));
}
