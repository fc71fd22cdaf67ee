// What crosses a link: invocations and outcomes, questions about code, how far a copy is. What is accepted means the
// same when it is written again; an event of a received call is JSON, a reply of a received outcome has a clean head.
#include <algorithm>

#include "actors/call_frame.hpp"
#include "cluster/code_frame.hpp"
#include "cluster/level_frame.hpp"
#include "functions/event.hpp"
#include "http/lambda_reply.hpp"
#include "http/outcome_reply.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/reply_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;

namespace {

enum outcome : std::size_t { http_calls, direct_calls, outcomes, replies, code_requests, code_answers, levels };

const time_point now{seconds{1'000'000}};
constexpr milliseconds wall{1'583'348'638'390};

actors::call_parts parts_of(std::string_view head, std::string_view body) {
  return {buffer{head}, buffer{body}};
}

std::string joined(const actors::call_parts& parts) {
  return join_parts({std::string{parts.head.view()}, std::string{parts.body.view()}});
}

void check_call(std::string_view head, std::string_view body) {
  auto read = actors::decode_call(parts_of(head, body), now, now + seconds{3});
  if (!read)
    return;
  auto& call = *read->call;
  happened(call.request ? http_calls : direct_calls);
  auto spec = std::make_shared<functions::function_spec>();
  spec->id = read->function;
  spec->version = read->version;
  call.function = std::move(spec);
  if (call.request) {
    buffer event;
    functions::append_event(event, call, {.wall = wall, .trace = functions::trace_id{call, wall}});
    parse_written_json(event.view(), "the event of a call from another node is JSON");
  }
  const auto again = actors::encode_call(call, now);
  const auto reread =
      actors::decode_call({buffer{again.head.view()}, buffer{again.body.view()}}, now, now + seconds{3});
  require(reread.has_value(), "a call that is written again is read");
  reread->call->function = call.function;
  require(joined(actors::encode_call(*reread->call, now)) == joined(again), "a call that is written again is the same");
}

void check_outcome(std::string_view head, std::string_view body) {
  auto read = actors::decode_outcome(parts_of(head, body));
  if (!read)
    return;
  happened(outcomes);
  auto again = actors::encode_outcome(**read);
  auto reread = actors::decode_outcome({buffer{again.head.view()}, buffer{again.body.view()}});
  require(reread.has_value(), "an outcome that is written again is read");
  require(joined(actors::encode_outcome(**reread)) == joined(again), "an outcome that is written again is the same");

  auto answered = actors::decode_outcome(parts_of(head, body));
  std::string timing;
  http::append_timing(timing, **answered);
  auto& value = (*answered)->value;
  expected<http::reply> reply = fail(errc::bug, {});
  if (const auto* failed = std::get_if<functions::failure>(&value))
    reply = http::error_reply(failed->code, http::error_mode::truthful);
  else if (auto* json = std::get_if<functions::json_answer>(&value))
    reply = http::make_reply(std::move(*json));
  else
    reply = http::make_reply(std::move(std::get<functions::native_response>(value)));
  if (!reply)
    return;
  happened(replies);
  reply->fields += timing;
  check_reply(*reply);
}

template <class Message>
void check_code(const expected<Message>& read, expected<Message> (*decode)(std::string_view, std::string_view),
                outcome kind) {
  if (!read)
    return;
  happened(kind);
  const auto again = cluster::encode(*read);
  const auto reread = decode(again.head.view(), again.body.view());
  require(reread && *reread == *read, "a message about code that is written again is the same");
}

void check_code_messages(std::string_view head, std::string_view body) {
  check_code(cluster::decode_code_request(head, body), &cluster::decode_code_request, code_requests);
  check_code(cluster::decode_code_piece(head, body), &cluster::decode_code_piece, code_answers);
  check_code(cluster::decode_code_absent(head, body), &cluster::decode_code_absent, code_answers);
  check_code(cluster::decode_code_stored(head, body), &cluster::decode_code_stored, code_answers);
}

void check_level(std::string_view head) {
  static_cast<void>(cluster::check_level_question(head));
  const auto read = cluster::decode_level(head);
  if (!read)
    return;
  happened(levels);
  const auto again = cluster::decode_level(cluster::encode(*read).view());
  require(again && *again == *read, "a level that is written again is the same");
}

std::shared_ptr<functions::invocation> sample_call() {
  auto made = std::make_shared<functions::invocation>();
  auto& call = *made;
  auto spec = std::make_shared<functions::function_spec>();
  spec->version = 3;
  call.function = std::move(spec);
  std::copy_n("abcdefghijklmno=", 16, call.request_id.chars.begin());
  call.arrived_at = now - milliseconds{12};
  call.trace = "Root=1-5e6722a7-cc56a7146db7ae02d4da47ea";
  call.client_context = "{}";
  call.json = "{\"a\":1}";
  return made;
}

std::string http_call_seed() {
  auto request = std::make_shared<functions::http_request>();
  request->head.append("POST /pets/7?x=1 HTTP/1.1\r\nHost: a\r\nX-A: \xe9\r\nCookie: a=b\r\n\r\n");
  const auto head = request->head.view();
  const auto part = [&](std::string_view text) { return head.substr(head.find(text), text.size()); };
  request->method = part("POST");
  request->target = part("/pets/7?x=1");
  request->path = part("/pets/7");
  request->query = part("x=1");
  request->fields = {
      {part("Host"), part("a\r").substr(0, 1)}, {part("X-A"), part("\xe9")}, {part("Cookie"), part("a=b")}};
  request->body.append("the body");
  request->peer_address = "192.0.2.1";
  request->local_port = 8080;
  const auto made = sample_call();
  auto& call = *made;
  call.request = std::move(request);
  call.route_key = std::make_shared<const std::string>("POST /pets/{id}");
  call.parameters.emplace_back(std::string_view{*call.route_key}.substr(12, 2), "7");
  return joined(actors::encode_call(call, now));
}

std::string native_outcome_seed() {
  functions::outcome result;
  functions::native_response response;
  response.headers = {{"content-type", "a/b"}, {"x-a", ""}};
  response.body = functions::foreign_bytes{std::string{"a body"}};
  result.value = std::move(response);
  result.ran = milliseconds{7};
  result.log_tail = "a line\n";
  return joined(actors::encode_outcome(result));
}

std::string outcome_seed(decltype(functions::outcome::value) value) {
  functions::outcome result;
  result.value = std::move(value);
  result.log_tail = "tail";
  return joined(actors::encode_outcome(result));
}

std::string code_seed(const cluster::code_parts& parts) {
  return join_parts({std::string{parts.head.view()}, std::string{parts.body.view()}});
}

std::string level_seed() {
  const auto head = cluster::encode(cluster::copy_level{{3, 1ULL << 60}, {77}});
  return join_parts({std::string{head.view()}, ""});
}

}  // namespace

