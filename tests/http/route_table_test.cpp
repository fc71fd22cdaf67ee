#include "http/route_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace {

std::shared_ptr<const route_table> table_of(const std::vector<std::string>& keys) {
  std::vector<route> routes;
  for (const auto& key : keys)
    routes.push_back({std::make_shared<const std::string>(key), nullptr});
  auto built = route_table::build(std::move(routes));
  for (const auto& fault : built.rejected)
    ADD_FAILURE() << fault.what;
  return built.table;
}

/// The key of the route that answers, then its parameters as ` name=value`; empty when none does.
std::string answer(const route_table& table, std::string_view method, std::string_view path) {
  functions::path_parameters parameters = {{"left", "over"}};
  const auto* route = table.match(method, path, parameters);
  if (route == nullptr)
    return parameters.empty() ? "" : "parameters without a route";
  auto text = *route->key;
  for (const auto& [name, value] : parameters)
    text.append(" ").append(name).append("=").append(value);
  return text;
}

std::string fault_of(std::string_view key) {
  const auto parsed = parse_route_key(key);
  if (parsed)
    return "";
  EXPECT_EQ(parsed.error().code, errc::bad_usage);
  EXPECT_NE(parsed.error().what.find(key.substr(0, 60)), std::string::npos) << parsed.error().what;
  return parsed.error().what;
}

}  // namespace

TEST(RouteTableTest, FollowsTheDocumentedExample) {
  const auto table =
      table_of({"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"});
  EXPECT_EQ(answer(*table, "GET", "/pets/dog/1"), "GET /pets/dog/1");
  EXPECT_EQ(answer(*table, "GET", "/pets/dog/2"), "GET /pets/dog/{id} id=2");
  EXPECT_EQ(answer(*table, "GET", "/pets/cat/1"), "GET /pets/{proxy+} proxy=cat/1");
  EXPECT_EQ(answer(*table, "POST", "/test/5"), "ANY /{proxy+} proxy=test/5");
  EXPECT_EQ(answer(*table, "GET", "/"), "$default");
}

TEST(RouteTableTest, TheOwnMethodBeatsAnyBeforeThePathIsLookedAt) {
  const auto table = table_of({"ANY /pets/dog", "GET /pets/{id}"});
  EXPECT_EQ(answer(*table, "GET", "/pets/dog"), "GET /pets/{id} id=dog");
  EXPECT_EQ(answer(*table, "PUT", "/pets/dog"), "ANY /pets/dog");
  EXPECT_EQ(answer(*table, "PUT", "/pets/cat"), "");
}

TEST(RouteTableTest, AFullMatchBeatsAGreedyOneWhateverTheMethod) {
  const auto table = table_of({"GET /pets/{proxy+}", "ANY /pets/{id}", "ANY /{proxy+}"});
  EXPECT_EQ(answer(*table, "GET", "/pets/dog"), "ANY /pets/{id} id=dog");
  EXPECT_EQ(answer(*table, "GET", "/pets/dog/1"), "GET /pets/{proxy+} proxy=dog/1");
  EXPECT_EQ(answer(*table, "PUT", "/pets/dog/1"), "ANY /{proxy+} proxy=pets/dog/1");
}

TEST(RouteTableTest, SegmentsDecideFromTheLeft) {
  const auto table =
      table_of({"GET /a/b/{c}", "GET /a/{b}/ccccc", "GET /x/{proxy+}", "GET /x/y/{proxy+}", "GET /{q}/y/z/{proxy+}"});
  EXPECT_EQ(answer(*table, "GET", "/a/b/ccccc"), "GET /a/b/{c} c=ccccc");
  EXPECT_EQ(answer(*table, "GET", "/a/q/ccccc"), "GET /a/{b}/ccccc b=q");
  EXPECT_EQ(answer(*table, "GET", "/x/y/z/1"), "GET /x/y/{proxy+} proxy=z/1");
  EXPECT_EQ(answer(*table, "GET", "/x/y"), "GET /x/{proxy+} proxy=y");
  EXPECT_EQ(answer(*table, "GET", "/w/y/z/1"), "GET /{q}/y/z/{proxy+} q=w proxy=1");
}

