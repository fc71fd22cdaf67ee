// Requests to the AWS Lambda API on the admin port: each becomes a call or an error in Lambda's form; what is accepted
// can be stored and told again.
#include <algorithm>

#include "cluster/record_codec.hpp"
#include "config/text.hpp"
#include "http/control_api/lambda_answers.hpp"
#include "http/control_api/lambda_body.hpp"
#include "http/control_api/lambda_invoke.hpp"
#include "http/control_api/lambda_request.hpp"
#include "http/control_api/retry_key.hpp"
#include "http/json_grammar.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/reply_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::http;

namespace {

enum outcome : std::size_t { named, unknown, created, bad_body, invoked, bad_payload, tagged };

constexpr auto call_id = "00000000-0000-4000-8000-000000000000";

const lambda_surroundings& around() {
  static const lambda_surroundings known = [] {
    lambda_surroundings made;
    made.place = {"us-east-1", "000000000000"};
    made.programs.node = "/usr/bin/node";
    made.programs.python = "/usr/bin/python3";
    return made;
  }();
  return known;
}

void check_error(const lambda_error& why) {
  require(why.status >= 400 && why.status < 600 && !why.type.empty(), "an error has a status and a type");
  const auto answer = error_reply(why, call_id);
  check_reply(answer);
  parse_written_json(answer.body_view(), "an error is JSON");
}

void check_change(const cluster::function_change& change) {
  cluster::function_record record;
  record.name = "f";
  apply(change, record);
  cluster::record stored{cluster::function_key(record.name), cluster::encode(record), 1};
  require(stored.value.size() <= cluster::max_record_bytes, "what was accepted fits into a record");
  const auto read = cluster::decode_function(stored);
  require(read && read->environment == record.environment && read->tags == record.tags &&
              read->description == record.description && read->handler == record.handler,
          "what was accepted is stored as it is");
  parse_written_json(configuration_body_of({record}, {around().place, {}}), "a configuration is JSON");
  parse_written_json(tags_body(record), "tags are JSON");
}

void check_bodies(std::string_view body) {
  const auto create = parse_create(body, around());
  happened(create ? created : bad_body);
  require(!create || !json_fault_at(without_mark(body)), "a body that is accepted is JSON");
  if (create) {
    check_change(create->change);
    require(create->code.bytes && !create->code.bytes->empty() && create->code.bytes->size() <= max_zip_bytes,
            "an archive has a size that is allowed");
    require(!create->function.name.empty() && create->function.name.size() <= 64, "a function has a name");
  } else {
    check_error(create.error());
  }
  if (const auto code = parse_code(body))
    check_change(code->change);
  else
    check_error(code.error());
  if (const auto configuration = parse_configuration(body, around()))
    check_change(configuration->change);
  else
    check_error(configuration.error());
  if (const auto tags = parse_tags(body)) {
    happened(tagged);
    check_change(*tags);
  } else {
    check_error(tags.error());
  }
}

void check_invoke(std::string_view context, std::string_view kind, std::string_view body) {
  functions::http_request request;
  request.method = "POST";
  request.target = request.path = "/2015-03-31/functions/f/invocations";
  request.fields = {{"X-Amz-Client-Context", context},
                    {"X-Amz-Invocation-Type", kind},
                    {"X-Amz-Log-Type", "Tail"},
                    {"amz-sdk-invocation-id", kind},
                    {"authorization", context}};
  request.body.append(body);
  require(retry_key_of(request).has_value() == !kind.empty(), "a request with an id has a key");
  const auto wanted = parse_invoke(request);
  if (!wanted) {
    happened(bad_payload);
    return check_error(wanted.error());
  }
  happened(invoked);
  require(is_utf8(wanted->payload) && is_utf8(wanted->client_context), "what goes to a worker is UTF-8");
  require(wanted->client_context.empty() || wanted->client_context.size() <= 3583, "a context has a limit");
}

std::string seed(std::string method, std::string target, std::string query, std::string body, std::string context = {},
                 std::string kind = {}) {
  return join_parts(
      {std::move(method), std::move(target), std::move(query), std::move(context), std::move(kind), std::move(body)});
}

constexpr auto creation =
    R"({"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:hello","Runtime":"nodejs20.x",)"
    R"("Role":"arn:aws:iam::000000000000:role/r","Handler":"index.handler","Timeout":5,"MemorySize":256,)"
    R"("Code":{"ZipFile":"emlw"},"Publish":false,"PackageType":"Zip","Description":"\u00e4","Architectures":["arm64"],)"
    R"("Environment":{"Variables":{"NAME":"value"}},"Tags":{"a":"b"},"TracingConfig":{"Mode":"Active"},)"
    R"("EphemeralStorage":{"Size":512},"LoggingConfig":{"LogFormat":"Text"},"Layers":[],"VpcConfig":{"SubnetIds":[]}})";

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {seed("POST", "/2015-03-31/functions", "", creation),
                seed("PUT", "/2015-03-31/functions/hello/code", "",
                     R"({"ZipFile":"emlw","DryRun":true,"RevisionId":"x"})"),
                seed("POST", "/2015-03-31/functions/000000000000:hello/invocations", "Qualifier=%24LATEST",
                     R"({"a":[1]})", "eyJjdXN0b20iOnt9fQ==", "RequestResponse"),
                seed("GET", "/2015-03-31/functions/", "Marker=YWZ0ZXI6aGVsbG8=&MaxItems=7", "", "", "DryRun"),
                seed("DELETE", "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:f",
                     "tagKeys=a&tagKeys=b", R"({"Tags":{"a":"b","c":""}})"),
                seed("GET", "/2015-03-31/functions/us-east-1:000000000000:function:f:$LATEST/configuration", "", "")},
      .words = {"/2015-03-31/",
                "functions",
                "/invocations",
                "/versions",
                "/code",
                "/configuration",
                "/2017-03-31/tags/",
                "/2016-08-19/account-settings",
                "arn:",
                "arn:aws:lambda:",
                "us-east-1:",
                "000000000000:",
                "function:",
                ":$LATEST",
                ":",
                "%3A",
                "/",
                "%2F",
                "%00",
                "%ff",
                "Marker=",
                "MaxItems=",
                "Qualifier=",
                "tagKeys=",
                "&",
                "{",
                "}",
                "[",
                "]",
                ",",
                "\"",
                "null",
                "true",
                "-1",
                "0",
                "901",
                "\"FunctionName\"",
                "\"Runtime\"",
                "python3.11",
                "nodejs",
                "\"Handler\"",
                "\"Role\"",
                "\"Code\"",
                "\"ZipFile\"",
                "\"S3Bucket\":\"b\"",
                "\"Timeout\"",
                "\"Environment\"",
                "\"Variables\"",
                "\"Tags\"",
                "\"aws:x\":\"\"",
                "\"Layers\":[1]",
                "\"ImageConfig\":{\"a\":1}",
                "\"DeadLetterConfig\":{\"TargetArn\":\"x\"}",
                "\"SnapStart\":{\"ApplyOn\":1}",
                "\\u0000",
                "\\ud800",
                "\xff",
                "Event",
                "GET",
                "POST",
                "PUT",
                "DELETE"},
      .outcomes = {"calls", "unknown calls", "creations", "bad bodies", "invocations", "bad payloads", "tags"},
      .parts = 6};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = take_parts(text_of(data, size), 6);
  const auto& path = parts[1];
  require(!is_lambda_path(path) || path.starts_with('/'), "the API's paths are paths");
  if (path.starts_with('/')) {
    const auto call = parse_lambda_request(parts[0], path, parts[2], around().place);
    happened(call ? named : unknown);
    if (!call)
      check_error(call.error());
    else if (!call->page.after.empty())
      require(base64_decode(marker_of(call->page.after)) == "after:" + call->page.after, "a marker comes back");
  }
  check_invoke(parts[3], parts[4], parts[5]);
  check_bodies(parts[5]);
  return 0;
}