const target& fuzz::this_target() {
  static const digest blob = sha256("a");
  static const target what{
      .seeds = {http_call_seed(), joined(actors::encode_call(*sample_call(), now)), native_outcome_seed(),
                outcome_seed(functions::json_answer{buffer{R"({"statusCode":200,"headers":{"a":"b"}})"}}),
                outcome_seed(functions::failure{errc::function_crashed, "{}", "signal: killed"}),
                code_seed(cluster::encode(cluster::code_request{cluster::code_read{blob, 512, 1024}})),
                code_seed(cluster::encode(cluster::code_request{cluster::code_have{{blob, blob}}})),
                code_seed(cluster::encode(cluster::code_request{cluster::code_put{blob, 0, 10, "bytes"}})),
                code_seed(cluster::encode(cluster::code_piece{true, 10, "bytes"})),
                code_seed(cluster::encode(cluster::code_absent{{blob}, true})),
                code_seed(cluster::encode(cluster::code_stored{5, false})), level_seed()},
      .words = {"\xc0",
                "\xc4\x01x",
                std::string("\xc4\0", 2),
                "\xc5\xff\xff",
                "\xc6\xff\xff\xff\xff",
                "\xa1y",
                "\xd9\xff",
                "\xcc\xff",
                "\xcd\xff\xff",
                "\xce\xff\xff\xff\xff",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "\x94",
                "\x9f",
                "\r\n",
                "\"",
                "\\",
                "\xff",
                std::string(4, '\0'),
                "\x01",
                "\x02",
                "\x07"},
      .outcomes = {"calls with a request", "direct calls", "outcomes", "replies", "requests for code",
                   "answers with code", "levels"},
      .parts = 2,
      .max_bytes = 1500};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = take_parts(text_of(data, size), 2);
  check_call(parts[0], parts[1]);
  check_outcome(parts[0], parts[1]);
  check_code_messages(parts[0], parts[1]);
  check_level(parts[0]);
  return 0;
}
