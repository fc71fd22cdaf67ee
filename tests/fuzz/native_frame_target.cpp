// What goes between a node and the workers of native functions, and between a node and its spawner: what is accepted is
// written again as the same bytes' meaning, and a response never adds a line to a head.
#include <algorithm>

#include "functions/native_frame.hpp"
#include "functions/spawner_wire.hpp"
#include "http/lambda_reply.hpp"
#include "tests/fuzz/reply_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::functions;

namespace {

enum outcome : std::size_t { requests, answers, replies, spawner_requests, spawner_events, nothing };

std::string_view view_of(const troupe_bytes& bytes) {
  return {bytes.data, bytes.size};
}

std::vector<header_field> fields_of(const troupe_field* fields, std::size_t count) {
  std::vector<header_field> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({view_of(fields[i].name), view_of(fields[i].value)});
  return out;
}

void check_request(std::string_view payload) {
  const auto read = read_native_request(payload);
  if (!read)
    return;
  happened(requests);
  require(read->raw.header_count + read->raw.parameter_count <= payload.size() / 2, "no more fields than bytes");
  if (read->request_id.size() != request_id{}.chars.size())
    return;  // `append_native_request` writes none of another size
  auto http = std::make_shared<http_request>();
  invocation call;
  auto spec = std::make_shared<function_spec>();
  spec->version = read->function_version;
  call.function = spec;
  std::copy(read->request_id.begin(), read->request_id.end(), call.request_id.chars.begin());
  http->method = view_of(read->raw.method);
  http->path = view_of(read->raw.raw_path);
  http->query = view_of(read->raw.raw_query);
  http->peer_address = view_of(read->raw.source_ip);
  http->fields = fields_of(read->raw.headers, read->raw.header_count);
  http->body.append(view_of(read->raw.body));
  call.route_key = std::make_shared<const std::string>(view_of(read->raw.route_key));
  for (const auto& each : fields_of(read->raw.parameters, read->raw.parameter_count))
    call.parameters.emplace_back(each.name, each.value);
  if (read->raw.is_http == 0)
    return;
  call.request = std::move(http);
  buffer again;
  append_native_request(again, call);
  const auto reread = read_native_request(again.view());
  require(reread.has_value(), "a request that is written again is read");
  require(reread->raw.header_count == read->raw.header_count && view_of(reread->raw.body) == view_of(read->raw.body) &&
              view_of(reread->raw.raw_path) == view_of(read->raw.raw_path) &&
              reread->function_version == read->function_version,
          "a request that is written again is the same");
}

void check_answer(std::string_view payload) {
  auto read = read_native_answer(payload);
  if (!read)
    return;
  happened(answers);
  buffer again;
  append_native_answer(again, *read);
  const auto reread = read_native_answer(again.view());
  require(reread && reread->status == read->status && reread->headers == read->headers &&
              reread->body.view() == read->body.view(),
          "an answer that is written again is the same");
  const auto reply = http::make_reply(std::move(*read));
  if (!reply)
    return;
  happened(replies);
  check_reply(*reply);
}

std::string encoded(const spawner_request& message) {
  return std::visit([](const auto& each) { return encode(each); }, message);
}

void check_spawner(std::string_view bytes) {
  const auto request = decode_request(bytes);
  const auto event = decode_event(bytes);
  happened(request ? spawner_requests : event ? spawner_events : nothing);
  if (request)
    require(encoded(*request) == bytes, "a spawner's request is written in one way");
  if (event)
    require(encode(*event) == bytes, "a spawner's event is written in one way");
}

std::string request_seed() {
  static const http_request_ptr request = [] {
    auto made = std::make_shared<http_request>();
    made->method = "POST";
    made->path = "/pets/7";
    made->query = "a=b";
    made->fields = {{"Host", "a"}, {"X-Empty", ""}};
    made->peer_address = "192.0.2.1";
    made->body.append("body");
    return made;
  }();
  invocation call;
  call.function = std::make_shared<const function_spec>();
  call.request = request;
  call.route_key = std::make_shared<const std::string>("POST /pets/{id}");
  call.parameters = {{"id", "7"}};
  buffer out;
  append_native_request(out, call);
  return std::string{out.view()};
}

std::string answer_seed(unsigned status, std::vector<std::pair<std::string_view, std::string_view>> headers) {
  native_response response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = foreign_bytes{std::string{"a body"}};
  buffer out;
  append_native_answer(out, response);
  return std::string{out.view()};
}

std::string spawn_seed() {
  spawn_request request;
  request.token = 7;
  request.arguments = {"/usr/bin/node", "shim.cjs"};
  request.environment = {"PATH=/bin", "A="};
  request.family_mark = "TROUPE_FAMILY=1";
  request.directory = "/tmp";
  return encode(request);
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {request_seed(), answer_seed(200, {{"content-type", "text/plain"}, {"x-a", ""}}), answer_seed(204, {}),
                spawn_seed(), encode(kill_request{1234, 9, kill_scope::process}),
                encode(spawner_event{worker_spawned{7, 1234}}),
                encode(spawner_event{spawn_failed{7, 2, "no such file"}}),
                encode(spawner_event{worker_exited{7, 1234, 9, 1000, 2000}})},
      .words = {"\xc0", "\xc4\x01x", std::string("\xc4\0", 2), "\xc5\xff\xff", "\xc6\xff\xff\xff\xff", "\xcc\xc8",
                "\xcd\x01\xf4", "\xce\xff\xff\xff\xff", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                std::string("\x01\0\0\0", 4), "\xff\xff\xff\xff", "\xc4\x02\r\n", "\xc4\x0ftransfer-encoding", "\x7f",
                std::string(1, '\0'), "\x02"},
      .outcomes = {"requests", "answers", "replies", "spawner's requests", "spawner's events", "neither"},
      .max_bytes = 600};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  check_request(bytes);
  check_answer(bytes);
  check_spawner(bytes);
  return 0;
}