TEST(RouteTableTest, GoesBackWhenALiteralLeadsNowhere) {
  const auto table = table_of({"GET /a/b/c", "GET /{x}/b/d", "GET /a/{y}/e", "GET /{r+}"});
  EXPECT_EQ(answer(*table, "GET", "/a/b/d"), "GET /{x}/b/d x=a");
  EXPECT_EQ(answer(*table, "GET", "/a/b/e"), "GET /a/{y}/e y=b");
  EXPECT_EQ(answer(*table, "GET", "/a/b/f"), "GET /{r+} r=a/b/f");
}

TEST(RouteTableTest, RoutesThatShareAVariableKeepTheirOwnNames) {
  const auto table = table_of({"GET /u/{user}/posts", "GET /u/{id}/likes", "DELETE /u/{who}"});
  EXPECT_EQ(answer(*table, "GET", "/u/7/posts"), "GET /u/{user}/posts user=7");
  EXPECT_EQ(answer(*table, "GET", "/u/7/likes"), "GET /u/{id}/likes id=7");
  EXPECT_EQ(answer(*table, "DELETE", "/u/7"), "DELETE /u/{who} who=7");
}

TEST(RouteTableTest, SegmentsAreDecodedOnceAndNeverSeparatedByAnEscape) {
  const auto table = table_of({"GET /a/b", "GET /caf%C3%A9/{x}", "GET /v/{id}", "GET /w/{rest+}"});
  EXPECT_EQ(answer(*table, "GET", "/%61/b"), "GET /a/b");
  EXPECT_EQ(answer(*table, "GET", "/a%2Fb"), "");
  EXPECT_EQ(answer(*table, "GET", "/caf%c3%a9/1"), "GET /caf%C3%A9/{x} x=1");
  EXPECT_EQ(answer(*table, "GET", "/v/x%2Fy%20z%2541+%zz%"), "GET /v/{id} id=x/y z%41+%zz%");
  EXPECT_EQ(answer(*table, "GET", "/w/a%2Fb//c%20/"), "GET /w/{rest+} rest=a/b//c /");
}

TEST(RouteTableTest, EmptySegmentsAndTrailingSlashes) {
  const auto table = table_of({"GET /", "GET /pets", "GET /pets/{id}", "GET /dir/", "GET /g/{rest+}"});
  EXPECT_EQ(answer(*table, "GET", "/"), "GET /");
  EXPECT_EQ(answer(*table, "GET", "//"), "");
  EXPECT_EQ(answer(*table, "GET", "/pets/"), "");
  EXPECT_EQ(answer(*table, "GET", "//pets"), "");
  EXPECT_EQ(answer(*table, "GET", "/pets//"), "");
  EXPECT_EQ(answer(*table, "GET", "/dir/"), "GET /dir/");
  EXPECT_EQ(answer(*table, "GET", "/dir"), "");
  EXPECT_EQ(answer(*table, "GET", "/g"), "");
  EXPECT_EQ(answer(*table, "GET", "/g/"), "");
  EXPECT_EQ(answer(*table, "GET", "/g//"), "GET /g/{rest+} rest=/");
  EXPECT_EQ(answer(*table, "OPTIONS", "*"), "");
  EXPECT_EQ(answer(*table, "get", "/pets"), "");
}

TEST(RouteTableTest, ManyRoutesKeepTheirOwn) {
  std::vector<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    keys.push_back("ANY /f" + std::to_string(i));
    keys.push_back("ANY /f" + std::to_string(i) + "/{proxy+}");
  }
  const auto table = table_of(keys);
  EXPECT_EQ(table->size(), 4000u);
  EXPECT_EQ(answer(*table, "GET", "/f1234"), "ANY /f1234");
  EXPECT_EQ(answer(*table, "GET", "/f1999/x/y"), "ANY /f1999/{proxy+} proxy=x/y");
  EXPECT_EQ(answer(*table, "GET", "/f2000"), "");
}

