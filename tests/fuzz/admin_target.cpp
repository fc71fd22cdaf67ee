// Requests to troupe's own API on the admin port: each becomes something to do or a refusal that a client can read;
// what is accepted keeps its limits.
#include <algorithm>
#include <tuple>

#include "config/text.hpp"
#include "http/admin_answers.hpp"
#include "http/admin_api.hpp"
#include "http/admin_origin.hpp"
#include "http/json_grammar.hpp"
#include "http/merged_journals.hpp"
#include "http/route_table.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::http;

namespace {

enum outcome : std::size_t { understood, refused, deployment, digests, position, own_origin };

void check_refusal(const admin_refusal& why) {
  happened(refused);
  require(why.status >= 400 && why.status < 500, "a refusal blames the client");
  require((why.status == 405) == !why.allow.empty(), "405 says what is allowed, and only 405");
  require(admin_status_of(why.why.code) >= 400, "a refusal is no success");
  const auto body = parse_written_json(error_body(why.why), "a refusal is JSON");
  require(!body["error"].empty(), "a refusal says why");
}

void check_deployment(const deploy_function& wanted) {
  happened(deployment);
  require(functions::check(wanted.spec).has_value(), "a deployment's function is one");
  require(wanted.routes.size() <= 40, "a deployment has no more routes than a commit takes");
  for (const auto& key : wanted.routes)
    require(parse_route_key(key).has_value(), "a deployment's routes are some");
  if (const auto* package = std::get_if<functions::manifest>(&wanted.code)) {
    const auto again = functions::parse_manifest(package->encode());
    require(again && again->entries() == package->entries() && again->code() == wanted.spec.code,
            "a manifest that is written again is the same");
  }
  if (wanted.source)
    require(wanted.source->root.starts_with('/'), "a source is an absolute path");
}

void check_position(std::string_view query) {
  const auto read = parse_event_position(query);
  if (!read) {
    require(is_utf8(read.error().what), "a refusal can be shown");
    return;
  }
  if (!read->empty())
    happened(position);
  const auto again = read->empty() ? event_position{} : *parse_event_position("from=" + to_string(*read));
  require(again == *read, "a position that is written again is the same");
}

void check_origin(std::string_view host, std::string_view origin) {
  static const std::vector<std::string> names = {"node.example"};
  if (!check_admin_origin(host, origin, names))
    return;
  happened(own_origin);
  const auto name = to_lower(host);
  require(name.starts_with("127.") || name.starts_with("[") || name.starts_with("localhost") ||
              name.starts_with("node.example"),
          "only names of this machine are answered");
  require(origin.empty() || to_lower(origin).ends_with("//" + name), "only pages of this port are answered");
}

constexpr auto deployment_body =
    R"({"code":{"manifest":[{"path":"index.mjs","mode":"0644","size":3,)"
    R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},{"path":"l/m","link":"../index.mjs"}]},)"
    R"("runtime":"nodejs20.x","handler":"index.handler","routes":["GET /pets/{id}","$default"],"timeout_ms":3000,)"
    R"("concurrency":1,"memory_mb":128,"min_instances":0,"max_instances":2,"idempotent":true,)"
    R"("environment":{"NAME":"value"},"source":{"root":"/home","boot_id":"x"}})";

std::string seed(std::string method, std::string path, std::string query = {}, std::string body = {},
                 std::string host = "localhost", std::string origin = {}) {
  return join_parts(
      {std::move(method), std::move(path), std::move(query), std::move(host), std::move(origin), std::move(body)});
}

}  // namespace

const target& fuzz::this_target() {
  static const auto digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  static const target what{
      .seeds = {seed("PUT", "/v1/functions/hello", "", deployment_body, "127.0.0.1:9090", "http://127.0.0.1:9090"),
                seed("PUT", "/v1/functions/n", "",
                     std::string{R"({"code":{"object":")"} + digest + R"("},"no_route":true,"runtime":"native"})"),
                seed("PUT", "/v1/functions/z", "",
                     std::string{R"({"code":{"zip":")"} + digest + R"("},"runtime":"python3.11","handler":"a.b"})"),
                seed("POST", "/v1/blobs/missing", "", std::string{R"({"digests":[")"} + digest + R"("]})", "[::1]:1"),
                seed("PUT", std::string{"/v1/blobs/"} + digest),
                seed("GET", "/v1/functions/a/logs", "from=0123456789abcdef:7,fedcba9876543210:18446744073709551615"),
                seed("GET", "/v1/events", "from=0123456789abcdef:0"), seed("DELETE", "/v1/functions/a-b_C"),
                seed("DELETE", "/v1/nodes/a.b"), seed("POST", "/v1/store/move", "", R"({"to":"node-2"})"),
                seed("GET", "/v1/store/backup", "", "", "node.example", "https://node.example")},
      .words = {"/v1/",
                "functions",
                "blobs",
                "missing",
                "routes",
                "node",
                "nodes",
                "events",
                "store",
                "move",
                "/",
                "%2F",
                "%00",
                "%ff",
                "GET",
                "PUT",
                "POST",
                "DELETE",
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "null",
                "true",
                "\"code\"",
                "\"manifest\"",
                "\"zip\"",
                "\"object\"",
                "\"path\"",
                "\"link\"",
                "\"mode\"",
                "\"0755\"",
                "\"size\"",
                "\"sha256\"",
                "\"routes\"",
                "\"no_route\":true",
                "\"runtime\"",
                "\"handler\"",
                "../",
                "..",
                "/etc",
                "\\u0000",
                "\\ud800",
                "from=",
                "0123456789abcdef:1",
                ",",
                "localhost",
                "127.0.0.1",
                "http://",
                "native",
                "nodejs",
                "-1",
                "4294967296",
                "\xff",
                "{\"digests\":[]}",
                "{\"to\":\"\"}"},
      .outcomes = {"requests", "refusals", "deployments", "lists of digests", "positions", "own origins"},
      .parts = 6};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = take_parts(text_of(data, size), 6);
  const auto& [method, path, query, host, origin, body] =
      std::tie(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
  check_position(query);
  check_origin(host, origin);
  const auto request = parse_admin_request(method, path, body);
  if (!request) {
    check_refusal(request.error());
    return 0;
  }
  happened(understood);
  if (method == "POST" || (method == "PUT" && path.find("/functions/") != path.npos))
    require(!json_fault_at(without_mark(body)), "a body that is accepted is JSON");
  if (const auto* deployed = std::get_if<deploy_function>(&*request))
    check_deployment(*deployed);
  if (const auto* wanted = std::get_if<ask_missing_blobs>(&*request)) {
    happened(digests);
    require(std::is_sorted(wanted->digests.begin(), wanted->digests.end()), "digests come in order");
  }
  return 0;
}
