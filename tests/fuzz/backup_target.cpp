// Backups of the store, perhaps edited by hand: what is accepted is written again as the same, and a store that is made
// of it is one that a node starts from.
#include <algorithm>

#include "cluster/primary.hpp"
#include "cluster/store_restore.hpp"
#include "config/text.hpp"
#include "http/store_backup.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;

namespace {

enum outcome : std::size_t { accepted, bad, restored, not_restorable };

const uuid own = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");

http::store_backup sample() {
  http::store_backup backup;
  backup.identity = {own, {3, ~0ULL}, own, {7}};
  backup.contents.cursor = {42};
  backup.contents.records = {{"bound/live/x", "\xc0", 3},
                             {"function/caf\xc3\xa9", std::string("\x81\x00\xff\n\"", 5), 40},
                             {"meta/max_ttl", "\x81\xa2ms\xcd\x27\x10", 1},
                             {"node/00112233-4455-4677-8899-aabbccddeeff", "\x80", 5},
                             {"route/default/GET /a", "", 42}};
  return backup;
}

/// The lines without the last one, which proves the others.
std::string unproved(std::string text) {
  text.pop_back();
  return text.substr(0, text.rfind('\n') + 1);
}

/// With a last line that proves what is there: a fault elsewhere would hide behind a wrong digest.
std::string proved(std::string_view lines) {
  const auto count = std::max<std::ptrdiff_t>(std::count(lines.begin(), lines.end(), '\n') - 1, 0);
  return std::string{lines} + "{\"records\":" + std::to_string(count) + ",\"sha256\":\"" + to_string(sha256(lines)) +
         "\"}\n";
}

void check_restore(const http::store_backup& backup) {
  const cluster::restore_request request{own, parse_uuid("ffeeddcc-bbaa-4988-8766-554433221100"), 5, 2};
  const cluster::replaced_store before{backup.identity, backup.contents.records};
  for (const auto* in_place_of : {static_cast<const cluster::replaced_store*>(nullptr), &before}) {
    const auto made = cluster::restore_from_backup(backup, in_place_of, request);
    if (!made) {
      happened(not_restorable);
      require(!made.error().what.empty(), "a refusal says why");
      continue;
    }
    happened(restored);
    require(made->identity.generation.counter > backup.identity.generation.counter, "a restored store is newer");
    const auto store = cluster::primary::make(made->state, {}, made->identity.generation.counter);
    require(store.has_value(), "a node starts from a restored store");
    require(store->barrier() > backup.contents.cursor, "a restored store has one commit more");
    require(
        store->find_all("session/").empty() && store->find_all("owner/").empty() && store->find_all("live/").empty(),
        "nobody lives and owns in a restored store");
    const auto again = cluster::restore_from_copy(*made, {own, own, 6, 0});
    require(again || !again.error().what.empty(), "a restored store is a copy like others");
  }
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds =
          {unproved(http::backup_text(sample())),
           "{\"troupe_backup\":1,\"store_id\":\"00112233-4455-4677-8899-aabbccddeeff\",\"generation\":1,\"salt\":\"9\","
           "\"cursor\":0,\"parent_store\":\"\",\"parent_cursor\":0}\n"},
      .words = {"{",
                "}",
                "\n",
                ",",
                ":",
                "\"",
                "null",
                "[]",
                "{}",
                "\"key\"",
                "\"value\"",
                "\"revision\"",
                "\"sha256\"",
                "\"records\"",
                "\"troupe_backup\":1",
                "\"salt\":\"1\"",
                "\"cursor\":",
                "\"generation\":",
                "{\"key\":\"session/a\",\"revision\":1,\"value\":\"\"}\n",
                "{\"key\":\"zz\",\"revision\":9,\"value\":\"gA==\"}\n",
                "{\"key\":\"owner/a\",\"revision\":2,\"value\":\"\"}\n",
                "16777214",
                "16777215",
                "1099511627774",
                "1099511627775",
                "gA==",
                "\\u0000",
                "\\ud800",
                "\xff",
                "bound/",
                "meta/max_ttl",
                "node/"},
      .outcomes = {"accepted", "refused", "restored", "not restorable"}};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = text_of(data, size);
  const auto read = http::parse_backup(proved(lines));
  static_cast<void>(http::parse_backup(lines));
  if (!read) {
    happened(bad);
    require(read.error().code == errc::corrupt || read.error().code == errc::refused, "a refusal says why");
    return 0;
  }
  happened(accepted);
  const auto text = http::backup_text(*read);
  const auto again = http::parse_backup(text);
  require(again && http::backup_text(*again) == text, "a backup that is written again is the same");
  check_restore(*read);
  return 0;
}