TEST(RouteTableTest, ABadRouteIsLeftOutAndNamed) {
  const auto route_of = [](const char* key) { return route{std::make_shared<const std::string>(key), nullptr}; };
  const auto built =
      route_table::build({route_of("GET /a/{x}"), route_of("nonsense"), route_of("GET /a/{y}"), route_of("GET /b/{x+}"),
                          route_of("GET /b/{y+}"), route_of("GET /%63"), route_of("GET /c"), route_of("$default"),
                          route_of("$default"), route_of("PUT /a/{y}")});
  EXPECT_EQ(built.table->size(), 5u);
  ASSERT_EQ(built.rejected.size(), 5u);
  EXPECT_EQ(built.rejected[0].code, errc::bad_usage);
  EXPECT_EQ(built.rejected[1].code, errc::conflict);
  EXPECT_EQ(built.rejected[1].what, "route 'GET /a/{y}' selects the same requests as route 'GET /a/{x}'");
  EXPECT_EQ(answer(*built.table, "GET", "/a/1"), "GET /a/{x} x=1");
  EXPECT_EQ(answer(*built.table, "GET", "/c"), "GET /%63");
}

TEST(RouteKeyTest, AcceptsWhatApiGatewayWrites) {
  for (const std::string key : {"$default", "ANY /", "GET /pets/{id}", "POST /a-b_c.d~e/{user.id}/{proxy+}",
                                "PATCH /caf\xc3\xa9", "DELETE /a%20b", "HEAD /dir/", "OPTIONS /$x", "PUT /{a}"})
    EXPECT_EQ(fault_of(key), "") << key;
}

TEST(RouteKeyTest, RefusesWithOneClearLine) {
  for (const auto& [key, hint] : std::map<std::string, std::string>{{"", "allowed are"},
                                                                    {"/pets", "allowed are"},
                                                                    {"GET", "allowed are"},
                                                                    {"GET pets", "allowed are"},
                                                                    {"GET  /pets", "allowed are"},
                                                                    {"$Default", "allowed are"},
                                                                    {"get /x", "the method is one of"},
                                                                    {"CONNECT /x", "the method is one of"},
                                                                    {"GET /a//b", "empty segment"},
                                                                    {"GET //", "empty segment"},
                                                                    {"GET /a/{x}y", "whole segment"},
                                                                    {"GET /{a}{b}", "1 to 64"},
                                                                    {"GET /a}b", "whole segment"},
                                                                    {"GET /{", "whole segment"},
                                                                    {"GET /{}", "1 to 64"},
                                                                    {"GET /{+}", "1 to 64"},
                                                                    {"GET /{a b}", "1 to 64"},
                                                                    {"GET /{a+}/b", "last segment"},
                                                                    {"GET /{a+}/", "last segment"},
                                                                    {"GET /{a}/{a}", "appears twice"},
                                                                    {"GET /{a}/{a+}", "appears twice"},
                                                                    {"GET /a b", "%20"},
                                                                    {"GET /a?b", "?"},
                                                                    {"GET /a#b", "#"},
                                                                    {"GET /a%", "percent"},
                                                                    {"GET /%zz", "percent"},
                                                                    {"GET /%00", "%00"},
                                                                    {"GET /%ff", "UTF-8"},
                                                                    {"GET /\xff", "UTF-8"},
                                                                    {"GET /.", "never reach"},
                                                                    {"GET /a/%2e%2E", "never reach"},
                                                                    {"GET /" + std::string(2000, 'a'), "1024"},
                                                                    {"GET /{" + std::string(65, 'a') + "}", "1 to 64"}})
    EXPECT_NE(fault_of(key).find(hint), std::string::npos) << key << " -> " << fault_of(key);
  std::string deep = "GET ";
  for (int i = 0; i < 65; ++i)
    deep += "/a";
  EXPECT_NE(fault_of(deep).find("64 segments"), std::string::npos);
}

TEST(RouteKeyTest, IdentityIsEqualExactlyForRoutesThatSelectTheSame) {
  const auto identity = [](std::string_view key) { return identity_of(*parse_route_key(key)); };
  EXPECT_EQ(identity("GET /a/{x}/{r+}"), identity("GET /a/{y}/{s+}"));
  EXPECT_EQ(identity("GET /%61"), identity("GET /a"));
  EXPECT_NE(identity("GET /a"), identity("GET /a/"));
  EXPECT_NE(identity("GET /a/b"), identity("GET /a%2Fb"));
  EXPECT_NE(identity("GET /{x}"), identity("GET /%7B%7D"));
  EXPECT_NE(identity("GET /{x}"), identity("GET /{x+}"));
  EXPECT_NE(identity("GET /a"), identity("ANY /a"));
  EXPECT_NE(identity("$default"), identity("ANY /{x+}"));
}
