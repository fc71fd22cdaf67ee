#include "http/admin_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const std::string x_digest = to_string(sha256("x"));

json manifest_json() {
  return json::array({{{"path", "index.js"}, {"mode", "0644"}, {"size", 1}, {"sha256", x_digest}}});
}

json deployment_json() {
  return {{"runtime", "nodejs20.x"}, {"handler", "index.handler"}, {"code", {{"manifest", manifest_json()}}}};
}

template <class Request>
Request parse_as(std::string_view method, std::string_view path, std::string_view body = {}) {
  auto parsed = parse_admin_request(method, path, body);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().why.what;
    return {};
  }
  auto* request = std::get_if<Request>(&*parsed);
  EXPECT_NE(request, nullptr) << "another request";
  return request != nullptr ? std::move(*request) : Request{};
}

admin_refusal refusal_of(std::string_view method, std::string_view path, std::string_view body = {}) {
  auto parsed = parse_admin_request(method, path, body);
  EXPECT_FALSE(parsed) << method << " " << path;
  return parsed ? admin_refusal{0, {}, {}} : parsed.error();
}

deploy_function deployment(const json& body) {
  return parse_as<deploy_function>("PUT", "/v1/functions/hello", body.dump());
}

std::string deployment_fault(const json& body) {
  const auto refused = refusal_of("PUT", "/v1/functions/hello", body.dump());
  EXPECT_EQ(refused.status, 400u);
  EXPECT_EQ(refused.why.code, errc::bad_usage);
  return refused.why.what;
}

/// The deployment with one member set.
json with(const std::string& name, const json& value) {
  auto body = deployment_json();
  body[name] = value;
  return body;
}

}  // namespace

TEST(AdminApiTest, TellsRequestsApart) {
  EXPECT_EQ(parse_as<store_blob>("PUT", "/v1/blobs/" + x_digest, "x").sha256, sha256("x"));
  parse_as<list_functions>("GET", "/v1/functions");
  EXPECT_EQ(parse_as<describe_function>("GET", "/v1/functions/hello").name, "hello");
  EXPECT_EQ(parse_as<remove_function>("DELETE", "/v1/functions/hel%6Co").name, "hello");
  EXPECT_EQ(parse_as<read_logs>("GET", "/v1/functions/hello/logs").name, "hello");
  parse_as<list_routes>("GET", "/v1/routes");
  parse_as<describe_node>("GET", "/v1/node");
  parse_as<list_nodes>("GET", "/v1/nodes");
  parse_as<read_events>("GET", "/v1/events");
  parse_as<back_up_store>("GET", "/v1/store/backup");
  EXPECT_EQ(parse_as<remove_node>("DELETE", "/v1/nodes/gate.a_1-x").name, "gate.a_1-x");
  EXPECT_EQ(parse_as<move_store>("POST", "/v1/store/move", R"({"to":"b"})").to, "b");
}

TEST(AdminApiTest, NamesFaultsOfRequestsAboutNodes) {
  EXPECT_EQ(refusal_of("POST", "/v1/nodes").allow, "GET");
  EXPECT_EQ(refusal_of("GET", "/v1/nodes/a").allow, "DELETE");
  EXPECT_EQ(refusal_of("GET", "/v1/store/move").allow, "POST");
  EXPECT_EQ(refusal_of("POST", "/v1/store").status, 404u);
  for (const auto& name : {std::string{"a%20b"}, std::string{"a%2Fb"}, std::string(65, 'a')})
    EXPECT_THAT(refusal_of("DELETE", "/v1/nodes/" + name).why.what, HasSubstr("node's name"));
  for (const auto* body : {"{}", R"({"to":1})", R"({"to":"a b"})", R"({"to":""})"})
    EXPECT_THAT(refusal_of("POST", "/v1/store/move", body).why.what, HasSubstr("'to'")) << body;
  EXPECT_THAT(refusal_of("POST", "/v1/store/move", R"({"to":"a","now":true})").why.what, HasSubstr("'now'"));
}

TEST(AdminApiTest, RefusesOtherPathsMethodsAndNames) {
  for (const auto* path :
       {"/", "", "v1/node", "/v1", "/v2/node", "/v1/node/", "/v1//node", "/v1/functions/a/b", "/v1/blobs"})
    EXPECT_EQ(refusal_of("GET", path).status, 404u) << path;
  EXPECT_EQ(refusal_of("POST", "/v1/functions/hello").status, 405u);
  EXPECT_EQ(refusal_of("POST", "/v1/functions/hello").allow, "GET, PUT, DELETE");
  EXPECT_EQ(refusal_of("GET", "/v1/blobs/missing").allow, "POST");
  EXPECT_EQ(refusal_of("DELETE", "/v1/routes").allow, "GET");
  EXPECT_THAT(refusal_of("GET", "/v1/functions/a%2Fb").why.what, HasSubstr("function name 'a/b'"));
  EXPECT_THAT(refusal_of("GET", "/v1/functions/a%20b/logs").why.what, HasSubstr("function name"));
  EXPECT_THAT(refusal_of("PUT", "/v1/blobs/abc").why.what, HasSubstr("64 hex digits"));
}

