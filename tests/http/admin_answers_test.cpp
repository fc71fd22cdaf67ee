#include "http/admin_answers.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

namespace {

cluster::function_record record() {
  cluster::function_record function;
  function.name = "hello";
  function.version = 3;
  function.runtime = "nodejs";
  function.handler = "index.handler";
  function.form = "folder";
  function.code = sha256("x");
  function.code_bytes = 17;
  function.environment = {{"STAGE", "test"}};
  function.modified_unix_ms = 1'700'000'000'123;
  return function;
}

const std::vector<cluster::route_record> all_routes{{"default", "GET /a", "hello"}, {"default", "GET /b", "other"}};

}  // namespace

TEST(AdminAnswersTest, DescribesAFunctionWithItsOwnRoutes) {
  const auto body = json::parse(function_body(record(), all_routes, {2, 1}));

  EXPECT_EQ(
      body,
      json::parse(
          R"({"name":"hello","version":3,"runtime":"nodejs","handler":"index.handler","form":"folder",
    "code_sha256":")" +
          to_string(sha256("x")) +
          R"(","code_bytes":17,"timeout_ms":3000,"memory_mb":128,"concurrency":1,"min_instances":0,"max_instances":0,
    "idempotent":false,    "environment":{"STAGE":"test"},"routes":["GET /a"],"instances":{"ready":2,"starting":1},
    "modified_unix_ms":1700000000123})"));
}

TEST(AdminAnswersTest, SaysWhatADeploymentDid) {
  const auto body = json::parse(deployed_body(record(), all_routes, {1, 0}, {false, 212, true}));

  EXPECT_EQ(body["name"], "hello");
  EXPECT_EQ(body["created"], false);
  EXPECT_EQ(body["started"], true);
  EXPECT_EQ(body["start_ms"], 212);
  EXPECT_EQ(body["cold"], true);
  EXPECT_FALSE(body.contains("copies")) << "the node has no cluster";
  EXPECT_FALSE(body.contains("laggards")) << "the node has no cluster";
  const auto alone = json::parse(deployed_body(record(), all_routes, {1, 0}, {true, 1, true, 1, {{"n2", "n3"}}}));
  EXPECT_EQ(alone["copies"], 1);
  EXPECT_EQ(alone["alone"], true);
  EXPECT_EQ(alone["laggards"], json({"n2", "n3"}));
  const auto spread = json::parse(deployed_body(record(), all_routes, {1, 0}, {true, 1, true, 2, {{}}}));
  EXPECT_EQ(spread["alone"], false);
  EXPECT_EQ(spread["laggards"], json::array());
}

TEST(AdminAnswersTest, ListsAreObjectsThatCanGrow) {
  const std::vector<cluster::function_record> functions{record()};
  const std::vector<instance_counts> instances{{1, 0}};
  const std::vector<digest> missing{sha256("x")};

  EXPECT_EQ(json::parse(functions_body(functions, all_routes, instances))["functions"][0]["routes"][0], "GET /a");
  EXPECT_EQ(functions_body({}, {}, {}), "{\"functions\":[]}\n");
  EXPECT_EQ(json::parse(routes_body(all_routes))["routes"][1],
            json({{"api", "default"}, {"route", "GET /b"}, {"function", "other"}}));
  EXPECT_EQ(json::parse(missing_body(missing))["missing"][0], to_string(sha256("x")));
  EXPECT_EQ(removed_body("hello", {}), "{\"removed\":\"hello\"}\n");
  EXPECT_EQ(removed_body("hello", std::vector<std::string>{"n2"}), "{\"removed\":\"hello\",\"laggards\":[\"n2\"]}\n");
  EXPECT_EQ(json::parse(stored_body(sha256("x"), 1))["size"], 1);
  EXPECT_EQ(json::parse(node_body({"n", "ready", {"127.0.0.1:8080"}, "127.0.0.1:9001", "b"}))["addresses"]["http"][0],
            "127.0.0.1:8080");
}

TEST(AdminAnswersTest, ErrorsCarryTheirCodeAndAreAlwaysJson) {
  const auto body = json::parse(error_body({errc::conflict, "bytes \xff of a stranger"}));

  EXPECT_EQ(body["error"]["code"], "conflict");
  EXPECT_EQ(body["error"]["message"], "bytes \xef\xbf\xbd of a stranger");
  const std::vector<digest> missing{sha256("x")};
  EXPECT_EQ(json::parse(missing_blobs_error_body(missing))["error"]["missing"].size(), 1u);
}

TEST(AdminAnswersTest, StatusesTellWhoIsAtFault) {
  EXPECT_EQ(admin_status_of(errc::bad_usage), 400u);
  EXPECT_EQ(admin_status_of(errc::refused), 409u);
  EXPECT_EQ(admin_status_of(errc::no_such_function), 404u);
  EXPECT_EQ(admin_status_of(errc::too_big), 413u);
  EXPECT_EQ(admin_status_of(errc::init_failed), 422u);
  EXPECT_EQ(admin_status_of(errc::full), 507u);
  EXPECT_EQ(admin_status_of(errc::draining), 503u);
  EXPECT_EQ(admin_status_of(errc::bug), 500u);
  EXPECT_EQ(admin_status_of(static_cast<errc>(250)), 500u);
}
