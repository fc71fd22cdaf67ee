// What nodes tell each other on the control plane, reports of load among it: what is accepted is written again as the
// same and fits into an envelope; what a node makes of a stream of reports stays within its bounds.
#include <algorithm>

#include "actors/envelope_body.hpp"
#include "cluster/peer_status.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::actors;

namespace {

enum outcome : std::size_t {
  introductions,
  refusals,
  reports,
  spawns,
  answers,
  functions_told,
  drains,
  asked,
  events,
  incomplete,
  nothing
};

template <class Body>
bool check(std::string_view bytes, outcome kind) {
  const auto read = decode<Body>(bytes);
  if (!read) {
    require(read.error().code == errc::corrupt && !read.error().what.empty(), "a refusal says why");
    return false;
  }
  happened(kind);
  const auto again = encode(*read);
  require(again.size() <= max_envelope_bytes, "what was accepted fits into an envelope");
  const auto reread = decode<Body>(again);
  require(reread && *reread == *read, "what is written again is the same");
  return true;
}

/// Events may be left out to fit: those that are there come in order, and all of one number or none.
bool check_events(std::string_view bytes) {
  const auto read = decode<events_body>(bytes);
  if (!read)
    return false;
  happened(events);
  const auto again = encode(*read);
  require(again.size() <= max_envelope_bytes, "a page of events fits into an envelope");
  const auto reread = decode<events_body>(again);
  require(reread && reread->page.events.size() <= read->page.events.size() &&
              std::equal(reread->page.events.begin(), reread->page.events.end(), read->page.events.begin()),
          "events that are written again are the same");
  require(reread->page.more || reread->page.events.size() == read->page.events.size(), "what is left out is announced");
  return true;
}

/// A report as if others had come before it and came behind it.
void check_reports(const cluster::load_report& report) {
  const uuid node = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
  cluster::peer_status status;
  status.join(node, node);
  time_point now{seconds{1000}};
  for (int step = 0; step < 6; ++step) {
    auto next = report;
    next.sequence += static_cast<std::uint64_t>(step / 3);
    next.part = static_cast<std::uint32_t>(step % 3);
    if (status.apply(node, node, next, now) == cluster::peer_status::verdict::incomplete)
      happened(incomplete);
    status.apply(node, node, report, now);
    const auto* known = status.find(node, now);
    require(known == nullptr || known->functions.size() <= 2 * cluster::load_reporter::max_entries,
            "no more is known than was told");
  }
  require(status.apply(node, {}, report, now) == cluster::peer_status::verdict::stranger, "strangers tell nothing");
  status.expire(now + seconds{60});
  require(status.find(node, now + seconds{60}) == nullptr, "what is old is forgotten");
}

std::vector<std::string> samples() {
  const uuid id = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
  cluster::load_report report;
  report.sequence = 7;
  report.parts = 2;
  report.form = cluster::report_form::whole;
  report.numbers.in_flight = 3;
  report.numbers.figures = {"0.1.0", 1000, 42, std::string(64, 'a'), 5};
  report.numbers.functions = {{id, 1, 2, 3, 4, 5, {1, 9}}};
  report.gone = {id};
  auto change = report;
  change.form = cluster::report_form::change;
  const cluster::event_page page{
      {{1, 1'700'000'000'000, "member_joined", "node-2"}, {1, -5, "", "a line"}}, 2, true, 1};
  return {encode(introduction{id, "node-1"}),
          encode(refusal{errc::refused, "another cluster"}),
          encode(report),
          encode(change),
          encode(spawn_request{1, id, 2, 3, {0, 7}}),
          encode(reply_body{1, 2, "no"}),
          encode(function_report{id, 2, 0, ""}),
          encode(drain_notice_body{}),
          encode(events_request_body{1, id, 2, 100}),
          encode(events_body{1, page}),
          encode_nothing()};
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = samples(),
      .words = {"\x80",
                "\x81",
                "\x8f",
                "\x90",
                "\x91",
                "\x98",
                "\xc0",
                "\xc2",
                "\xc3",
                "\xc4\x10",
                std::string("\xc4\0", 2),
                "\xc6\xff\xff\xff\xff",
                "\xde\xff\xff",
                "\xdf\xff\xff\xff\xff",
                "\xdc\xff\xff",
                "\xdd\xff\xff\xff\xff",
                "\xca\x3f\x80",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "\xd3\x80",
                "\xff",
                "\xd9\xff",
                "\xda\xff\xff",
                "\xa5later\x01",
                "\xa6"
                "events",
                "\xa4gone",
                "\xa9"
                "functions",
                "\xa4part",
                "\xa5parts",
                "\xa8sequence",
                "\xa4more",
                "\xa4"
                "code",
                "\xa4what",
                "\xa4node",
                "\xa4name",
                "\xa5state",
                "\xad"
                "backup_age_ms"},
      .outcomes = {"introductions", "refusals", "reports", "orders", "replies", "reports of starts",
                   "notices of drains", "questions", "events", "reports with holes", "nothing"},
      .max_bytes = 1500};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  bool any = check<introduction>(bytes, introductions);
  any = check<refusal>(bytes, refusals) || any;
  any = check<spawn_request>(bytes, spawns) || any;
  any = check<reply_body>(bytes, answers) || any;
  any = check<function_report>(bytes, functions_told) || any;
  any = check<drain_notice_body>(bytes, drains) || any;
  any = check<events_request_body>(bytes, asked) || any;
  any = check_events(bytes) || any;
  if (check<cluster::load_report>(bytes, reports)) {
    any = true;
    check_reports(*decode<cluster::load_report>(bytes));
  }
  if (!any)
    happened(nothing);
  return 0;
}