TEST(AdminApiTest, ReadsTheBlobsThatAreAskedFor) {
  const json body{{"digests", {to_string(sha256("b")), x_digest, x_digest}}};

  EXPECT_EQ(parse_as<ask_missing_blobs>("POST", "/v1/blobs/missing", body.dump()).digests.size(), 2u);

  const auto fault = [](const std::string& text) { return refusal_of("POST", "/v1/blobs/missing", text).why.what; };
  EXPECT_THAT(fault(""), HasSubstr("no body"));
  EXPECT_THAT(fault("{"), HasSubstr("not JSON"));
  EXPECT_THAT(fault("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(fault("{}"), HasSubstr("'digests'"));
  EXPECT_THAT(fault(R"({"digests":["x"]})"), HasSubstr("64 hex digits"));
  EXPECT_THAT(fault(R"({"digests":[1]})"), HasSubstr("64 hex digits"));
  EXPECT_THAT(fault(R"({"digests":[],"more":1})"), HasSubstr("unknown member 'more'"));
  EXPECT_THAT(fault(std::string(100'000, '[')), HasSubstr("nested too deeply"));
}

TEST(AdminApiTest, ReadsRequestsAboutSettings) {
  parse_as<show_settings>("GET", "/v1/config");
  parse_as<reload_settings>("POST", "/v1/config/reload");
  parse_as<reload_settings>("POST", "/v1/config/reload", "{}");

  EXPECT_EQ(refusal_of("POST", "/v1/config").allow, "GET");
  EXPECT_EQ(refusal_of("GET", "/v1/config/reload").allow, "POST") << "a GET changes nothing";
  EXPECT_THAT(refusal_of("POST", "/v1/config/reload", R"({"file":"x"})").why.what, HasSubstr("unknown member 'file'"));
  EXPECT_EQ(refusal_of("GET", "/v1/config/other").status, 404u);
}

TEST(AdminApiTest, FillsADeploymentWithDefaults) {
  const auto request = deployment(deployment_json());

  EXPECT_EQ(request.spec.name, "hello");
  EXPECT_EQ(request.spec.runtime, "nodejs20.x");
  EXPECT_EQ(request.spec.kind, functions::runtime_kind::node);
  EXPECT_EQ(request.spec.handler, "index.handler");
  EXPECT_EQ(request.spec.timeout, seconds{3});
  EXPECT_EQ(request.spec.memory_mb, 128u);
  EXPECT_EQ(request.spec.concurrency, 1u);
  EXPECT_THAT(request.spec.environment, IsEmpty());
  EXPECT_THAT(request.routes, ElementsAre("ANY /hello", "ANY /hello/{proxy+}"));
  EXPECT_FALSE(request.source);
  ASSERT_TRUE(std::holds_alternative<functions::manifest>(request.code));
  EXPECT_EQ(request.spec.code, std::get<functions::manifest>(request.code).code());
  EXPECT_EQ(request.spec.form, functions::code_form::folder);
}

TEST(AdminApiTest, ReadsEveryMemberOfADeployment) {
  const auto request = deployment({{"runtime", "nodejs"},
                                   {"handler", "src/app.run"},
                                   {"routes", {"GET /hello/{name}", "$default"}},
                                   {"environment", {{"STAGE", "test"}}},
                                   {"timeout_ms", 1500},
                                   {"concurrency", 10},
                                   {"memory_mb", 256},
                                   {"code", {{"zip", x_digest}}},
                                   {"source", {{"root", "/home/me/app.zip"}, {"boot_id", "b"}}}});

  EXPECT_THAT(request.routes, ElementsAre("GET /hello/{name}", "$default"));
  EXPECT_EQ(request.spec.environment.at("STAGE"), "test");
  EXPECT_EQ(request.spec.timeout, milliseconds{1500});
  EXPECT_EQ(request.spec.concurrency, 10u);
  EXPECT_EQ(request.spec.memory_mb, 256u);
  EXPECT_EQ(std::get<zip_code>(request.code).sha256, sha256("x"));
  ASSERT_TRUE(request.source);
  EXPECT_EQ(request.source->root, "/home/me/app.zip");
  EXPECT_EQ(request.source->boot_id, "b");
}

TEST(AdminApiTest, TakesSharedObjectsAsNative) {
  const auto request = deployment({{"code", {{"object", x_digest}}}, {"no_route", true}});

  EXPECT_EQ(request.spec.runtime, "native");
  EXPECT_EQ(request.spec.form, functions::code_form::object);
  EXPECT_EQ(request.spec.code, sha256("x"));
  EXPECT_THAT(request.routes, IsEmpty());
  EXPECT_THAT(deployment_fault({{"runtime", "nodejs"}, {"code", {{"object", x_digest}}}}), HasSubstr("shared object"));
  EXPECT_THAT(deployment_fault({{"runtime", "native"}, {"code", {{"zip", x_digest}}}}), HasSubstr("as 'object'"));
}

TEST(AdminApiTest, NamesTheMemberAtFault) {
  EXPECT_THAT(deployment_fault(with("memory", 1)), HasSubstr("unknown member 'memory'"));
  EXPECT_THAT(deployment_fault(with("handler", 1)), HasSubstr("'handler' is not a string"));
  EXPECT_THAT(deployment_fault(with("timeout_ms", "3s")),
              HasSubstr("'timeout_ms' is not a whole number of milliseconds"));
  EXPECT_THAT(deployment_fault(with("timeout_ms", 1.5)), HasSubstr("'timeout_ms'"));
  EXPECT_THAT(deployment_fault(with("timeout_ms", -1)), HasSubstr("'timeout_ms'"));
  EXPECT_THAT(deployment_fault(with("timeout_ms", 0)), HasSubstr("timeout 0 ms"));
  EXPECT_THAT(deployment_fault(with("concurrency", 4294967297ull)), HasSubstr("'concurrency'"));
  EXPECT_THAT(deployment_fault(with("memory_mb", 64)), HasSubstr("memory 64 MB"));
  EXPECT_THAT(deployment_fault(with("environment", json::array({1}))), HasSubstr("'environment'"));
  EXPECT_THAT(deployment_fault(with("environment", {{"A1", 1}})), HasSubstr("'A1' is not a string"));
  EXPECT_THAT(deployment_fault(with("environment", {{"AWS_REGION", "x"}})), HasSubstr("reserved"));
  EXPECT_THAT(deployment_fault(with("runtime", "cobol")), HasSubstr("runtime 'cobol'"));
  EXPECT_THAT(deployment_fault({{"code", {{"zip", x_digest}}}}), HasSubstr("'runtime' is missing"));
  EXPECT_THAT(deployment_fault({{"runtime", "nodejs"}, {"code", {{"zip", x_digest}}}}),
              HasSubstr("handler is missing"));
}

TEST(AdminApiTest, NamesFaultsOfRoutes) {
  EXPECT_THAT(deployment_fault(with("routes", json::array())), HasSubstr("1 to 40"));
  EXPECT_THAT(deployment_fault(with("routes", json(std::vector<std::string>(41, "GET /")))), HasSubstr("1 to 40"));
  EXPECT_THAT(deployment_fault(with("routes", {"GET x"})), HasSubstr("GET x"));
  EXPECT_THAT(deployment_fault(with("routes", {1})), HasSubstr("not a string"));
  EXPECT_THAT(deployment_fault(with("routes", {"GET /a/{x}", "GET /a/{y}"})), HasSubstr("twice"));
  EXPECT_THAT(deployment_fault(with("no_route", 1)), HasSubstr("'no_route'"));
  EXPECT_THAT(deployment_fault(with("idempotent", "yes")), HasSubstr("'idempotent' is neither true nor false"));
  auto both = with("routes", {"GET /"});
  both["no_route"] = true;
  EXPECT_THAT(deployment_fault(both), HasSubstr("exclude each other"));
}

TEST(AdminApiTest, NamesFaultsOfCodeAndSource) {
  EXPECT_THAT(deployment_fault({{"runtime", "nodejs"}}), HasSubstr("'code' is missing"));
  EXPECT_THAT(deployment_fault(with("code", json::object())), HasSubstr("exactly one of"));
  EXPECT_THAT(deployment_fault(with("code", {{"zip", x_digest}, {"object", x_digest}})), HasSubstr("exactly one of"));
  EXPECT_THAT(deployment_fault(with("code", {{"zip", "abc"}})), HasSubstr("'zip' is not 64 hex digits"));
  EXPECT_THAT(deployment_fault(with("code", {{"zip", x_digest}, {"git", "x"}})), HasSubstr("unknown member 'git'"));
  EXPECT_THAT(deployment_fault(with("code", {{"zipp", x_digest}})),
              testing::AllOf(HasSubstr("'code' needs exactly one"), HasSubstr("unknown member 'zipp'")));
  EXPECT_THAT(deployment_fault(with("code", "x")), HasSubstr("not a JSON object"));
  auto slip = manifest_json();
  slip[0]["path"] = "../x";
  EXPECT_THAT(deployment_fault(with("code", {{"manifest", slip}})), HasSubstr("'../x'"));
  EXPECT_THAT(deployment_fault(with("source", {{"root", "relative"}, {"boot_id", "b"}})), HasSubstr("absolute"));
  EXPECT_THAT(deployment_fault(with("source", {{"root", "/x"}})), HasSubstr("'boot_id' is missing"));
}

TEST(AdminApiTest, AnswersTooManyBytesWith413) {
  auto large = manifest_json();
  large[0]["size"] = functions::max_package_bytes + 1;

  EXPECT_EQ(refusal_of("PUT", "/v1/functions/hello", with("code", {{"manifest", large}}).dump()).status, 413u);
}
